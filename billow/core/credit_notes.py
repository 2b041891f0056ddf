"""Split what a credit note credits: in proportion, never more than is left, and without losing a unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from billow.core.money import allocate, round_half_away


def portion(whole: int, amount: int, of: int) -> int:
    """Return the part of an amount that belongs to `amount` of a whole `of`, rounded half away from zero."""
    return round_half_away(Fraction(whole * amount, of)) if of else 0


def of_invoice(number: str | None) -> str:
    """Describe a line that credits an amount, which is of no line of the invoice by itself."""
    return f"Credit for invoice {number}"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a line consists of, or what of it is credited.

    The amount is the sum of the discounts, the inclusive taxes, the inclusive tax that an exempt customer
    does not pay (`untaxed`) and the net; exclusive taxes are on top of it. Taxes are by rate.
    """

    amount: int
    discounts: Mapping[str, int] = field(default_factory=dict)
    inside: Mapping[str, int] = field(default_factory=dict)
    on_top: Mapping[str, int] = field(default_factory=dict)
    untaxed: int = 0

    @property
    def net(self) -> int:
        return self.amount - sum(self.discounts.values()) - sum(self.inside.values()) - self.untaxed

    @property
    def total(self) -> int:
        """Return what the customer pays for it."""
        return self.net + sum(self.inside.values()) + sum(self.on_top.values())

    def less(self, other: "Parts") -> "Parts":
        """Return what is left when the other is taken away."""
        return Parts(
            self.amount - other.amount,
            minus(self.discounts, other.discounts),
            minus(self.inside, other.inside),
            minus(self.on_top, other.on_top),
            self.untaxed - other.untaxed,
        )


def minus(whole: Mapping[str, int], taken: Mapping[str, int]) -> dict[str, int]:
    return {name: amount - taken.get(name, 0) for name, amount in whole.items()}


def credited(whole: Parts, left: Parts, amount: int) -> Parts:
    """Return the parts of an amount of a line, in proportion to the whole line.

    Each part is rounded by itself, as the tax of a document is, and is at most what is left of it. The amount
    that completes the line takes all that is left, and so absorbs the roundings before it.
    """
    names = [("d", id) for id in whole.discounts] + [("i", id) for id in whole.inside] + [("u", "")]
    wholes = [*whole.discounts.values(), *whole.inside.values(), whole.untaxed, whole.net]
    lefts = [*left.discounts.values(), *left.inside.values(), left.untaxed, left.net]
    split = dict(zip(names, within(amount, wholes, lefts), strict=False))
    complete = amount == left.amount
    return Parts(
        amount,
        {id: split["d", id] for id in whole.discounts},
        {id: split["i", id] for id in whole.inside},
        {
            id: rest if complete else clamped(portion(whole.on_top[id], amount, whole.amount), 0, rest)
            for id, rest in left.on_top.items()
        },
        split["u", ""],
    )


def within(amount: int, whole: Sequence[int], left: Sequence[int]) -> list[int]:
    """Split an amount of a line into shares in proportion to its parts; the last share takes the rest.

    No share exceeds what is left of its part, as long as the parts have one sign.
    """
    if amount == sum(left):
        return list(left)
    total, rest, behind = sum(whole), amount, sum(left)
    shares = []
    for part, most in zip(whole[:-1], left[:-1], strict=True):
        behind -= most
        limit = min(most, rest) if amount > 0 else max(most, rest)
        share = clamped(clamped(portion(part, amount, total), 0, most), rest - behind, limit)
        shares.append(share)
        rest -= share
    return [*shares, rest]


def clamped(value: int, one: int, other: int) -> int:
    """Return the value, or the nearer of two bounds, which come in any order."""
    return max(min(one, other), min(max(one, other), value))


def spread(amount: int, left: Sequence[int]) -> list[int]:
    """Split an amount over what is left of several things, in proportion, by largest remainder.

    Charges and credits are taken back together: half of +150 and −50 is +75 and −25. No share exceeds what is
    left, as long as the amount does not exceed the sum.
    """
    up = [max(part, 0) for part in left]
    down = [max(-part, 0) for part in left]
    whole = sum(up) - sum(down)
    if not left or amount == 0:
        return [0] * len(left)
    if whole * amount <= 0 or abs(amount) > abs(whole):
        return allocate(amount, [abs(part) for part in left])
    taken = portion(sum(down), amount, whole)
    gained = amount + taken
    rises = allocate(gained, up) if gained else [0] * len(left)
    falls = allocate(taken, down) if taken else [0] * len(left)
    return [rise - fall for rise, fall in zip(rises, falls, strict=True)]


def by_line(
    own: Mapping[str, int], others: Sequence[tuple[Sequence[str], int]], left: Mapping[str, int]
) -> dict[str, int]:
    """Return how much of each invoice line's net a credit note takes back.

    `own` is credited of the lines themselves. Each of `others` is credited of several lines, such as those of
    one tax rate: it is spread over what is left of them. What they have not left any more is spread over what
    is left of all.

    >>> by_line({}, [(["a"], 10), (["b", "c"], 5)], {"a": 40, "b": 20, "c": 5})
    {'a': 10, 'b': 4, 'c': 1}
    """
    taken = {line: clamped(amount, 0, left[line]) for line, amount in own.items()}
    rest = sum(own.values()) - sum(taken.values())
    for lines, amount in others:
        there = {line: left[line] - taken.get(line, 0) for line in lines}
        share = clamped(amount, 0, sum(there.values()))
        add(taken, there, share)
        rest += amount - share
    add(taken, minus(left, taken), rest)
    return {line: taken[line] for line in left if taken.get(line)}


def add(taken: dict[str, int], left: Mapping[str, int], amount: int) -> None:
    """Add to what is taken of lines an amount that is spread over what is left of them."""
    for line, share in zip(left, spread(amount, list(left.values())), strict=True):
        taken[line] = taken.get(line, 0) + share


@dataclass(frozen=True, slots=True)
class Settled:
    """How much of a credit note lowers what is still to pay of the invoice, and how much comes after."""

    pre_payment: int
    post_payment: int

    @property
    def type(self) -> str:
        if self.post_payment == 0:
            return "pre_payment"
        return "mixed" if self.pre_payment else "post_payment"


def settled(total: int, remaining: int) -> Settled:
    """Split the total of a credit note: first what the invoice still asks for, then what was paid (X102)."""
    before = min(total, max(remaining, 0))
    return Settled(before, total - before)
