"""Work out the items of a subscription after a change: prices, quantities, periods."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params, merged
from billow.core import calendar
from billow.core.errors import Inconsistent, Refused, require
from billow.flows.billing import currency, discounts, priced_items
from billow.flows.billing.priced_items import Part
from billow.flows.subscription_changes import prorations
from billow.flows.subscription_terms import items, trial_offers
from billow.resources.price import Price
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.resources.trial_offer import TrialOffer
from billow.store.ids import new_id
from billow.store.tx import Tx


class ItemChange(items.OfferedItem):
    """An item with `id` is changed or, `deleted`, removed; one without is added (T40)."""

    clear_usage: bool = f.boolean(default=False)
    deleted: bool = f.boolean(default=False)
    id: str | None = f.text()
    promised: str | None = None
    """Said by us, never by a request: the id of an added one, told before it was paid for."""


class Anchor(Params):
    type: str = f.choice(SHOWN, "now", "unchanged", required=True)


@dataclass(slots=True)
class Target:
    """An item before and after a change: `old` is None for an added one, `new` for a removed one."""

    old: Part | None
    new: Part | None
    clear_usage: bool = False

    @property
    def moved(self) -> bool:
        """Whether what is billed changes: price, quantity, or that it is there."""
        if self.old is None or self.new is None:
            return True
        before, after = self.old.item, self.new.item
        return (before.price, before.quantity) != (after.price, after.quantity)

    @property
    def new_rhythm(self) -> bool:
        return bool(self.old and self.new and self.old.interval != self.new.interval)

    @property
    def introduced(self) -> bool:
        """Whether a trial offer begins with the change."""
        before = self.old.item.current_trial if self.old else None
        return bool(self.new and self.new.item.current_trial and self.new.item.current_trial != before)

    @property
    def apart(self) -> bool:
        """Whether a trial offer goes on, whose periods nothing else moves."""
        return bool(self.old and self.new and self.new.item.current_trial and not self.introduced)

    @property
    def leaves(self) -> bool:
        """Whether the change takes it out of its trial offer."""
        was = self.old and self.old.item.current_trial
        return bool(was and not (self.new and self.new.item.current_trial))

    @property
    def was_free(self) -> bool:
        """From nothing to something, by price, not by quantity (§5.5)."""
        return bool(self.old and self.new and not prorations.full(self.old) and prorations.full(self.new))


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a subscription is going: the instant of the change, and what it does to the periods."""

    at: datetime
    """From when on prorations count."""
    now: datetime
    anchor: datetime
    reset: bool
    """A new period begins for all items now."""
    trial: datetime | None
    """All items are in trial until then, from now on."""
    ends: datetime | None
    """The subscription ends then: no period goes beyond."""
    ended: datetime | None = None
    """Since when the periods run that end at this very instant: their renewal follows, and bills the next."""
    trial_over: bool = False
    """A trial ends with the change."""


def targets(
    tx: Tx, subscription: Subscription, parts: Sequence[Part], wanted: Sequence[ItemChange]
) -> list[Target]:
    """What becomes of each item that there is, and the added ones; checked together."""
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
        require(new or not items.named(item), "A deleted item has no price.", param=f"{at}[price]")
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
    lasting = trial_offers.lasting(tx, left)
    items.check_lasting([part.price for part in left], lasting, subscription.currency, classic=classic)
    for prices in ([part.price for part in left], lasting):
        priced = zip(prices, [part.item.quantity for part in left], strict=True)
        items.check_amounts(priced, subscription.currency, "items")
    return everything


def new_part(tx: Tx, subscription: Subscription, item: ItemChange, at: str, taken: dict[str, str]) -> Part:
    require(not item.deleted, "You must pass the id of the item to delete.", param=f"{at}[id]")
    offer = trial_offers.chosen(tx, item, at)
    price = price_in(tx, subscription, item, at, offer)
    items.check_new(price, taken)
    items.check_threshold(item, price, at)
    metered = priced_items.meter_of(price) is not None
    made = SubscriptionItem(
        id=item.promised or new_id(SubscriptionItem.prefix),
        created=tx.now,
        current_period_start=tx.now,
        current_period_end=tx.now,
        current_trial=trial_offers.started(offer, price, tx.now) if offer else None,
        price=price.id,
        quantity=None if metered else 1 if item.quantity is None else item.quantity,
        metadata=merged({}, item.metadata),
        billing_thresholds=items.threshold_of(item),
        subscription=subscription.id,
        **billing(tx, item, at),
    )
    taken[price.id] = made.id
    return priced_items.priced(tx, [made])[0]


