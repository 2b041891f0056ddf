"""Find the items that a change requests: their prices, quantities, discounts and tax rates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params, merged
from billow.core.errors import Refused, require
from billow.flows.billing import currency, discounts, priced_items
from billow.flows.billing.priced_items import Part
from billow.flows.subscription_terms import items, trial_offers
from billow.resources.price import Price
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.resources.trial_offer import TrialOffer
from billow.store.ids import new_id
from billow.store.tx import Tx


class ItemChange(items.OfferedItem):
    """A changed item has an `id`, and `deleted` where it is removed; without `id` it is added (T40)."""

    clear_usage: bool = f.boolean(default=False)
    deleted: bool = f.boolean(default=False)
    id: str | None = f.text()
    promised: str | None = None
    """Set by billow, never by a request: the id of an added item that was shown before it was paid for."""


class Anchor(Params):
    type: str = f.choice(SHOWN, "now", "unchanged", required=True)


@dataclass(frozen=True, slots=True)
class Target:
    """An item before and after a change: `old` is None for an added one, `new` for a removed one."""

    old: Part | None
    new: Part | None
    clear_usage: bool = False


def targets(
    tx: Tx, subscription: Subscription, parts: Sequence[Part], wanted: Sequence[ItemChange]
) -> list[Target]:
    """Find each item of the subscription after a change, and the added ones; check them together.

    Their periods are decided later (core/change/periods.py).
    """
    known = {part.item.id: part for part in parts}
    found: dict[str, Target] = {id: Target(part, part) for id, part in known.items()}
    added: list[Target] = []
    taken = {part.price.id: part.item.id for part in parts}
    for place, item in enumerate(wanted):
        at = f"items[{place}]"
        if item.id is None:
            added.append(Target(None, new_part(tx, subscription, item, at, taken)))
            continue
        if item.id not in known:
            raise Refused(
                f"No such subscription_item: '{item.id}'", param=f"{at}[id]", code="resource_missing"
            )
        old = known[item.id]
        new = None if item.deleted else changed_part(tx, subscription, old, item, at, taken)
        require(new or not items.names_a_price(item), "A deleted item has no price.", param=f"{at}[price]")
        found[item.id] = Target(old, new, item.clear_usage)
    everything = [*found.values(), *added]
    left = [target.new for target in everything if target.new]
    require(
        left,
        "A subscription must have at least one active plan. To cancel it, use the cancellation endpoint.",
        param="items",
    )
    require(len(left) <= 20, "A subscription can have at most 20 items.", param="items")
    classic = subscription.billing_mode["type"] == "classic"
    trial_offers.check_flexible(wanted, classic=classic)
    lasting = trial_offers.final_prices(tx, left)
    items.check_lasting([part.price for part in left], lasting, subscription.currency, classic=classic)
    for prices in ([part.price for part in left], lasting):
        priced = zip(prices, [part.item.quantity for part in left], strict=True)
        items.check_amounts(priced, subscription.currency, "items")
    return everything


def new_part(tx: Tx, subscription: Subscription, item: ItemChange, at: str, taken: dict[str, str]) -> Part:
    """Make an added item with its price."""
    require(not item.deleted, "You must pass the id of the item to delete.", param=f"{at}[id]")
    offer = trial_offers.find_offer(tx, item, at)
    price = price_in(tx, subscription, item, at, offer)
    items.check_price_unused(price, taken)
    items.check_threshold(item, price, at)
    metered = priced_items.meter_of(price) is not None
    made = SubscriptionItem(
        id=item.promised or new_id(SubscriptionItem.prefix),
        created=tx.now,
        current_period_start=tx.now,
        current_period_end=tx.now,
        current_trial=trial_offers.current_trial_of(offer, price, tx.now) if offer else None,
        price=price.id,
        quantity=None if metered else 1 if item.quantity is None else item.quantity,
        metadata=merged({}, item.metadata),
        billing_thresholds=items.threshold_of(item),
        subscription=subscription.id,
        **billing(tx, item, at),
    )
    taken[price.id] = made.id
    return priced_items.parts_of_items(tx, [made])[0]


def changed_part(
    tx: Tx, subscription: Subscription, old: Part, item: ItemChange, at: str, taken: dict[str, str]
) -> Part:
    """Return an item with its changed price, quantity or metadata.

    A new price resets the quantity to 1 (T39).
    """
    changes: dict[str, Any] = {}
    price, offer = old.price, trial_offers.new_offer(tx, old.item, item, at)
    if offer or (items.names_a_price(item) and (item.price or item.plan) != old.price.id):
        price = price_in(tx, subscription, item, at, offer)
        require(
            taken.get(price.id, old.item.id) == old.item.id,
            f"Cannot add multiple subscription items with the same price: {price.id}",
            param="items",
        )
        taken[price.id] = old.item.id
        changes["price"] = price.id
        changes["current_trial"] = trial_offers.current_trial_of(offer, price, tx.now) if offer else None
        changes["quantity"] = None if priced_items.meter_of(price) else 1
    if item.quantity is not None:
        items.check_quantity(item, price, at)
        changes["quantity"] = item.quantity
    if item.given("metadata"):
        changes["metadata"] = merged(old.item.metadata, item.metadata)
    changes.update(billing(tx, item, at))
    if item.given("billing_thresholds") or not priced_items.meter_of(price):
        items.check_threshold(item, price, at)
        changes["billing_thresholds"] = items.threshold_of(item)
    return priced_items.parts_of_items(tx, [old.item.but(**changes)])[0] if changes else old


def price_in(
    tx: Tx, subscription: Subscription, item: ItemChange, at: str, offer: TrialOffer | None
) -> Price:
    """Return the price of a change or of its offer, which must have the subscription's currency."""
    price = items.price_of(tx, item, at, offer=offer)
    form = "current_trial" if offer else items.form_of(item, at)
    currency.check_price_currency([price], subscription.currency, f"{at}[{form}]")
    return price


def billing(tx: Tx, item: ItemChange, at: str) -> dict[str, Any]:
    """Return the discounts and tax rates that a change of an item names; its discounts exist already."""
    found: dict[str, Any] = {}
    if item.given("discounts") and item.discounts != []:
        found["discounts"] = discounts.named(item.discounts)
    if item.given("tax_rates"):
        found["tax_rates"] = items.rates_of(tx, item, f"{at}[tax_rates]")
    return found
