"""Expire or remove a subscription whose first payment did not come in time."""

from billow.api import rows
from billow.flows.billing import discounts
from billow.flows.invoices import invoice_intents, void
from billow.flows.invoices.invoice_intents import UNDER_WAY
from billow.flows.subscription_status import end, transitions
from billow.resources.billing_period import BillingPeriod
from billow.resources.checkout_session import CheckoutSession
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store import clocks, jobs
from billow.store.jobs import job
from billow.store.tx import Tx


@job("subscription.expire", batch=1)
def expire(tx: Tx, refs: list[str]) -> None:
    """Expire a subscription not paid within 23 hours: void its invoice; if it is provisional, remove it."""
    [id] = refs
    subscription = rows.lock(tx, Subscription, id)
    if subscription.status != "incomplete":
        return
    if invoice_intents.is_under_way(tx, subscription.latest_invoice) or is_being_bought(tx, subscription):
        jobs.put(tx, "subscription.expire", id, tx.now + UNDER_WAY)
    elif subscription.provisional:
        remove_unpaid(clocks.enter(tx, subscription.test_clock), subscription)
    elif subscription.latest_invoice:
        void.void_invoice(tx, rows.lock(tx, Invoice, subscription.latest_invoice))
    else:
        transitions.expire_incomplete(tx, subscription)


def is_being_bought(tx: Tx, subscription: Subscription) -> bool:
    """Check whether an open checkout session has begun it: its customer may be confirming at the bank.

    The session itself removes it, when the payment is declined or when it expires.
    """
    if not subscription.provisional:
        return False
    return bool(
        rows.select(
            tx, CheckoutSession, "pending->>'subscription' = %(id)s and status = 'open'", id=subscription.id
        )
    )


def remove_unpaid(tx: Tx, subscription: Subscription) -> None:
    """Remove a provisional subscription that was not paid (docs/decisions/0010-taken-back.md).

    Deletes its items and releases its discounts. Its invoice is voided and keeps its number; the customer's
    other pending items wait for the next invoice. Locks the invoice.
    """
    for timer in end.TIMERS:
        jobs.cancel(tx, timer, subscription.id)
    invoice = rows.lock(tx, Invoice, subscription.latest_invoice or "")
    for item in rows.select(tx, InvoiceItem, "invoice = %(id)s", id=invoice.id):
        if item.subscription == subscription.id:
            rows.delete(tx, item)
        else:
            rows.update(tx, item, event=None, invoice=None)
    rows.delete_where(tx, BillingPeriod, "subscription = %(id)s", id=subscription.id)
    parts = rows.below(tx, SubscriptionItem, "subscription", [subscription.id])[subscription.id]
    discounts.release_of(tx, subscription, parts)
    for part in parts:
        rows.delete(tx, part)
    rows.delete(tx, subscription, event=None)
    if invoice.status != "void":  # somebody may have voided it while its payment waited for the customer
        void.void_invoice(tx, invoice)
