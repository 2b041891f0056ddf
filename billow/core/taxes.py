"""Calculate inclusive and exclusive tax of lines, and round it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from billow.core.money import round_half_away

#: Why nothing is due of a customer who is exempt, as lines and totals say it.
EXEMPT = {"exempt": "customer_exempt", "reverse": "reverse_charge"}
#: A rate that was set by hand does not say why it is what it is.
BY_HAND = "not_available"


@dataclass(frozen=True, slots=True)
class Rate:
    id: str
    percentage: Decimal
    inclusive: bool
    reason: str = BY_HAND
    """Why it is what it is, as a tax source says it."""


@dataclass(frozen=True, slots=True)
class Line:
    """The amount of a line after its discounts, with the rates that apply to it."""

    amount: int
    rates: Sequence[Rate] = ()


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax of one rate on one line or on all lines, with the amount it is calculated on, without tax."""

    rate: Rate
    amount: int
    taxable: int
    reason: str


@dataclass(frozen=True, slots=True)
class Taxed:
    """`net` is the seller's part: without inclusive tax, whether that is paid or not."""

    net: int
    taxes: tuple[Tax, ...] = ()

    @property
    def gross(self) -> int:
        """Return what the buyer pays for the line."""
        return self.net + sum(tax.amount for tax in self.taxes)


def taxed(lines: Sequence[Line], status: str = "none", *, per_line: bool = True) -> list[Taxed]:
    """Calculate the taxes of each line: inclusive ones first, then exclusive ones on the rest (§2.9, X86).

    An exempt customer pays no tax, and inclusive tax leaves the price (X79). Each rate is rounded on each
    line, or once for the invoice, with shares of it on the lines (X82, X83).
    """
    if not any(line.rates for line in lines):
        return [Taxed(line.amount) for line in lines]
    exact = [inside(line) for line in lines]
    held = rounded(exact, per_line)
    nets = [line.amount - sum(own.values()) for line, own in zip(lines, held, strict=True)]
    # On top of a rounded price comes the tax of that price; unrounded until the end, of the exact one.
    bases = [
        Fraction(net) if per_line else Fraction(line.amount) - sum(own.values())
        for line, net, own in zip(lines, nets, exact, strict=True)
    ]
    added = rounded([on_top(line, base) for line, base in zip(lines, bases, strict=True)], per_line)
    return [
        Taxed(
            net,
            tuple(
                Tax(
                    rate,
                    0 if status in EXEMPT else {**own, **more}[rate],
                    net,
                    EXEMPT.get(status, rate.reason),
                )
                for rate in line.rates
            ),
        )
        for line, net, own, more in zip(lines, nets, held, added, strict=True)
    ]


def inside(line: Line) -> dict[Rate, Fraction]:
    """Return the tax inside a price: with 5 % and 10 % inside, the price is 115 % of what remains."""
    inclusive = [rate for rate in line.rates if rate.inclusive]
    whole = 100 + sum(Fraction(rate.percentage) for rate in inclusive)
    return {rate: Fraction(line.amount) * Fraction(rate.percentage) / whole for rate in inclusive}


def on_top(line: Line, base: Fraction) -> dict[Rate, Fraction]:
    return {rate: base * Fraction(rate.percentage) / 100 for rate in line.rates if not rate.inclusive}


def rounded(exact: Sequence[dict[Rate, Fraction]], per_line: bool) -> list[dict[Rate, int]]:
    if per_line:
        return [{rate: round_half_away(tax) for rate, tax in own.items()} for own in exact]
    found: list[dict[Rate, int]] = [{} for _ in exact]
    for rate in {rate: None for own in exact for rate in own}:
        places = [place for place, own in enumerate(exact) if rate in own]
        for place, share in zip(places, shares([exact[place][rate] for place in places]), strict=True):
            found[place][rate] = share
    return found


def shares(exact: Sequence[Fraction]) -> list[int]:
    """Round amounts so that they add up to the rounded sum, by largest remainder."""
    found = [tax.numerator // tax.denominator for tax in exact]
    rest = round_half_away(sum(exact, Fraction(0))) - sum(found)
    for place in sorted(range(len(exact)), key=lambda at: found[at] - exact[at])[:rest]:
        found[place] += 1
    return found


def summed(taxed_lines: Sequence[Sequence[Tax]]) -> list[Tax]:
    """Sum the taxes of all lines by rate, in the order in which the rates appear."""
    found: dict[Rate, Tax] = {}
    for tax in (tax for line in taxed_lines for tax in line):
        before = found.get(tax.rate)
        amount, taxable = (before.amount, before.taxable) if before else (0, 0)
        found[tax.rate] = Tax(tax.rate, amount + tax.amount, taxable + tax.taxable, tax.reason)
    return list(found.values())
