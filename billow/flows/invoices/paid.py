"""Mark an invoice paid without an attempt: by money that came otherwise, or a credit note of the rest."""

from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.flows.credits import purchases
from billow.flows.invoices import due_dates
from billow.flows.subscription_status import transitions
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.tx import Tx


def mark_paid(tx: Tx, invoice: Invoice, changes: dict[str, Any], *succeeded: str) -> Invoice:
    """Mark an invoice paid, with its subscription, what it bought and its customer. Locks the subscription.

    Emits `invoice.updated` and `invoice.paid`, then the events of a payment that has `succeeded`.
    """
    for timer in due_dates.TIMERS:
        jobs.cancel(tx, timer, invoice.id)
    paid = rows.update(
        tx,
        invoice,
        event=("updated", "invoice.paid", *succeeded),
        **changes,
        auto_advance=False,
        next_payment_attempt=None,
        paid_at=tx.now,
        status=lifecycle.after(lifecycle.INVOICE, invoice.status, "pay"),
    )
    if invoice.subscription:
        transitions.record_payment(tx, rows.lock(tx, Subscription, invoice.subscription), paid, None)
    purchases.deliver(tx, [invoice])
    transitions.set_delinquent(tx, rows.find(tx, Customer, invoice.customer, deleted=True), False)
    return paid
