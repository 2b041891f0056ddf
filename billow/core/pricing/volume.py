"""All units by the tier the total falls in."""

from decimal import Decimal

from billow.core.errors import Inconsistent
from billow.core.pricing.types import Charge, Price, charge_in


def volume(price: Price, quantity: Decimal) -> list[Charge]:
    """One tier prices everything, so a unit more can make the whole cheaper; zero falls in the first."""
    for number, tier in enumerate(price.tiers):
        if tier.up_to is None or quantity <= tier.up_to:
            return [charge_in(tier, number, quantity)]
    raise Inconsistent("The last tier must be open-ended.")
