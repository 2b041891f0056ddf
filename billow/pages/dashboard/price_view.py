"""Show what quantities cost by a price: curves, the cliffs of a volume price, and a sum explained by tier."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from billow.core import price_curves, pricing
from billow.core.errors import Refused
from billow.core.money import decimal_text, ungrouped
from billow.core.pricing import Charge, Price
from billow.pages.dashboard import charts, layout
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.lists import Column

STEPS = (Column("Units"), Column("Each", True), Column("Flat fee", True), Column("Amount", True))
LARGEST = 10**12


@dataclass(frozen=True, slots=True)
class Sum:
    """What a quantity costs: each step, and in all."""

    quantity: str
    steps: list[list[Cell]]
    total: str


def values(price: Price, typed: str) -> dict[str, Any]:
    """Return what the screens of a price show of it: its curves and what the typed quantity costs."""
    problem, found = None, None
    try:
        found = calculated(price, quantity_of(typed)) if typed.strip() else None
    except Refused as refused:
        problem = refused.message
    return {
        "total_curve": drawn(price),
        "average_curve": drawn(price, average=True),
        "cliffs": [cliff(price, one) for one in price_curves.cliffs(price)],
        "sum": found,
        "sum_problem": problem,
        "step_columns": STEPS,
        "typed": typed,
    }


def quantity_of(text: str) -> Decimal:
    """Read a quantity that may have thousands separators and decimals, as usage may."""
    plain = ungrouped(text.replace(" ", ""))
    whole, _, part = plain.partition(".")
    digits = plain.isascii() and whole.isdigit() and (part.isdigit() or not part) and len(plain) < 30
    if not digits or Decimal(plain) > LARGEST:
        raise Refused("A quantity is a number, such as 1500 or 0.5.")
    return Decimal(plain)


def calculated(price: Price, quantity: Decimal) -> Sum:
    """Price a quantity as an invoice does, and explain each of its lines."""
    charges = pricing.charges(price, quantity)
    return Sum(
        count(quantity),
        [
            [
                Cell(units(price, one, charges)),
                rate(one.unit_amount, price.currency),
                rate(one.flat_amount, price.currency),
                layout.amount(one.amount, price.currency),
            ]
            for one in charges
        ],
        layout.amount(pricing.amount(price, quantity), price.currency).text,
    )


def units(price: Price, one: Charge, charges: Sequence[Charge]) -> str:
    """Say which units a line is of: 500 units, from 1,001 to 1,500; 3 packages of 100."""
    if price.divide_by:
        return f"{plural(one.quantity, 'package')} of {price.divide_by:,}"
    if one.tier is None:
        return plural(one.quantity, "unit")
    if price.model == "volume":
        return f"All {plural(one.quantity, 'unit')}, by tier {one.tier + 1}"
    before = sum((each.quantity for each in charges if (each.tier or 0) < one.tier), Decimal(0))
    spans = f", from {count(before + 1)} to {count(before + one.quantity)}" if one.quantity > 1 else ""
    return f"{plural(one.quantity, 'unit')}{spans}, by tier {one.tier + 1}"


def plural(quantity: Decimal, word: str) -> str:
    return f"{count(quantity)} {word}" if quantity == 1 else f"{count(quantity)} {word}s"


def count(quantity: Decimal) -> str:
    return f"{Decimal(decimal_text(quantity)):,f}"


def rate(minor: Decimal, currency: str) -> Cell:
    """Return a rate with all its decimals, and at least those of its currency."""
    if minor == minor.to_integral_value():
        return layout.amount(int(minor), currency)
    return Cell(f"{currency.upper()} {decimal_text(layout.in_main_unit(minor, currency))}", "amount")


def cliff(price: Price, one: price_curves.Cliff) -> str:
    less = layout.amount(one.amount - one.after, price.currency).text
    return f"{count(one.quantity + 1)} units cost {less} less than {count(one.quantity)}."


def drawn(price: Price, *, average: bool = False) -> Markup:
    """Draw what quantities cost in all, or what each of their units costs on average."""
    found = price_curves.points(price, price_curves.furthest(price))
    scale = float(layout.in_main_unit(1, price.currency))
    places = [
        (float(quantity), amount * scale / (float(quantity) if average else 1))
        for quantity, amount in found
        if quantity or not average
    ]
    ends = layout.amount(found[-1][1], price.currency).text
    what = "Average cost of a unit" if average else "Total cost"
    title = f"{what} in {price.currency.upper()} by quantity; {count(found[-1][0])} units cost {ends} in all."
    return charts.curve(places, title)
