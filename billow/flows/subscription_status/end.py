"""End a subscription: cancel its timers, its schedule and the collection of its invoices."""

from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.flows.subscription_status import entitlements, schedule_end
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.tx import Tx

TIMERS = (
    "subscription.renew",
    "subscription.upcoming",
    "subscription.end",
    "subscription.trial_will_end",
    "subscription.expire",
    "subscription.resume_collection",
    "subscription.pending_items",
    "subscription.threshold",
)


def end(tx: Tx, subscription: Subscription, reason: str | None = None, **details: Any) -> Subscription:
    """Cancel a subscription now: no further period is billed, and its open invoices are not collected.

    Locks its invoices and its schedule; the caller holds the subscription. Emits the deletion, an update of
    each invoice, the end of the schedule, and the customer's entitlements if they changed.
    """
    for timer in TIMERS:
        jobs.cancel(tx, timer, subscription.id)
    if subscription.status == "paused" and subscription.pending_change:
        # The subscription cannot be resumed any more, so its invoice for the resumption is voided at once.
        jobs.put(tx, "subscription.resume_expires", subscription.id, tx.now)
    stop_collecting(tx, subscription.id)
    before = entitlements.entitlements_of(tx, subscription.customer)
    ended = rows.update(
        tx,
        subscription,
        event="deleted",
        ended_at=tx.now,
        canceled_at=subscription.canceled_at or tx.now,
        schedule=None,
        status_details=None,
        status=lifecycle.after(lifecycle.SUBSCRIPTION, subscription.status, "cancel"),
        cancellation_details={
            **subscription.cancellation_details,
            **({"reason": reason} if reason else {}),
            **details,
        },
    )
    schedule_end.end_with_subscription(tx, subscription, reason)
    entitlements.emit_summary(tx, subscription.customer, before)
    return ended


def stop_collecting(tx: Tx, subscription: str) -> None:
    """Stop finalizing and collecting the drafts and open invoices of a subscription automatically.

    They keep their status and can still be paid. Emits an update of each.
    """
    unpaid = rows.select(
        tx, Invoice, "subscription = %(id)s and status in ('draft', 'open') and auto_advance", id=subscription
    )
    rows.update_many(
        tx,
        [
            (
                invoice,
                {"auto_advance": False, "automatically_finalizes_at": None, "next_payment_attempt": None},
            )
            for invoice in unpaid
        ],
    )
    jobs.cancel(tx, "invoice.finalize", *[invoice.id for invoice in unpaid])
    jobs.cancel(tx, "invoice.collect", *[invoice.id for invoice in unpaid])
