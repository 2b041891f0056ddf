"""Trial offers: the first price of a subscription item, how long it lasts, and the price after it."""

from typing import Any

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.fields import CREATE, WRITE
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.core.errors import Refused, require
from billow.resources.price import Price, check_usable
from billow.store.tx import Tx


class Relative(Params):
    iterations: int = f.integer(min=1, max=1000, required=True)


class Duration(Params):
    relative: Relative | None = f.nested(shape=Relative)
    type: str = f.choice(CREATE, "relative", required=True)


class Transition(Params):
    price: str = f.ref("price", required=True)


class EndBehavior(Params):
    transition: Transition = f.nested(shape=Transition, required=True)
    type: str = f.choice(CREATE, "transition", default="transition")


class TrialOffer(
    Resource,
    object="product_catalog.trial_offer",
    path="/v1/product_catalog/trial_offers",
    prefix="to_",
    events=(),
):
    """A price for the first periods of an item, free or not, and the price after that."""

    lacks = ("created",)

    active: bool = f.boolean(WRITE, default=True, filter=True)
    duration: dict[str, Any] = f.nested(CREATE, Duration, required=True)
    end_behavior: dict[str, Any] = f.nested(CREATE, EndBehavior, required=True)
    nickname: str | None = f.text(CREATE, max=255, unset=True)
    price: str = f.ref("price", CREATE, required=True)

    @property
    def iterations(self) -> int:
        """The number of periods of its price for which it lasts."""
        return int(self.duration["relative"]["iterations"])

    @property
    def then(self) -> str:
        """The price of the item after the trial."""
        return str(self.end_behavior["transition"]["price"])


@TrialOffer.create
def create(tx: Tx, offer: TrialOffer) -> TrialOffer:
    """Create a trial offer. Its terms never change; archive it and create a new one."""
    if offer.duration["relative"] is None:
        raise Refused(
            "Missing required param: duration[relative].",
            param="duration[relative]",
            code="parameter_missing",
        )
    first = check_usable(tx, rows.find(tx, Price, offer.price, param="price"), "price", "recurring")
    at = "end_behavior[transition][price]"
    then = check_usable(tx, rows.find(tx, Price, offer.then, param=at), at, "recurring")
    require(first.id != then.id, "The price after the trial must be another one.", param="price")
    require(
        first.currency in (then.currency, *then.currency_options),
        "The price after the trial must have the currency of the price during the trial.",
        param=at,
    )
    return rows.insert(tx, offer)


@TrialOffer.update
def update(tx: Tx, offer: TrialOffer, changes: dict[str, Any]) -> TrialOffer:
    """Archive or unarchive a trial offer; running trials continue."""
    return rows.update(tx, offer, **changes)


class Filters(Params):
    created: list[Any] | None = f.instants()
    prices: list[str] | None = f.array(item=f.text(), max=100)


@TrialOffer.listing(Filters)
def listed(tx: Tx, wanted: Filters) -> Where:
    """List trial offers, newest first; `prices` selects those with these prices during the trial."""
    where = listing.between(Where(), "created", "created", wanted.created or ())
    if wanted.prices:
        where = where.also("price = any(%(prices)s)", prices=wanted.prices)
    return where
