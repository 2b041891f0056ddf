"""End a schedule: released, completed or canceled, by itself or with its subscription."""

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
    """No phase follows any more; told in the word of its event alone."""
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
    """The subscription goes on by itself, as it is."""
    id = schedule.subscription
    if id:
        rows.update(tx, rows.lock(tx, Subscription, id), schedule=None)
    return end(
        tx, schedule, "release", "released", released_at=tx.now, released_subscription=id, subscription=None
    )


def cancel(tx: Tx, schedule: SubscriptionSchedule, event: str = "canceled") -> SubscriptionSchedule:
    return end(tx, schedule, "cancel", event, canceled_at=tx.now)


def follow(tx: Tx, subscription: Subscription, reason: str | None) -> None:
    """A subscription that ends takes its schedule with it: aborted where nobody paid (§6)."""
    if subscription.schedule is None:
        return
    schedule = rows.lock(tx, SubscriptionSchedule, subscription.schedule)
    if schedule.status in LIVING:
        cancel(tx, schedule, "aborted" if reason == "payment_failed" else "canceled")
