"""Subscription items: the prices of a subscription, with quantity and current period."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.core.bounds import LARGEST


def plan_of(row: "SubscriptionItem", now: datetime, shown: dict[str, Any]) -> dict[str, Any]:
    """Return the price in the older format, as a plan (§2.5)."""
    price = shown["price"]
    recurring = price["recurring"]
    product = price["product"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": price["livemode"],
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": product["id"] if isinstance(product, dict) else product,
        "tiers_mode": price["tiers_mode"],
        "transform_usage": price["transform_quantity"],
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


class UsageThreshold(Params):
    """The usage of an item at which it is billed before its period ends (§4.5)."""

    usage_gte: int = f.integer(min=1, max=LARGEST, required=True)


class CurrentTrial(Params):
    """The trial offer of an item, and when it ends."""

    end_date: datetime = f.timestamp(required=True)
    start_date: datetime = f.timestamp(required=True)
    trial_offer: str = f.text(required=True)


class SubscriptionItem(
    Resource, object="subscription_item", path="/v1/subscription_items", prefix="si_", events=()
):
    """A price in a subscription, with its quantity and current period."""

    lacks = ("livemode",)
    order = "created, id"

    billed_until: datetime | None = f.timestamp()
    """Until when a billing schedule has billed it in advance, or None."""
    billing_thresholds: dict[str, Any] | None = f.nested(shape=UsageThreshold)
    current_period_end: datetime = f.timestamp(required=True)
    current_period_start: datetime = f.timestamp(required=True)
    current_trial: dict[str, Any] | None = f.nested(shape=CurrentTrial)
    discounts: list[str] = f.array(item=f.ref("discount"), default=[])
    metadata: dict[str, str] = f.metadata()
    plan: dict[str, Any] = f.computed(plan_of, refs="plan")
    price: str = f.ref("price", embed=True, required=True)
    quantity: int | None = f.integer()
    subscription: str = f.text(required=True)
    tax_rates: list[str] = f.array(item=f.ref("tax_rate"), embed=True, default=[])

    metered_from: datetime | None = f.timestamp(hidden=True)
    """The start of its unbilled usage, if later than the start of its period."""
    counted_from: datetime | None = f.timestamp(hidden=True)
    """The start of the usage that its tiers count, if a threshold has billed a part of that usage."""
    billed_use: Decimal | None = f.decimal(hidden=True)
    """How much of the usage since `counted_from` is billed."""


class Filters(Params):
    subscription: str = f.text(required=True)


@SubscriptionItem.listing(Filters)
def listing(tx: Any, wanted: Filters) -> Where:
    """List the items of a subscription, oldest first."""
    return Where("subscription = %(subscription)s", subscription=wanted.subscription)
