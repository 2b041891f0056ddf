"""So much for every started hundred, or for every full one."""

from decimal import Decimal

from billow.core.money import EXACT
from billow.core.pricing.types import ZERO, Charge, Price


def package(price: Price, quantity: Decimal) -> list[Charge]:
    """25 units in packages of 100 are one package when rounded up, none when rounded down."""
    assert price.unit_amount is not None
    assert price.divide_by is not None
    packages, started = EXACT.divmod(quantity, Decimal(price.divide_by))
    if started and price.round == "up":
        packages = EXACT.add(packages, Decimal(1))
    return [Charge(None, packages, price.unit_amount, ZERO)]
