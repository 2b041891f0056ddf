"""Price packages: each started one, or each full one."""

from decimal import Decimal

from billow.core.errors import needed
from billow.core.money import EXACT
from billow.core.pricing.types import ZERO, Charge, Price


def package(price: Price, quantity: Decimal) -> list[Charge]:
    """Return the charge: 25 units in packages of 100 are one package rounded up, none rounded down."""
    unit_amount = needed(price.unit_amount, "the amount of a package")
    divide_by = needed(price.divide_by, "the size of a package")
    packages, started = EXACT.divmod(quantity, Decimal(divide_by))
    if started and price.round == "up":
        packages = EXACT.add(packages, Decimal(1))
    return [Charge(None, packages, unit_amount, ZERO)]
