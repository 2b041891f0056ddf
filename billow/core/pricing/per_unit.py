"""So much for each."""

from decimal import Decimal

from billow.core.pricing.types import ZERO, Charge, Price


def per_unit(price: Price, quantity: Decimal) -> list[Charge]:
    """A quantity of zero still gives a line, of nothing."""
    assert price.unit_amount is not None
    return [Charge(None, quantity, price.unit_amount, ZERO)]
