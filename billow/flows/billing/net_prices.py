"""Calculate the price of an item for a full period after discounts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from billow.api import rows
from billow.core import discounts, pricing
from billow.flows.billing.discounts import lapsed
from billow.flows.billing.priced_items import Part
from billow.resources.coupon import Coupon
from billow.resources.customer import Customer
from billow.resources.discount import Discount, in_core
from billow.resources.subscription import Subscription
from billow.store.tx import Tx


@dataclass(slots=True)
class FullPrice:
    """The price of an item for a full period, and what each current discount takes off it."""

    gross: int = 0
    off: Counter[str] = field(default_factory=Counter)

    @property
    def net(self) -> int:
        return self.gross - self.off.total()


def full_prices(tx: Tx, subscription: Subscription, parts: Sequence[Part]) -> dict[str, FullPrice]:
    """Calculate the price of each licensed item for a full period, by item.

    A fixed amount off is spread over all items (X43).
    """
    licensed = [part for part in parts if not part.meter]
    whole = subscription.discounts or discounts_of_customer(tx, subscription.customer)
    core = core_of(tx, {*whole, *(id for part in licensed for id in part.item.discounts)}, subscription)
    lines = [
        (part.item.id, discounts.Line(charge.amount, part.product.id, own=own))
        for part in licensed
        for own in [known(part.item.discounts, core)]
        for charge in pricing.charges(part.rate, Decimal(part.item.quantity or 0))
    ]
    taken = discounts.taken([line for _, line in lines], known(whole, core))
    found: dict[str, FullPrice] = {}
    for (item, line), own in zip(lines, taken, strict=True):
        one = found.setdefault(item, FullPrice())
        one.gross += line.amount
        one.off.update(own)
    return found


def core_of(tx: Tx, ids: Iterable[str], subscription: Subscription) -> dict[str, discounts.Discount]:
    """Return those of these discounts that have not lapsed, as the core calculates with them."""
    found = rows.find_many(tx, Discount, ids)
    its = rows.find_many(tx, Coupon, [one.coupon for one in found.values()])
    gone = lapsed(tx, found.values())
    return {
        one.id: in_core(one, its[one.coupon], subscription.currency)
        for one in found.values()
        if one.id not in gone
    }


def known(ids: Sequence[str], found: Mapping[str, discounts.Discount]) -> list[discounts.Discount]:
    """Return the discounts of these ids that were found, in order."""
    return [found[id] for id in ids if id in found]


def discounts_of_customer(tx: Tx, customer: str) -> list[str]:
    """Return the customer's discount as a list, which is empty where there is none."""
    found = rows.find(tx, Customer, customer, deleted=True).discount
    return [found] if found else []
