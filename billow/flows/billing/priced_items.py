"""Load subscription items with what prices them: price, product, meter."""

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
    """An item of a subscription with all that prices it."""

    item: SubscriptionItem
    price: Price
    product: Product
    meter: Meter | None
    rate: pricing.Price
    """In the currency of the subscription."""
    classic: bool = False

    @property
    def interval(self) -> tuple[str, int]:
        recurring = self.price.recurring or {}
        return recurring["interval"], recurring["interval_count"]


def parts_of(tx: Tx, subscriptions: Iterable[str]) -> dict[str, list[Part]]:
    """The items of any number of subscriptions, in five statements.

    Newest first; items born together as given.
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
    """The part with its item changed in what does not price it."""
    return replace(part, item=item)


def meter_of(price: Price) -> str | None:
    return (price.recurring or {}).get("meter")


def rate_of(price: Price, currency: str | None = None) -> pricing.Price:
    """A price as the core rates it: in its own currency, or in another one that it has amounts for."""
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
