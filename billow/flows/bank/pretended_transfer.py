"""Pretend in test mode that a customer's bank transfer has arrived, and that it was sent back."""

from billow.api import fields as f
from billow.api import rows
from billow.api.params import Params
from billow.api.resource import route
from billow.core.errors import Refused, require
from billow.flows.bank import apply, cash_balance, process
from billow.flows.outside.seller import day_of
from billow.resources.bank_entry import PRETENDED, BankEntry
from billow.resources.customer import Customer
from billow.resources.customer_cash_balance_transaction import CustomerCashBalanceTransaction
from billow.resources.refund import Refund
from billow.store import clocks
from billow.store.ids import new_id
from billow.store.jobs import job
from billow.store.tx import Tx


class Fund(Params):
    amount: int = f.amount(min=1, required=True)
    currency: str = f.currency(required=True)
    reference: str | None = f.text()


@route(
    "POST", "/v1/test_helpers/customers/{customer}/fund_cash_balance", Fund, of="cash_balance_transactions"
)
def fund(tx: Tx, id: str, wanted: Fund) -> CustomerCashBalanceTransaction:
    """Pretend that a customer's bank transfer has arrived, in test mode only.

    With the payment reference of an invoice it pays that; otherwise it stays on the customer's cash balance.
    """
    customer = rows.lock(tx, Customer, id)
    if tx.livemode:
        raise Refused("Transfers are pretended in test mode only.", code="testmode_charges_only")
    tx = clocks.enter(tx, customer.test_clock)
    name = new_id(BankEntry.prefix)
    entry = rows.insert(
        tx,
        BankEntry(
            id=name,
            account=PRETENDED,
            amount=wanted.amount,
            booked_on=day_of(tx, tx.now).isoformat(),
            currency=wanted.currency,
            identity=name,
            name=customer.name,
            structured=wanted.reference,
        ),
    )
    apply.receive(tx, entry)
    found = process.find(tx, entry)
    require(found.customer in (None, id), "The reference is that of another customer's invoice.")
    queued = apply.apply_match(tx, rows.find(tx, BankEntry, name), found)
    if found.rule is None:
        cash_balance.fund(tx, queued, id, queued.unapplied)
        cash_balance.tell_available(tx, rows.update(tx, queued, event=None, customer=id))
    [made, *_] = rows.select(
        tx, CustomerCashBalanceTransaction, "entry = %(entry)s", "order by created, id", entry=name
    )
    return made


@job("refund.pretend")
def send_back(tx: Tx, refs: list[str]) -> None:
    """Let the pretended bank make the transfer of a refund, as an entry of a statement that names it."""
    [id] = refs
    refund = rows.find(tx, Refund, id)
    if refund.status != "pending":
        return
    name = new_id(BankEntry.prefix)
    sent = BankEntry(
        id=name,
        account=PRETENDED,
        amount=-refund.amount,
        bank_reference=name,
        booked_on=day_of(tx, tx.now).isoformat(),
        currency=refund.currency,
        end_to_end=id.replace("_", "-"),
        identity=name,
    )
    process.process(tx, rows.insert(tx, sent))
