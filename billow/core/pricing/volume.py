"""Price all units by the tier that the total falls in."""

from decimal import Decimal

from billow.core.errors import Inconsistent
from billow.core.pricing.types import Charge, Price, charge_in


def volume(price: Price, quantity: Decimal) -> list[Charge]:
    """Return the charge of the one tier; one more unit can lower the total. Zero is in the first tier."""
    for number, tier in enumerate(price.tiers):
        if tier.up_to is None or quantity <= tier.up_to:
            return [charge_in(tier, number, quantity)]
    raise Inconsistent("The last tier must be open-ended.")
