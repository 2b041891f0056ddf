"""Adapt the schedule of a subscription whose items are updated directly."""

from collections.abc import Sequence
from typing import Any

from billow.api import render, rows
from billow.api.fields import seconds
from billow.flows.billing import totals
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.resources.subscription_schedule import SubscriptionSchedule
from billow.store import outbox
from billow.store.tx import Tx

Phase = dict[str, Any]


def sync_schedule(tx: Tx, subscription: Subscription) -> None:
    """Split the current phase at a change of items; from now on it has the items of the subscription.

    Later phases stay as planned. Emits `subscription_schedule.updated`.
    """
    if subscription.schedule is None:
        return
    schedule = rows.lock(tx, SubscriptionSchedule, subscription.schedule)
    items = rows.below(tx, SubscriptionItem, "subscription", [subscription.id])[subscription.id]
    if schedule.status != "active" or matches_phase(schedule, items):
        return
    place, now = place_of(schedule), seconds(tx.now) or 0
    phase = schedule.phases[place]
    if phase["end_date"] <= now:
        return  # the phase is over, and the next one is about to begin
    changed = {**phase, "items": [phase_item(item) for item in items]}
    pieces = [changed]
    if phase["start_date"] < now:
        pieces = [phase_until(phase, now), {**changed, "add_invoice_items": [], "start_date": now}]
    current = {name: pieces[-1][name] for name in ("end_date", "start_date")}
    after = [*schedule.phases[:place], *pieces, *schedule.phases[place + 1 :]]
    write(tx, schedule, schedule.but(current_phase=current, phases=after))


def matches_phase(schedule: SubscriptionSchedule, items: Sequence[SubscriptionItem]) -> bool:
    """Return whether the subscription has the prices and quantities of the current phase."""
    planned = schedule.phases[place_of(schedule)]["items"]
    has = {item.price: item.quantity for item in items}
    return has == {item["price"]: item["quantity"] for item in planned}


def place_of(schedule: SubscriptionSchedule) -> int:
    """Return the index of the current phase."""
    start = (schedule.current_phase or {})["start_date"]
    return next(n for n, phase in enumerate(schedule.phases) if phase["start_date"] == start)


def phase_until(phase: Phase, end: int) -> Phase:
    """Return the phase, shortened to an instant within it."""
    trial = phase["trial_end"]
    return {**phase, "end_date": end, "trial_end": trial and min(trial, end)}


def phase_item(item: SubscriptionItem) -> dict[str, Any]:
    """Return an item of a subscription in the form that phases store."""
    return {
        "billing_thresholds": item.billing_thresholds,
        "discounts": discounts_of(item.discounts),
        "metadata": dict(item.metadata),
        "plan": item.price,
        "price": item.price,
        "quantity": item.quantity,
        "tax_rates": list(item.tax_rates),
    }


def discounts_of(ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return discounts in the form that phases store."""
    return [{"coupon": None, "discount": id, "promotion_code": None} for id in ids]


def write(tx: Tx, before: SubscriptionSchedule, after: SubscriptionSchedule) -> SubscriptionSchedule:
    """Write the changed fields of a schedule and emit the update, with the phases as they are shown."""
    shown = render.one(tx, before)
    written = rows.update(tx, before, event=None, **totals.changed_fields(before, after))
    now = render.one(tx, written)
    previous = {name: render.difference(old, now[name]) for name, old in shown.items() if old != now[name]}
    if previous:
        outbox.write(tx, [outbox.NewEvent("subscription_schedule.updated", now, previous)])
    return written
