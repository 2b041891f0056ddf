"""Watch the due dates of sent invoices: remind before, mark overdue after."""

from collections.abc import Sequence

from billow.api import rows
from billow.flows.billing import advance_notice
from billow.flows.subscription_status import transitions
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx

TIMERS = ("invoice.collect", "invoice.overdue", "invoice.will_be_due")
"""What an unpaid invoice waits for."""


def watch(tx: Tx, opened: Sequence[Invoice]) -> None:
    """A due date is a fact, whoever finalized the invoice: the status of a subscription follows it (§5.2)."""
    waiting = [invoice for invoice in opened if invoice.status == "open"]
    due = [(invoice.id, invoice.due_date) for invoice in waiting if invoice.due_date]
    jobs.put_many(tx, "invoice.overdue", due)
    advance_notice.announce(tx, "invoice.will_be_due", due)


@job("invoice.overdue", batch=1)
def overdue(tx: Tx, refs: list[str]) -> None:
    """The due date of an invoice that was sent has passed unpaid."""
    [id] = refs
    invoice = rows.lock(tx, Invoice, id)
    if invoice.status != "open":
        return
    rows.emit(tx, [(invoice, None)], "invoice.overdue")
    if invoice.subscription:
        transitions.miss_payment(tx, rows.lock(tx, Subscription, invoice.subscription), invoice)
    transitions.set_delinquent(tx, rows.find(tx, Customer, invoice.customer), True)


@job("invoice.will_be_due", batch=50)
def will_be_due(tx: Tx, refs: list[str]) -> None:
    """The due date of invoices that were sent comes nearer, and they are unpaid."""
    waiting = [one for one in rows.find_all(tx, Invoice, refs).values() if one.status == "open"]
    rows.emit(tx, [(invoice, None) for invoice in waiting], "invoice.will_be_due")
