"""Price an item while its trial offer runs, and end the offer."""

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
    """An item as a request names it."""

    @property
    def current_trial(self) -> CurrentTrial | None: ...
    @property
    def price(self) -> str | None: ...
    @property
    def plan(self) -> str | None: ...
    @property
    def price_data(self) -> Any: ...


def find_offer(tx: Tx, item: ItemParams, at: str) -> TrialOffer | None:
    """The offer that an item names: one that may still be taken."""
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
    """The offer that an item that is there shall take; the one that it has goes on."""
    wanted = item.current_trial and item.current_trial.trial_offer
    running = (has.current_trial or {}).get("trial_offer")
    return None if wanted == running else find_offer(tx, item, at)


def price_of(tx: Tx, item: ItemParams, offer: TrialOffer, at: str) -> Price:
    """The price of an item in an offer. It need not be named; if it is, it is one of the offer's."""
    named = item.price or item.plan
    require(
        item.price_data is None and named in (None, offer.price, offer.then),
        f"The price must be that of the trial offer, {offer.price}.",
        param=f"{at}[price]",
    )
    return rows.find(tx, Price, offer.price)


def check_flexible(items: Sequence[ItemParams], *, classic: bool) -> None:
    """Trial offers are for flexible billing mode (§5.17)."""
    place = next((n for n, item in enumerate(items) if item.current_trial), None)
    require(
        place is None or not classic,
        "Trial offers can only be used on subscriptions with `billing_mode[type]=flexible`.",
        param=f"items[{place}][current_trial]",
    )


def check_alone(items: Sequence[ItemParams], given: Iterable[str]) -> None:
    """An offer says itself how long it lasts, from now on."""
    for name in given if any(item.current_trial for item in items) else ():
        require(
            False,
            f"You cannot set `{name}` together with a trial offer on an item.",
            param=name,
            code="parameters_exclusive",
        )


def current_trial_of(offer: TrialOffer, price: Price, now: datetime) -> dict[str, Any]:
    """The offer on an item that takes it now, as the item shows it."""
    now = now.replace(microsecond=0)
    until = introductory.end(now, rhythm_of(price), offer.iterations)
    return {"end_date": seconds(until), "start_date": seconds(now), "trial_offer": offer.id}


def first_span(
    offer: TrialOffer, price: Price, currency: str | None, now: datetime
) -> tuple[datetime, datetime]:
    """The first period of an item that takes the offer now."""
    rhythm = rhythm_of(price)
    whole = now, introductory.end(now, rhythm, offer.iterations)
    return introductory.period(whole, rhythm, now, free=is_free(priced_items.rate_of(price, currency)))


def rhythm_of(price: Price) -> Rhythm:
    if not price.recurring:
        raise Inconsistent(f"The price {price.id} is not recurring.")
    return price.recurring["interval"], price.recurring["interval_count"]


def span(item: SubscriptionItem) -> tuple[datetime, datetime]:
    """From when until when the offer of an item runs."""
    trial = item.current_trial or {}
    start, until = instant(trial["start_date"]), instant(trial["end_date"])
    if start is None or until is None:
        raise Inconsistent(f"The trial offer of {item.id} has no dates.")
    return start, until


def anchor_of(item: SubscriptionItem, anchor: datetime) -> datetime:
    """From when the periods of an item are counted: those of an offer from its own start."""
    return span(item)[0] if item.current_trial else anchor


def is_free(rate: pricing.Price) -> bool:
    """Whether a price charges nothing, whatever the quantity."""
    return introductory.free(rate)


def period(part: Part, at: datetime) -> tuple[datetime, datetime]:
    """The period that an item with an offer is in at an instant, before a planned end cuts it."""
    return introductory.period(span(part.item), part.interval, at, free=is_free(part.rate))


def first_periods(part: Part) -> list[Period]:
    """What an item is billed for when its offer begins. Measured use is billed when it is known."""
    item = part.item
    start, until = item.current_period_start, item.current_period_end
    if part.meter:
        return []
    if is_free(part.rate):
        return [Period(part, "trial", start, until)]
    return [Period(part, "licensed", start, until, anchors.worth(span(item)[0], part.interval, start, until))]


def has_ended(item: SubscriptionItem, at: datetime) -> bool:
    """Whether the offer of an item has run out by then."""
    return bool(item.current_trial) and span(item)[1] <= at


def parts_after(tx: Tx, items: Iterable[SubscriptionItem]) -> dict[str, Part]:
    """The items as they are without their offers: at the price that these go over to. A few statements."""
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
    """The quantity goes along; measured use has none, and only it has a threshold."""
    item = part.item
    if part.meter:
        return priced_items.with_item(part, item.but(quantity=None))
    quantity = 1 if item.quantity is None else item.quantity
    return priced_items.with_item(part, item.but(quantity=quantity, billing_thresholds=None))


#: What of an item changes when its offer is over.
CHANGED = ("billing_thresholds", "current_trial", "price", "quantity")


def changes_of(part: Part) -> dict[str, Any]:
    return {name: getattr(part.item, name) for name in CHANGED}


def end_offers(tx: Tx, parts: Iterable[Part]) -> None:
    """Take the offers off: what is paused has none any more, and goes on at the price after them."""
    moved = parts_after(tx, [part.item for part in parts])
    rows.update_many(
        tx, [(part.item, changes_of(moved[part.item.id])) for part in parts if part.item.id in moved]
    )


def final_prices(tx: Tx, parts: Sequence[Part]) -> list[Price]:
    """The prices that items have in the end; those of offers are held only against their own period."""
    moved = parts_after(tx, [part.item for part in parts])
    return [moved.get(part.item.id, part).price for part in parts]
