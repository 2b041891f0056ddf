"""Price each unit by the tier it falls in, like income tax brackets."""

from decimal import Decimal

from billow.core.errors import Inconsistent
from billow.core.money import EXACT
from billow.core.pricing.types import ZERO, Charge, Price, charge_in


def graduated(price: Price, quantity: Decimal) -> list[Charge]:
    """Return one charge per tier reached, each with its flat amount.

    The first tier is reached even at quantity zero, so its flat amount is always due.
    """
    charges, floor = [], ZERO
    for number, tier in enumerate(price.tiers):
        ceiling = quantity if tier.up_to is None else min(quantity, tier.up_to)
        charges.append(charge_in(tier, number, EXACT.subtract(ceiling, floor)))
        if ceiling == quantity:
            return charges
        floor = ceiling
    raise Inconsistent("The last tier must be open-ended.")
