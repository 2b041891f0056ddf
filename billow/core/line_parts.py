"""Split an invoice line into parts that a reader can multiply: quantity times price is the amount."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from billow.core.line_texts import PRICED
from billow.core.money import EXACT, round_half_away


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a line. Without a quantity it is a lump sum; `per` is how many units the price is for."""

    amount: int
    quantity: Decimal | None = None
    unit_amount: Decimal | None = None
    per: int = 1
    flat: bool = False
    """Whether it is the flat fee of a tier."""


@dataclass(frozen=True, slots=True)
class Rated:
    """What is known of a line: its amounts in minor units, and the size of packages, if it has any."""

    amount: int
    quantity: Decimal | None
    unit_amount: Decimal | None
    flat_amount: Decimal | None = None
    divide_by: int | None = None
    rounds_down: bool = False


def parts(line: Rated) -> tuple[Part, ...]:
    """Return the parts of a line, which sum to its amount; one lump sum where it is not a product.

    25,000 calls at 500 for each started 10,000 are 3 packages; a tier with a flat fee is two parts.

    >>> [(one.quantity, one.amount) for one in parts(Rated(1250, Decimal(5), Decimal(150), Decimal(500)))]
    [(Decimal('5'), 750), (Decimal('1'), 500)]
    """
    quantity, price = line.quantity, line.unit_amount
    if quantity is None or price is None:
        return (Part(line.amount),)
    if line.divide_by:
        packages = _packages(quantity, line.divide_by, line.rounds_down)
        return (_product(line.amount, packages, price, line.divide_by),)
    flat = line.flat_amount or Decimal(0)
    fee = round_half_away(flat)
    if not flat:
        return (_product(line.amount, quantity, price, 1),)
    fee_part = Part(fee, Decimal(1), flat, flat=True)
    units = _product(line.amount - fee, quantity, price, 1)
    if units.quantity is None:
        return (Part(line.amount),)
    return (units, fee_part) if price else (fee_part,)


def _packages(quantity: Decimal, size: int, down: bool) -> Decimal:
    way = ROUND_FLOOR if down else ROUND_CEILING
    return (quantity / Decimal(size)).to_integral_value(rounding=way)


def _product(amount: int, quantity: Decimal, price: Decimal, per: int) -> Part:
    if round_half_away(EXACT.multiply(quantity, price)) != amount:
        return Part(amount)
    return Part(amount, quantity, price, per)


def plain_name(description: str) -> tuple[str, str]:
    """Return what is billed without its quantity and price, which stand beside it, and its unit.

    >>> plain_name("3 seat × Team (at $18.00 / month)"), plain_name("Set-up")
    (('Team', 'seat'), ('Set-up', ''))
    """
    found = PRICED.fullmatch(description)
    return (found["name"], found["unit"] or "") if found else (description, "")
