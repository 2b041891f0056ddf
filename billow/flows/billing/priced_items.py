"""Load subscription items with their price, product and meter."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from billow.api import rows
from billow.core import pricing
from billow.resources.meter import Meter
from billow.resources.price import Price
from billow.resources.product import Product
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Part:
    """An item of a subscription with its price, product and meter."""

    item: SubscriptionItem
    price: Price
    product: Product
    meter: Meter | None
    rate: pricing.Price
    """The price as the core calculates with it, in the subscription's currency."""
    classic: bool = False

    @property
    def interval(self) -> tuple[str, int]:
        recurring = self.price.recurring or {}
        return recurring["interval"], recurring["interval_count"]


def parts_of(tx: Tx, subscriptions: Iterable[str]) -> dict[str, list[Part]]:
    """Load the items of any number of subscriptions with their prices, in five statements.

    The newest come first; those created together in the order in which they were sent.
    """
    items = [
        item
        for some in rows.below(tx, SubscriptionItem, "subscription", sorted(set(subscriptions))).values()
        for item in sorted(some, key=lambda item: item.created, reverse=True)  # stable: then by id
    ]
    found: dict[str, list[Part]] = {}
    for part in parts_of_items(tx, items):
        found.setdefault(part.item.subscription, []).append(part)
    return found


def parts_of_items(tx: Tx, items: Sequence[SubscriptionItem]) -> list[Part]:
    """Load the price, product and meter of each item, in four statements."""
    prices = rows.find_many(tx, Price, [item.price for item in items])
    products = rows.find_many(tx, Product, [price.product for price in prices.values()])
    meters = rows.find_many(tx, Meter, [meter for price in prices.values() if (meter := meter_of(price))])
    agreed = rows.find_many(tx, Subscription, [item.subscription for item in items])
    wanted = {(item.price, agreed[item.subscription].currency) for item in items}
    rates = {(id, currency): rate_of(prices[id], currency) for id, currency in wanted}
    return [
        Part(
            item,
            price,
            products[price.product],
            meters.get(meter_of(price) or ""),
            rates[price.id, subscription.currency],
            subscription.billing_mode["type"] == "classic",
        )
        for item in items
        for price, subscription in [(prices[item.price], agreed[item.subscription])]
    ]


def with_item(part: Part, item: SubscriptionItem) -> Part:
    """Return the part with its item changed in fields that do not affect the price."""
    return replace(part, item=item)


def meter_of(price: Price) -> str | None:
    """Return the id of the meter that a price bills, or None for a licensed price."""
    return (price.recurring or {}).get("meter")


def rate_of(price: Price, currency: str | None = None) -> pricing.Price:
    """Return a price as the core calculates with it, in its own or one of its optional currencies."""
    transform = price.transform_quantity
    other = price.currency_options[currency] if currency not in (None, price.currency) else None
    unit = _exact(other["unit_amount_decimal"]) if other else price.unit_amount_decimal
    model = price.tiers_mode if price.billing_scheme == "tiered" else "package" if transform else "per_unit"
    tiers = tuple(
        pricing.Tier(
            _exact(tier["up_to"]), _exact(tier["unit_amount_decimal"]), _exact(tier["flat_amount_decimal"])
        )
        for tier in (other["tiers"] if other else price.tiers) or ()
    )
    return pricing.Price(
        model=model or "per_unit",
        currency=currency or price.currency,
        unit_amount=unit,
        tiers=tiers,
        divide_by=transform["divide_by"] if transform else None,
        round=transform["round"] if transform else "up",
    )


def _exact(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)
