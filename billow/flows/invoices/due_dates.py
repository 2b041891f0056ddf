"""Follow the due dates of sent invoices: emit a reminder before, and mark them overdue after."""

from collections.abc import Sequence

from billow.api import rows
from billow.flows.billing import advance_notice
from billow.flows.invoices import reminders
from billow.flows.subscription_status import transitions
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx

TIMERS = ("invoice.collect", "invoice.overdue", "invoice.will_be_due", reminders.JOB)
"""The timers of an unpaid invoice; canceled when it is paid, voided or given up."""


def set_timers(tx: Tx, opened: Sequence[Invoice]) -> None:
    """Set the timers of the due dates of finalized invoices, however they were finalized.

    The status of a subscription depends on the due date (§5.2).
    """
    waiting = [invoice for invoice in opened if invoice.status == "open"]
    due = [(invoice.id, invoice.due_date) for invoice in waiting if invoice.due_date]
    jobs.put_many(tx, "invoice.overdue", due)
    advance_notice.announce(tx, "invoice.will_be_due", due)


@job("invoice.overdue", batch=1)
def overdue(tx: Tx, refs: list[str]) -> None:
    """Mark an unpaid invoice overdue, and update its subscription. Emits `invoice.overdue`.

    Sets the timer of the first reminder. Locks the invoice and its subscription.
    """
    [id] = refs
    invoice = rows.lock(tx, Invoice, id)
    if invoice.status != "open":
        return
    rows.emit(tx, [(invoice, None)], "invoice.overdue")
    reminders.schedule(tx, invoice)
    if invoice.subscription:
        transitions.miss_payment(tx, rows.lock(tx, Subscription, invoice.subscription), invoice)
    transitions.set_delinquent(tx, rows.find(tx, Customer, invoice.customer), True)


@job("invoice.will_be_due", batch=50)
def will_be_due(tx: Tx, refs: list[str]) -> None:
    """Emit `invoice.will_be_due` for the open invoices among these."""
    waiting = [one for one in rows.find_all(tx, Invoice, refs).values() if one.status == "open"]
    rows.emit(tx, [(invoice, None) for invoice in waiting], "invoice.will_be_due")
