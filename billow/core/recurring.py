"""Calculate the monthly recurring revenue of a subscription, and name what moved that of a customer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from billow.core import discounts, exchange, pricing
from billow.core.exchange import Rate
from billow.core.money import round_half_away

A_MONTH = {"day": Fraction(365, 12), "week": Fraction(52, 12), "month": Fraction(1), "year": Fraction(1, 12)}
"""How many intervals a month has, on average."""
PAYING = ("active", "past_due")
"""The statuses that count: a trial pays nothing yet, and what is unpaid, paused or canceled nothing more."""
KINDS = ("new", "reactivation", "expansion", "contraction", "churn")
WHOLE = 100


@dataclass(frozen=True, slots=True)
class Item:
    """A licensed item of a subscription: what it costs in each interval, and its own recurring discounts."""

    rate: pricing.Price
    quantity: Decimal
    interval: str
    count: int
    product: str | None = None
    own: Sequence[discounts.Discount] = ()
    inclusive: Decimal | Fraction = Decimal(0)
    """The percentage of the taxes that its price includes."""


def brought_in(arpa: Decimal, churn: Decimal, months: int) -> list[Decimal]:
    """Return what a customer has brought in on average after each month, when a share is lost in each.

    `arpa` is an amount a month; over all months it comes to arpa / churn, the lifetime value.

    >>> [str(one) for one in brought_in(Decimal(10), Decimal("0.1"), 3)]
    ['10', '19.0', '27.10']
    """
    found: list[Decimal] = []
    left = Decimal(1)
    for _ in range(months):
        found.append((found[-1] if found else 0) + arpa * left)
        left *= 1 - churn
    return found


def counts(status: str, paused: bool) -> bool:
    """Tell whether a subscription counts: it is paid for, and its collection is not paused.

    >>> counts("past_due", False), counts("active", True), counts("trialing", False)
    (True, False, False)
    """
    return status in PAYING and not paused


def monthly(items: Sequence[Item], whole: Sequence[discounts.Discount] = ()) -> int:
    """Return what items bring in a month, after recurring discounts and without tax, in minor units.

    Each item is rounded once: $100 a year is $8.33, and two such items are $16.66.
    """
    lines = [
        (place, discounts.Line(charge.amount, item.product, own=item.own))
        for place, item in enumerate(items)
        for charge in pricing.charges(item.rate, item.quantity)
    ]
    taken = discounts.taken([line for _, line in lines], whole)
    net = [0] * len(items)
    for (place, line), off in zip(lines, taken, strict=True):
        net[place] += line.amount - sum(off.values())
    return sum(_monthly(item, amount) for item, amount in zip(items, net, strict=True))


def _monthly(item: Item, amount: int) -> int:
    untaxed = Fraction(amount) * WHOLE / (WHOLE + Fraction(item.inclusive))
    return round_half_away(untaxed * A_MONTH[item.interval] / item.count)


def kind_of(before: int, after: int, *, paid_before: bool) -> str:
    """Name a movement of a customer's recurring revenue.

    >>> kind_of(0, 500, paid_before=False), kind_of(0, 500, paid_before=True)
    ('new', 'reactivation')
    >>> kind_of(500, 700, paid_before=True), kind_of(500, 0, paid_before=True)
    ('expansion', 'churn')
    """
    if before == 0:
        return "reactivation" if paid_before else "new"
    if after == 0:
        return "churn"
    return "expansion" if after > before else "contraction"


@dataclass(frozen=True, slots=True)
class Month:
    """What moved recurring revenue in a month: each kind as it changes the sum, so losses are negative."""

    start: int
    moved: Mapping[str, int]
    fx: int
    end: int


def in_home(
    month: Month, currency: str, home: str, opening: Mapping[str, Rate], closing: Mapping[str, Rate]
) -> Month | None:
    """Convert a month: its movements by the rate of its opening, and what the new rate changes as `fx`.

    Each movement is the difference of two converted sums, so that start and movements are the end exactly.
    None where a rate is missing.
    """
    if currency == home:
        return month
    sums = [month.start]
    for kind in KINDS:
        sums.append(sums[-1] + month.moved.get(kind, 0))
    before = [exchange.converted(each, currency, home, opening) for each in sums]
    after = exchange.converted(sums[-1], currency, home, closing)
    amounts = [one.amount for one in before if one is not None]
    if len(amounts) < len(before) or after is None:
        return None
    moved = {kind: amounts[place + 1] - amounts[place] for place, kind in enumerate(KINDS)}
    return Month(amounts[0], moved, after.amount - amounts[-1], after.amount)


def added(months: Iterable[Month]) -> Month:
    """Add up what currencies are in one of them."""
    some = list(months)
    return Month(
        sum(one.start for one in some),
        {kind: sum(one.moved.get(kind, 0) for one in some) for kind in KINDS},
        sum(one.fx for one in some),
        sum(one.end for one in some),
    )


def movements(changes: Iterable[tuple[date, int]]) -> list[tuple[date, str, int]]:
    """Return the movements of one customer from each day's change; what nets to nothing in a day is none."""
    days: dict[date, int] = {}
    for day, change in changes:
        days[day] = days.get(day, 0) + change
    found, before, paid = [], 0, False
    for day in sorted(one for one, change in days.items() if change):
        after = before + days[day]
        found.append((day, kind_of(before, after, paid_before=paid), days[day]))
        before, paid = after, paid or after > 0
    return found