def changed_part(
    tx: Tx, subscription: Subscription, old: Part, item: ItemChange, at: str, taken: dict[str, str]
) -> Part:
    """An item with another price, quantity or metadata. With a new price the quantity is 1 again (T39)."""
    changes: dict[str, Any] = {}
    price, offer = old.price, trial_offers.fresh(tx, old.item, item, at)
    if offer or (items.named(item) and (item.price or item.plan) != old.price.id):
        price = price_in(tx, subscription, item, at, offer)
        require(
            taken.get(price.id, old.item.id) == old.item.id,
            f"Cannot add multiple subscription items with the same price: {price.id}",
            param="items",
        )
        taken[price.id] = old.item.id
        changes["price"] = price.id
        changes["current_trial"] = trial_offers.started(offer, price, tx.now) if offer else None
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
    return priced_items.priced(tx, [old.item.but(**changes)])[0] if changes else old


def price_in(
    tx: Tx, subscription: Subscription, item: ItemChange, at: str, offer: TrialOffer | None
) -> Price:
    """The price that is named, or of the offer, which has an amount in the currency of the subscription."""
    price = items.price_of(tx, item, at, offer=offer)
    form = "current_trial" if offer else items.form_of(item, at)
    currency.check_price_currency([price], subscription.currency, f"{at}[{form}]")
    return price


def billing(tx: Tx, item: ItemChange, at: str) -> dict[str, Any]:
    """Its discounts and tax rates, where they were sent; the discounts are made by now, and only named."""
    found: dict[str, Any] = {}
    if item.given("discounts") and item.discounts != []:
        found["discounts"] = discounts.named(item.discounts)
    if item.given("tax_rates"):
        found["tax_rates"] = items.rates_of(tx, item, f"{at}[tax_rates]")
    return found


def place(subscription: Subscription, goal: Goal, found: Sequence[Target]) -> None:
    """Give each item that stays the period that it will be in."""
    held = min((target.old.item for target in found if target.old), key=began, default=None)
    for target in found:
        if target.new and held and subscription.status == "paused":
            # No period runs: an added item stands where the others do, until all are resumed (§5.13).
            item = target.old.item if target.old else held
            names = ("current_period_start", "current_period_end")
            kept = target.new.item.but(**{name: getattr(item, name) for name in names})
            target.new = priced_items.with_item(target.new, kept)
        elif target.new:
            start, end = period(subscription, goal, target)
            if goal.ends and goal.ends > start:
                end = min(end, goal.ends)
            item = target.new.item.but(current_period_start=start, current_period_end=end)
            item = item.but(billed_until=still_billed(goal, target.new, item))
            target.new = priced_items.with_item(target.new, item)


def began(item: SubscriptionItem) -> datetime:
    return item.current_period_start


def still_billed(goal: Goal, part: Part, item: SubscriptionItem) -> datetime | None:
    """Until when it is billed in advance: never beyond a planned end, nor in a trial (§5.16)."""
    until = item.billed_until
    if until is None or part.meter or goal.trial:
        return None
    until = min(until, goal.ends) if goal.ends else until
    return until if until >= item.current_period_end else None


def period(subscription: Subscription, goal: Goal, target: Target) -> tuple[datetime, datetime]:
    """The natural period of one item, before a planned end cuts it."""
    if target.new is None:
        raise Inconsistent("There is no new item whose period begins.")
    item, rhythm = target.new.item, target.new.interval
    if item.current_trial:
        return trial_offers.period(target.new, goal.now if target.introduced else item.current_period_start)
    if goal.trial:
        return goal.now, goal.trial
    if goal.reset:
        return goal.now, calendar.boundary(goal.now, *rhythm, 1)
    if subscription.status == "trialing" and subscription.trial_end:
        return (subscription.trial_start or goal.now), subscription.trial_end
    if target.old is None or target.new_rhythm or target.leaves:
        start, end = calendar.period_at(goal.anchor, *rhythm, goal.at)
        if goal.ended and start == goal.at:
            return goal.ended, goal.at
        return max(start, subscription.start_date), end
    # Counted from the start, since a planned end may have cut it.
    start = item.current_period_start
    return start, calendar.next_boundary(goal.anchor, *rhythm, start)
