"""Post what an accountant enters: expected losses, tax relief, withheld tax, and tax that was paid."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from billow import reports
from billow.api import rows
from billow.core import allowance
from billow.core.errors import require
from billow.flows.billing import totals
from billow.ledger import balances, entries, post
from billow.ledger.customer_account import RELIEVED, WITHHELD
from billow.resources.invoice import Invoice
from billow.resources.tax_rate import TaxRate
from billow.store.ids import new_id
from billow.store.tx import Tx

PREFIX = "adj_"
CHANGED, REMITTED = "allowance.changed", "tax.remitted"


def enter(
    tx: Tx, event: str, at: datetime, transfers: list[entries.Transfer], invoice: Invoice | None = None
) -> None:
    """Post an entry, and name the invoice that it is about, and its customer, as voiding does later."""
    customer, id = (invoice.customer, invoice.id) if invoice else (None, None)
    post.post(tx, [post.Posting(event, new_id(PREFIX), at, transfers, customer, id)])


def allow(tx: Tx, at: datetime, percentages: tuple[Decimal, ...]) -> dict[str, tuple[int, int]]:
    """Bring the allowance to the loss that is expected of what is owed, without its tax (row 20).

    Returns by currency what was posted, and what the allowance is now.
    """
    table = reports.run(tx, "aging", at=at)
    owed = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    known = rows.find_many(tx, Invoice, [one["invoice"] for one in owed if one["invoice"]])
    wanted: dict[str, int] = {row["currency"]: 0 for row in allowed(tx)}
    for one in owed:
        invoice, currency = known.get(one["invoice"] or ""), str(one["currency"])
        for bucket, percentage in zip(allowance.BUCKETS, percentages, strict=True):
            net = net_of(invoice, int(one[bucket]))
            wanted[currency] = wanted.get(currency, 0) + allowance.expected_loss(max(net, 0), percentage)
    found = {}
    for currency, target in sorted(wanted.items()):
        change = target - balances.balance(tx, "allowance", currency, at)
        if change:
            enter(tx, CHANGED, at, entries.allowance_changed(currency, change))
        found[currency] = (change, target)
    return found


def allowed(tx: Tx) -> list[dict[str, Any]]:
    return tx.all("select distinct currency from ledger_transfers where 'allowance' in (debit, credit)")


def net_of(invoice: Invoice | None, amount: int) -> int:
    if invoice is None:
        return amount
    return allowance.without_tax(amount, invoice.total, sum(one["amount"] for one in invoice.total_taxes))


WRITTEN_OFF = (
    "status <> 'void' and ((status = 'uncollectible' and marked_uncollectible_at <= %(until)s) or id in"
    " (select invoice from ledger_transfers where event = %(event)s))"
)


def relieve(tx: Tx, at: datetime, until: datetime) -> list[tuple[Invoice, int]]:
    """Claim back the tax of what is written off, as far as the law lets the seller (row 21).

    Of invoices that were written off until an instant; what was paid since owes its tax again (row 22).
    Running it twice posts nothing twice. Returns each invoice with what was claimed, or if negative is owed
    again.
    """
    found = []
    for invoice in rows.select(
        tx, Invoice, WRITTEN_OFF, "order by id for update", until=until, event=RELIEVED
    ):
        lost = invoice.amount_due - invoice.amount_paid if invoice.status == "uncollectible" else 0
        rates = rows.find_many(
            tx, TaxRate, [one["tax_rate_details"]["tax_rate"] for one in invoice.total_taxes]
        )
        before = relieved(tx, invoice.id)
        taxes = []
        for one in totals.owed(invoice.total_taxes, rates):
            target = allowance.share(one.amount, lost, invoice.total)
            taxes.append(entries.Tax(one.jurisdiction, target - before.pop(one.jurisdiction, 0)))
        moved = entries.tax_relieved(invoice.currency, taxes)
        if moved:
            enter(tx, RELIEVED, at, moved, invoice)
            found.append((invoice, sum(one.amount for one in taxes)))
    return found


def relieved(tx: Tx, invoice: str) -> dict[str, int]:
    """Return what was claimed back of the taxes of an invoice, by jurisdiction."""
    found = tx.tuples(
        "select substr(case when debit = 'bad_debt' then credit else debit end, 13),"
        " sum(case when debit = 'bad_debt' then -amount else amount end)::bigint from ledger_transfers"
        " where event = %(event)s and invoice = %(invoice)s group by 1",
        event=RELIEVED,
        invoice=invoice,
    )
    return dict(found)


def currency_of(tx: Tx, id: str) -> str:
    return rows.find(tx, Invoice, id, param="invoice").currency


def withhold(tx: Tx, id: str, amount: int, at: datetime) -> Invoice:
    """Record that the payer of an invoice withheld tax, of what was recorded as paid outside (row 29)."""
    invoice = rows.lock(tx, Invoice, rows.find(tx, Invoice, id, param="invoice").id)
    [(paid,)] = tx.tuples(
        "select coalesce(sum(case when debit = 'bank' then amount else -amount end), 0)::bigint"
        " from ledger_transfers where invoice = %(id)s and 'bank' in (debit, credit)",
        id=invoice.id,
    )
    require(
        0 < amount <= paid,
        f"Withheld tax is a part of what was recorded as paid outside of {invoice.number or invoice.id}.",
    )
    enter(tx, WITHHELD, at, entries.tax_withheld(invoice.currency, amount), invoice)
    return invoice


def remit(tx: Tx, jurisdiction: str, currency: str, amount: int, at: datetime) -> int:
    """Record that tax was paid to a state, or came back from it (row 31); return what is still owed."""
    account = f"tax_payable:{jurisdiction}"
    known = tx.one(
        "select 1 as found from ledger_transfers where %(account)s in (debit, credit) limit 1",
        account=account,
    )
    require(known is not None, f"Nothing was ever owed to {jurisdiction}: see `billow report trial_balance`.")
    require(amount != 0, "An amount is paid, or with a minus came back.")
    enter(tx, REMITTED, at, entries.tax_remitted(jurisdiction, currency, amount))
    return balances.balance(tx, account, currency, at)
