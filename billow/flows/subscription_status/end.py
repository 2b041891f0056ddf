"""End a subscription: cancel its timers, its schedule and the collection of its invoices."""

from collections.abc import Sequence
from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.flows.mails import outbox
from billow.flows.subscription_status import entitlements, pending_setup, schedule_end
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
    return end_all(tx, [subscription], reason, **details)[0]


def end_all(
    tx: Tx, subscriptions: Sequence[Subscription], reason: str | None = None, **details: Any
) -> list[Subscription]:
    """Cancel subscriptions: no more periods, and their open invoices are not collected by themselves.

    A fixed number of statements for any number. The subscriptions are locked, with their customers.
    """
    if not subscriptions:
        return []
    ids = [one.id for one in subscriptions]
    jobs.cancel_kinds(tx, TIMERS, ids)
    # Nobody is to pay for a resumption that will not be: its invoice is void at once.
    resuming = [one.id for one in subscriptions if one.status == "paused" and one.pending_change]
    jobs.put_many(tx, "subscription.resume_expires", [(id, tx.now) for id in resuming])
    stop_collecting(tx, ids)
    held = entitlements.entitlements_of_each(tx, [one.customer for one in subscriptions])
    said = {**({"reason": reason} if reason else {}), **details}
    ended = rows.update_many(
        tx,
        [
            (
                one,
                {
                    **end_fields(tx, one),
                    "pending_setup_intent": None,
                    "schedule": None,
                    "status_details": None,
                    "status": lifecycle.after(lifecycle.SUBSCRIPTION, one.status, "cancel"),
                    "cancellation_details": {**one.cancellation_details, **said},
                },
            )
            for one in subscriptions
        ],
        event="deleted",
    )
    outbox.order(tx, [outbox.Mail("subscription_canceled", one.id, one.customer) for one in ended])
    pending_setup.stop_waiting(tx, subscriptions)
    schedule_end.end_with_subscriptions(tx, subscriptions, reason)
    entitlements.emit_summaries(tx, held)
    return ended


def end_fields(tx: Tx, subscription: Subscription) -> dict[str, Any]:
    """Return the fields that say when a subscription ended, and whether that was its planned end (§5.12)."""
    planned = subscription.cancel_at is not None and subscription.cancel_at <= tx.now
    return {
        "ended_at": tx.now,
        "canceled_at": subscription.canceled_at or tx.now,
        "cancel_at_period_end": subscription.cancel_at_period_end and planned,
    }


def stop_collecting(tx: Tx, subscriptions: Sequence[str]) -> None:
    """Stop finalizing and collecting the drafts and open invoices of a subscription automatically.

    They keep their status and can still be paid. Emits an update of each.
    """
    waiting = rows.select(
        tx,
        Invoice,
        "subscription = any(%(ids)s) and status in ('draft', 'open') and auto_advance",
        ids=list(subscriptions),
    )
    nothing = {"auto_advance": False, "automatically_finalizes_at": None, "next_payment_attempt": None}
    rows.update_many(tx, [(invoice, nothing) for invoice in waiting])
    if waiting:
        jobs.cancel_kinds(tx, ("invoice.finalize", "invoice.collect"), [one.id for one in waiting])
