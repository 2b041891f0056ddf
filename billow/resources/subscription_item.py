"""Subscription items: one price in a subscription, its quantity, and the period it is in."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.core.bounds import LARGEST


def plan_of(row: "SubscriptionItem", now: datetime, shown: dict[str, Any]) -> dict[str, Any]:
    """The price in its old clothes (§2.5)."""
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
    """How much use of one item is billed before its period ends (§4.5)."""

    usage_gte: int = f.integer(min=1, max=LARGEST, required=True)


class CurrentTrial(Params):
    """Until when the price of a trial offer holds."""

    end_date: datetime = f.timestamp(required=True)
    start_date: datetime = f.timestamp(required=True)
    trial_offer: str = f.text(required=True)


class SubscriptionItem(
    Resource, object="subscription_item", path="/v1/subscription_items", prefix="si_", events=()
):
    """One price in a subscription."""

    lacks = ("livemode",)
    order = "created, id"

    billed_until: datetime | None = f.timestamp()
    """Until when a billing schedule has it billed; nothing where no period of it is billed in advance."""
    billing_thresholds: dict[str, Any] | None = f.hash(shape=UsageThreshold)
    current_period_end: datetime = f.timestamp(required=True)
    current_period_start: datetime = f.timestamp(required=True)
    current_trial: dict[str, Any] | None = f.hash(shape=CurrentTrial)
    discounts: list[str] = f.array(item=f.ref("discount"), default=[])
    metadata: dict[str, str] = f.metadata()
    plan: dict[str, Any] = f.computed(plan_of)
    price: str = f.ref("price", embed=True, required=True)
    quantity: int | None = f.integer()
    subscription: str = f.text(required=True)
    tax_rates: list[str] = f.array(item=f.ref("tax_rate"), embed=True, default=[])

    metered_from: datetime | None = f.timestamp(hidden=True)
    """Since when its use is still to be billed, where that is later than the start of its period."""
    counted_from: datetime | None = f.timestamp(hidden=True)
    """Since when the tiers of its price count, where a threshold has billed a part of that use."""
    billed_use: Decimal | None = f.decimal(hidden=True)
    """How much of the use since then is billed."""


class Filters(Params):
    subscription: str = f.text(required=True)


@SubscriptionItem.listing(Filters)
def listing(tx: Any, wanted: Filters) -> Where:
    """The items of one subscription, the oldest first."""
    return Where("subscription = %(subscription)s", subscription=wanted.subscription)
