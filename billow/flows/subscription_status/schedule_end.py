"""End a schedule: released, completed or canceled, by itself or with its subscription."""

from collections.abc import Sequence
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
    return end_all(tx, [schedule], action, event, **changes)[0]


def end_all(
    tx: Tx, schedules: Sequence[SubscriptionSchedule], action: str, event: str, **changes: Any
) -> list[SubscriptionSchedule]:
    """End schedules, so that no phase follows any more; emit one event for each, and no update."""
    if schedules:
        jobs.cancel_kinds(tx, TIMERS, [one.id for one in schedules])
    return rows.update_many(
        tx,
        [
            (
                one,
                {
                    "status": lifecycle.after(lifecycle.SCHEDULE, one.status, action),
                    "current_phase": None,
                    **changes,
                },
            )
            for one in schedules
        ],
        event=f"subscription_schedule.{event}",
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


def end_with_subscriptions(tx: Tx, subscriptions: Sequence[Subscription], reason: str | None) -> None:
    """End the schedules of subscriptions that end: aborted where nobody paid (§6)."""
    named = [one.schedule for one in subscriptions if one.schedule]
    living = (
        [one for one in rows.lock_many(tx, SubscriptionSchedule, named) if one.status in LIVING]
        if named
        else []
    )
    end_all(tx, living, "cancel", "aborted" if reason == "payment_failed" else "canceled", canceled_at=tx.now)
