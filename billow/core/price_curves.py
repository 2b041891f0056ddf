"""Follow a price over its quantities: what they cost, and where one unit more costs less."""

from dataclasses import dataclass
from decimal import Decimal

from billow.core import pricing
from billow.core.pricing import Price

STEPS = 60
"""In how many parts a curve is drawn."""
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Cliff:
    """A quantity after which one unit more lowers the total, with both totals."""

    quantity: Decimal
    amount: int
    after: int


def cliffs(price: Price) -> list[Cliff]:
    """Return where one unit more costs less, as with volume: 1,000 at 0.10, but 1,001 at 0.05."""
    found = []
    for edge in edges(price):
        before, after = pricing.amount(price, edge), pricing.amount(price, edge + ONE)
        if after < before:
            found.append(Cliff(edge, before, after))
    return found


def edges(price: Price) -> list[Decimal]:
    """Return the last quantity of each tier but the open one."""
    return [tier.up_to for tier in price.tiers if tier.up_to is not None]


def furthest(price: Price) -> Decimal:
    """Return until which quantity a curve is worth drawing: half beyond the last edge, or ten packages."""
    if price.tiers:
        return Decimal(max((int(edge) * 3 // 2 for edge in edges(price)), default=10))
    return Decimal((price.divide_by or 1) * 10)


def points(price: Price, most: Decimal) -> list[tuple[Decimal, int]]:
    """Return quantities from zero to `most` with what each costs; both sides of each edge are among them."""
    even = {Decimal(int(most) * part // STEPS) for part in range(STEPS + 1)}
    beside = {each for edge in edges(price) for each in (edge, edge + ONE) if each <= most}
    return [(quantity, pricing.amount(price, quantity)) for quantity in sorted(even | beside)]
