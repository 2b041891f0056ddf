"""Calculate what each discount takes off each line of an invoice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from billow.core.calendar import boundary
from billow.core.errors import Inconsistent
from billow.core.money import round_half_away

SHARE = 100


@dataclass(frozen=True, slots=True)
class Discount:
    """A discount: either a percentage, or an amount in the currency of the invoice.

    `products` limits it to lines of these products. A line whose period begins at `until` or later is not
    discounted: so far a repeating coupon reaches into periods that are billed in arrears (X58).
    """

    id: str
    percent: Decimal | None = None
    amount: int | None = None
    products: frozenset[str] | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line before discounts. `own` are the line's own discounts; `since` is the start of its period."""

    amount: int
    product: str | None = None
    discountable: bool = True
    own: Sequence[Discount] = ()
    since: datetime | None = None
    earlier: bool = False
    """Whether it takes off what of the same use was billed before (§4.5); a percentage is of the rest."""


def taken(lines: Sequence[Line], whole: Sequence[Discount] = ()) -> list[dict[str, int]]:
    """Calculate what each discount takes off each line, by id: the line's own first, then the invoice's.

    Each discount takes from what the one before has left (§2.8): $100 with 20 % and then $5 off is $75, with
    $5 and then 20 % off $76. A discount that takes nothing is listed with 0, one that does not apply is not.
    """
    found: list[dict[str, int]] = [{} for _ in lines]
    left = [line.amount for line in lines]
    unspent: dict[str, int] = {}

    def apply(discount: Discount, places: Sequence[int]) -> None:
        percent = discount.amount is None
        reached = [
            place
            for place in places
            if (left[place] > 0 or (percent and lines[place].earlier)) and reaches(discount, lines[place])
        ]
        if discount.amount is not None:
            most = unspent.get(discount.id, discount.amount)
            shares = spread(most, [left[place] for place in reached])
            unspent[discount.id] = most - sum(shares)
        else:
            if discount.percent is None:
                raise Inconsistent("A discount has a percentage or an amount.")
            shares = [part(left[place], discount.percent) for place in reached]
        for place, share in zip(reached, shares, strict=True):
            found[place][discount.id] = found[place].get(discount.id, 0) + share
            left[place] -= share

    own_ones(lines, apply)
    for discount in whole:
        apply(discount, range(len(lines)))
    return found


def own_ones(lines: Sequence[Line], apply: Callable[[Discount, Sequence[int]], None]) -> None:
    """Apply each line's own discounts, in order. Lines of one item (its tiers) share an amount off."""
    for rank in range(max((len(line.own) for line in lines), default=0)):
        holders: dict[Discount, list[int]] = {}
        for place, line in enumerate(lines):
            if rank < len(line.own):
                holders.setdefault(line.own[rank], []).append(place)
        for discount, places in holders.items():
            apply(discount, places)


def reaches(discount: Discount, line: Line) -> bool:
    """Return whether a discount applies to a line: never to a credit (§5.7, T49)."""
    product = discount.products is None or line.product in discount.products
    in_time = discount.until is None or line.since is None or line.since < discount.until
    return line.discountable and product and in_time


def part(amount: int, percent: Decimal) -> int:
    return round_half_away(Fraction(amount) * Fraction(percent) / SHARE)


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """Divide an amount among lines in proportion: shares are rounded down, the last takes the rest (§2.6).

    500 over 1000 and 2000 is 166 and 334. No line takes more than its amount: an excess of the last line goes
    to those before it, and what exceeds all of them is lost (T43).
    """
    whole = sum(weights)
    total = min(total, whole)
    shares = [total * weight // whole for weight in weights] if whole else [0] * len(weights)
    rest = total - sum(shares)
    for place in reversed(range(len(weights))):
        more = min(rest, weights[place] - shares[place])
        shares[place] += more
        rest -= more
    return shares


def end_of(start: datetime, months: int | None) -> datetime | None:
    """Return when a discount ends: a number of calendar months after its start, or never (T42)."""
    return None if months is None else boundary(start, "month", months, 1)


def off(amount: int, net: int) -> str | None:
    """Describe the discounts that are included in a proration's amount: "35.0% off" (§5.7)."""
    if amount == net:
        return None
    tenths = round_half_away(Fraction(amount - net, amount) * 1000)
    return f"{tenths // 10}.{tenths % 10}% off"
