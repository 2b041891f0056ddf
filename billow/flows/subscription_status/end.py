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
    """Canceled: no more periods, and its open invoices are no longer collected by themselves."""
    for timer in TIMERS:
        jobs.cancel(tx, timer, subscription.id)
    if subscription.status == "paused" and subscription.pending_change:
        # Nobody is to pay for a resumption that will not be: its invoice is void at once.
        jobs.put(tx, "subscription.resume_expires", subscription.id, tx.now)
    stop_collecting(tx, subscription.id)
    held = entitlements.held(tx, subscription.customer)
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
    schedule_end.follow(tx, subscription, reason)
    entitlements.tell(tx, subscription.customer, held)
    return ended


def stop_collecting(tx: Tx, subscription: str) -> None:
    """Its drafts and open invoices stay, and can be paid, but nothing is done with them by itself."""
    waiting = rows.select(
        tx, Invoice, "subscription = %(id)s and status in ('draft', 'open') and auto_advance", id=subscription
    )
    rows.update_many(
        tx,
        [
            (
                invoice,
                {"auto_advance": False, "automatically_finalizes_at": None, "next_payment_attempt": None},
            )
            for invoice in waiting
        ],
    )
    jobs.cancel(tx, "invoice.finalize", *[invoice.id for invoice in waiting])
    jobs.cancel(tx, "invoice.collect", *[invoice.id for invoice in waiting])
