"""Put a change of plan off to the end of the period, where the configuration of the portal says so (§9.3)."""

from decimal import Decimal
from typing import Any

from billow.api import rows
from billow.api.fields import instant, seconds
from billow.api.params import made
from billow.core import calendar, pricing
from billow.core.errors import needed
from billow.flows.billing import priced_items
from billow.flows.schedules import run_phase, schedules
from billow.resources.price import Price
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.resources.subscription_schedule import SubscriptionSchedule
from billow.store.tx import Tx

DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
"""About how long an interval is, to tell which of two is the shorter one."""


def is_postponed(
    tx: Tx, feature: dict[str, Any], item: SubscriptionItem, price: str, quantity: int | None
) -> bool:
    """Check whether a change makes a subscription cheaper or its interval shorter, and waits for that."""
    types = {one["type"] for one in (feature["schedule_at_period_end"] or {}).get("conditions") or []}
    before, after = rows.find(tx, Price, item.price), rows.find(tx, Price, price)
    shorter = length(after) < length(before)
    cheaper = amount(after, quantity) < amount(before, item.quantity)
    return ("shortening_interval" in types and shorter) or ("decreasing_item_amount" in types and cheaper)


def length(price: Price) -> int:
    rhythm = needed(price.recurring, "a recurring price")
    return int(DAYS[rhythm["interval"]] * rhythm["interval_count"])


def amount(price: Price, quantity: int | None) -> int:
    return pricing.amount(priced_items.rate_of(price, price.currency), Decimal(quantity or 0))


def change_at_end(
    tx: Tx, subscription: Subscription, price: str, quantity: int | None, discounts: list[dict[str, Any]]
) -> SubscriptionSchedule:
    """Plan the change in a schedule of two phases; its subscription goes on without it after the second.

    The caller holds the subscription.
    """
    planned = schedules.create_from_subscription(
        tx, made(schedules.Create, from_subscription=subscription.id)
    )
    [now] = planned.phases
    ends = needed(instant(now["end_date"]), "the end of the period")
    rhythm = needed(rows.find(tx, Price, price).recurring, "a recurring price")
    _, until = calendar.period_at(ends, rhythm["interval"], rhythm["interval_count"], ends)
    changed = {
        **now,
        "discounts": discounts or now["discounts"],
        "end_date": seconds(until),
        "items": [{**one, "price": price, "quantity": quantity} for one in now["items"]],
        "proration_behavior": "none",
        "start_date": now["end_date"],
        "trial_end": None,
    }
    return run_phase.write(tx, planned, planned.but(phases=[now, changed]))


def planned_at(tx: Tx, subscription: Subscription) -> Any:
    """Return when a change of plan takes place that is planned; None where none is."""
    found = rows.find_many(tx, SubscriptionSchedule, [subscription.schedule or ""])
    starts = [instant(phase["start_date"]) for one in found.values() for phase in one.phases]
    return min((at for at in starts if at and at > tx.now), default=None)
