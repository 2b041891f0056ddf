"""End a schedule: release, complete or cancel it, by itself or with its subscription."""

from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.resources.subscription import Subscription
from billow.resources.subscription_schedule import LIVING, SubscriptionSchedule
from billow.store import jobs
from billow.store.tx import Tx

TIMERS = ("schedule.phase", "schedule.expiring")


def end(
    tx: Tx, schedule: SubscriptionSchedule, action: str, event: str, **changes: Any
) -> SubscriptionSchedule:
    """End a schedule: cancel its timers, and emit `subscription_schedule.EVENT` without an `updated`."""
    for timer in TIMERS:
        jobs.cancel(tx, timer, schedule.id)
    return rows.update(
        tx,
        schedule,
        event=f"subscription_schedule.{event}",
        status=lifecycle.after(lifecycle.SCHEDULE, schedule.status, action),
        current_phase=None,
        **changes,
    )


def release(tx: Tx, schedule: SubscriptionSchedule) -> SubscriptionSchedule:
    """Release a schedule: its subscription continues unchanged, without it.

    Locks the subscription; emits its update and the release.
    """
    id = schedule.subscription
    if id:
        rows.update(tx, rows.lock(tx, Subscription, id), schedule=None)
    return end(
        tx, schedule, "release", "released", released_at=tx.now, released_subscription=id, subscription=None
    )


def cancel(tx: Tx, schedule: SubscriptionSchedule, event: str = "canceled") -> SubscriptionSchedule:
    """Cancel a schedule; its subscription is left to the caller."""
    return end(tx, schedule, "cancel", event, canceled_at=tx.now)


def end_with_subscription(tx: Tx, subscription: Subscription, reason: str | None) -> None:
    """Cancel the schedule of a subscription that ends; abort it if the reason is a failed payment (§6).

    Locks the schedule; emits that it was canceled or aborted.
    """
    if subscription.schedule is None:
        return
    schedule = rows.lock(tx, SubscriptionSchedule, subscription.schedule)
    if schedule.status in LIVING:
        cancel(tx, schedule, "aborted" if reason == "payment_failed" else "canceled")
