"""Price an item during its trial offer, and end the offer."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import instant, seconds
from billow.api.params import Params
from billow.core import anchors, introductory, pricing
from billow.core.anchors import Rhythm
from billow.core.errors import Inconsistent, require
from billow.flows.billing import priced_items
from billow.flows.billing.lines import Period
from billow.flows.billing.priced_items import Part
from billow.resources.price import Price
from billow.resources.subscription_item import SubscriptionItem
from billow.resources.trial_offer import TrialOffer
from billow.store.tx import Tx


class CurrentTrial(Params):
    trial_offer: str = f.ref("product_catalog.trial_offer", required=True)


class ItemParams(Protocol):
    """The params by which a request names an item."""

    @property
    def current_trial(self) -> CurrentTrial | None: ...
    @property
    def price(self) -> str | None: ...
    @property
    def plan(self) -> str | None: ...
    @property
    def price_data(self) -> Any: ...


def find_offer(tx: Tx, item: ItemParams, at: str) -> TrialOffer | None:
    """Find the offer that an item names, and check that it is active."""
    if item.current_trial is None:
        return None
    at = f"{at}[current_trial][trial_offer]"
    offer = rows.find(tx, TrialOffer, item.current_trial.trial_offer, param=at)
    require(
        offer.active,
        f"The trial offer {offer.id} is archived, and cannot be attached to anything new.",
        param=at,
    )
    return offer


def new_offer(tx: Tx, has: SubscriptionItem, item: ItemParams, at: str) -> TrialOffer | None:
    """Find the offer that an existing item is to start; None if it has that offer already."""
    wanted = item.current_trial and item.current_trial.trial_offer
    running = (has.current_trial or {}).get("trial_offer")
    return None if wanted == running else find_offer(tx, item, at)


def price_of(tx: Tx, item: ItemParams, offer: TrialOffer, at: str) -> Price:
    """Return the price of an item in an offer; if the request names one, it must be one of the offer's."""
    named = item.price or item.plan
    require(
        item.price_data is None and named in (None, offer.price, offer.then),
        f"The price must be that of the trial offer, {offer.price}.",
        param=f"{at}[price]",
    )
    return rows.find(tx, Price, offer.price)


def check_flexible(items: Sequence[ItemParams], *, classic: bool) -> None:
    """Refuse trial offers in classic billing mode (§5.17)."""
    place = next((n for n, item in enumerate(items) if item.current_trial), None)
    require(
        place is None or not classic,
        "Trial offers can only be used on subscriptions with `billing_mode[type]=flexible`.",
        param=f"items[{place}][current_trial]",
    )


def check_alone(items: Sequence[ItemParams], given: Iterable[str]) -> None:
    """Refuse params that say when a trial starts or ends, since an offer sets that itself."""
    for name in given if any(item.current_trial for item in items) else ():
        require(
            False,
            f"You cannot set `{name}` together with a trial offer on an item.",
            param=name,
            code="parameters_exclusive",
        )


def current_trial_of(offer: TrialOffer, price: Price, now: datetime) -> dict[str, Any]:
    """Return the `current_trial` of an item that starts an offer now."""
    now = now.replace(microsecond=0)
    until = introductory.end(now, rhythm_of(price), offer.iterations)
    return {"end_date": seconds(until), "start_date": seconds(now), "trial_offer": offer.id}


def first_span(
    offer: TrialOffer, price: Price, currency: str | None, now: datetime
) -> tuple[datetime, datetime]:
    """Return the first period of an item that starts an offer now."""
    rhythm = rhythm_of(price)
    whole = now, introductory.end(now, rhythm, offer.iterations)
    return introductory.period(whole, rhythm, now, free=is_free(priced_items.rate_of(price, currency)))


def rhythm_of(price: Price) -> Rhythm:
    """Return the interval of a recurring price."""
    if not price.recurring:
        raise Inconsistent(f"The price {price.id} is not recurring.")
    return price.recurring["interval"], price.recurring["interval_count"]


def span(item: SubscriptionItem) -> tuple[datetime, datetime]:
    """Return when the offer of an item starts and ends."""
    trial = item.current_trial or {}
    start, until = instant(trial["start_date"]), instant(trial["end_date"])
    if start is None or until is None:
        raise Inconsistent(f"The trial offer of {item.id} has no dates.")
    return start, until


def anchor_of(item: SubscriptionItem, anchor: datetime) -> datetime:
    """Return the anchor of an item's periods: during an offer the start of the offer."""
    return span(item)[0] if item.current_trial else anchor


def is_free(rate: pricing.Price) -> bool:
    """Return whether a price charges nothing for any quantity."""
    return introductory.free(rate)


def period(part: Part, at: datetime) -> tuple[datetime, datetime]:
    """Return the period that an item in an offer is in at an instant, before a planned end shortens it."""
    return introductory.period(span(part.item), part.interval, at, free=is_free(part.rate))


def first_periods(part: Part) -> list[Period]:
    """Return the periods to bill when an offer starts. Metered usage is billed at the end of its period."""
    item = part.item
    start, until = item.current_period_start, item.current_period_end
    if part.meter:
        return []
    if is_free(part.rate):
        return [Period(part, "trial", start, until)]
    return [Period(part, "licensed", start, until, anchors.worth(span(item)[0], part.interval, start, until))]


def has_ended(item: SubscriptionItem, at: datetime) -> bool:
    """Return whether the offer of an item has ended by then."""
    return bool(item.current_trial) and span(item)[1] <= at


def parts_after(tx: Tx, items: Iterable[SubscriptionItem]) -> dict[str, Part]:
    """Return the items as they are after their offers, at the price that follows. A few statements."""
    found = [item for item in items if item.current_trial]
    if not found:
        return {}
    offers = rows.find_many(tx, TrialOffer, [(item.current_trial or {})["trial_offer"] for item in found])
    moved = [
        item.but(price=offers[(item.current_trial or {})["trial_offer"]].then, current_trial=None)
        for item in found
    ]
    return {part.item.id: with_final_terms(part) for part in priced_items.parts_of_items(tx, moved)}


def with_final_terms(part: Part) -> Part:
    """Return a part with the quantity and threshold that fit its price after the offer."""
    item = part.item
    if part.meter:
        return priced_items.with_item(part, item.but(quantity=None))
    quantity = 1 if item.quantity is None else item.quantity
    return priced_items.with_item(part, item.but(quantity=quantity, billing_thresholds=None))


#: The fields of an item that change when its offer ends.
CHANGED = ("billing_thresholds", "current_trial", "price", "quantity")


def changes_of(part: Part) -> dict[str, Any]:
    """Return the changed fields of an item whose offer ends."""
    return {name: getattr(part.item, name) for name in CHANGED}


def end_offers(tx: Tx, parts: Iterable[Part]) -> None:
    """End the offers of paused items, which continue at the price after them."""
    moved = parts_after(tx, [part.item for part in parts])
    rows.update_many(
        tx, [(part.item, changes_of(moved[part.item.id])) for part in parts if part.item.id in moved]
    )


def final_prices(tx: Tx, parts: Sequence[Part]) -> list[Price]:
    """Return the prices of items after their offers."""
    moved = parts_after(tx, [part.item for part in parts])
    return [moved.get(part.item.id, part).price for part in parts]
