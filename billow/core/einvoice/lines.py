"""Write the parts of a line as lines of EN 16931, so that quantity times price is what each comes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from billow.core.einvoice.model import Allowance, Category, Line
from billow.core.line_parts import Part, Rated, parts
from billow.core.money import EXACT

ONE = Decimal(1)
CENT, NEAR = Decimal("0.01"), Decimal("0.02")
"""How far a line may be from quantity times price (Peppol R120)."""
PRICE_DECIMALS = 10


@dataclass(frozen=True, slots=True)
class Billed:
    """A line of an invoice in minor units: its net amount is after discounts and without tax."""

    rated: Rated
    net: int
    name: str
    unit: str
    category: Category
    discounts: tuple[tuple[str, int], ...] = ()
    """The reason and amount of each discount that it has."""
    starts_on: date | None = None
    ends_on: date | None = None
    description: str = ""
    flat_fee: str = "flat fee"


def lines_of(billed: Billed, digits: int, number: int) -> list[Line]:
    """Return the lines of a line, numbered from `number` on; their net amounts sum to its own.

    A price that includes tax is stated without it; where no price of ten decimals gives the amount, it is a
    quantity of one.
    """
    split = parts(billed.rated)
    taken = sum(amount for _, amount in billed.discounts)
    given_back = any(amount < 0 for _, amount in billed.discounts)  # no allowance is negative
    if sum(part.amount for part in split) - taken == billed.net and not given_back:
        off = billed.discounts
    else:  # tax is inside the price, or a credit takes a discount back
        split, off = (_without_tax(billed, digits),), ()
    made = []
    for place, part in enumerate(split):
        allowances = tuple(Allowance(major(amount, digits), reason) for reason, amount in off if amount)
        made.append(_line(billed, part, allowances if place == 0 else (), digits, number + place))
    return made


def _line(billed: Billed, part: Part, off: Sequence[Allowance], digits: int, number: int) -> Line:
    quantity, price = _positive(part, digits)
    amount = major(part.amount, digits)
    if abs((quantity * price).quantize(CENT, rounding=ROUND_HALF_UP) - amount) > NEAR:
        # An amount in whole yen can be further from its product than a cent: then it is a lump sum.
        return _line(billed, Part(part.amount), off, digits, number)
    return Line(
        id=str(number),
        name=f"{billed.name}: {billed.flat_fee}" if part.flat else billed.name,
        quantity=quantity,
        unit=billed.unit if part.quantity is not None and not part.flat and part.per == 1 else "C62",
        price=price,
        net=amount - sum((one.amount for one in off), Decimal(0)),
        category=billed.category,
        base=1,
        allowances=tuple(off),
        starts_on=billed.starts_on,
        ends_on=billed.ends_on,
        description=billed.description if part.per == 1 else f"{billed.description} (1 = {part.per})".strip(),
    )


def _positive(part: Part, digits: int) -> tuple[Decimal, Decimal]:
    """Return quantity and price, of which the price is never negative (BR-27)."""
    if part.quantity is None or part.unit_amount is None:
        return (-ONE if part.amount < 0 else ONE), abs(major(part.amount, digits))
    price = part.unit_amount.scaleb(-digits, context=EXACT)
    return (-part.quantity, -price) if price < 0 else (part.quantity, price)


def _without_tax(billed: Billed, digits: int) -> Part:
    """Return a part that comes to the net amount: with the line's quantity if a price can say it."""
    quantity = billed.rated.quantity
    if quantity and not billed.rated.divide_by and not billed.rated.flat_amount:
        price = (Decimal(billed.net) / quantity).quantize(Decimal(1).scaleb(-PRICE_DECIMALS + digits))
        if (price * quantity).quantize(ONE, rounding=ROUND_HALF_UP) == billed.net:
            return Part(billed.net, quantity, price)
    return Part(billed.net)


def major(amount: int, digits: int) -> Decimal:
    return Decimal(amount).scaleb(-digits, context=EXACT)
