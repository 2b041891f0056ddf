"""Read what a customer owes: the balance of their receivable, its movements, and what is open by invoice."""

from dataclasses import dataclass
from datetime import datetime

from billow.ledger.balances import whole
from billow.store.tx import Tx

CREDITED = ("credit_note.issued", "credit_note.voided")
"""Credit notes, also those of which nothing was owed any more."""
GRANTED = (
    "refund.granted",
    "refund.revoked",
    "refund.credited",
    "payment_record.granted",
    "payment_record.credited",
)
"""Refunds without a credit note: what is granted is sent back, and the customer owes as much as before."""
RELIEVED, WITHHELD = "invoice.tax_relieved", "invoice.tax_withheld"
APART = (RELIEVED, WITHHELD)
"""Entries of the accountant about an invoice, which leave what its customer owes as it is."""
SIDES = (
    "(select created, event, source, invoice, customer, currency, debit, credit, amount, 1 as sign"
    " from ledger_transfers where debit = %(account)s"
    " union all select created, event, source, invoice, customer, currency, debit, credit, amount, -1"
    " from ledger_transfers where credit = %(account)s) as sides"
)
GIVEN = (
    "(select created, event, source, invoice, currency, 0 as owed,"
    " case when credit in ('refunds_payable', %(balance)s) then amount"
    " when debit in ('refunds_payable', %(balance)s) then -amount else 0 end as given"
    " from ledger_transfers where customer = %(customer)s and event = any(%(events)s)"
    f" union all select created, event, source, invoice, currency, sign * amount, 0 from {SIDES}) as moved"
)


@dataclass(frozen=True, slots=True)
class Movement:
    """An event that concerns a customer: what they owe more or, negative, less by it.

    `given` is what it gives back in other ways: to the balance, or as a refund.
    """

    created: datetime
    event: str
    source: str
    invoice: str | None
    currency: str
    owed: int
    given: int


@dataclass(frozen=True, slots=True)
class OpenAmount:
    """What is left to pay of an invoice; negative where more was paid than owed."""

    invoice: str | None
    currency: str
    amount: int


def opening(tx: Tx, customer: str, at: datetime) -> dict[str, int]:
    """Return what a customer owes before an instant, in each currency that they ever owed in."""
    found = tx.tuples(
        f"select currency, sum(sign * amount) from {SIDES} where created < %(at)s group by currency",
        account=f"receivable:{customer}",
        at=at,
    )
    return {currency: int(amount) for currency, amount in found}


def movements(tx: Tx, customer: str, start: datetime, end: datetime) -> list[Movement]:
    """List what happened from one instant until before another, oldest first."""
    found = tx.all(
        "select created, event, source, invoice, currency, sum(owed) as owed, sum(given) as given"
        f" from {GIVEN} where created >= %(start)s and created < %(end)s"
        " group by created, event, source, invoice, currency having sum(owed) <> 0 or sum(given) <> 0"
        " order by created, currency, invoice, event <> 'invoice.finalized', event, source",
        account=f"receivable:{customer}",
        balance=f"customer_balance:{customer}",
        customer=customer,
        events=[*CREDITED, *GRANTED],
        start=start,
        end=end,
    )
    return [Movement(**whole(row, "owed", "given")) for row in found]


def open_amounts(tx: Tx, customer: str, at: datetime) -> list[OpenAmount]:
    """List what was open before an instant, by invoice: it sums to the balance of the account."""
    found = tx.all(
        f"select invoice, currency, sum(sign * amount) as amount from {SIDES} where created < %(at)s"
        " group by invoice, currency having sum(sign * amount) <> 0 order by currency, invoice",
        account=f"receivable:{customer}",
        at=at,
    )
    return [OpenAmount(**whole(row, "amount")) for row in found]
