"""Price each unit alike."""

from decimal import Decimal

from billow.core.errors import needed
from billow.core.pricing.types import ZERO, Charge, Price


def per_unit(price: Price, quantity: Decimal) -> list[Charge]:
    """Return the charge; a quantity of zero still gives a line of 0."""
    return [Charge(None, quantity, needed(price.unit_amount, "the amount of a unit"), ZERO)]
