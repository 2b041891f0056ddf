"""What is a price made of, and what comes out of it?"""

from dataclasses import dataclass
from decimal import Decimal

from billow.core.money import EXACT, round_half_away

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tier:
    """Reaches up to and including `up_to`; the last tier has None and never ends."""

    up_to: Decimal | None
    unit_amount: Decimal | None = None
    flat_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """`model` is a key of MODELS; `divide_by` and `round` belong to packages, `tiers` to tiered models."""

    model: str
    currency: str
    unit_amount: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    divide_by: int | None = None
    round: str = "up"


@dataclass(frozen=True, slots=True)
class Charge:
    """What becomes one invoice line; `tier` counts from 0 and is None where there are no tiers.

    For packages `quantity` is the number of packages.
    """

    tier: int | None
    quantity: Decimal
    unit_amount: Decimal
    flat_amount: Decimal

    @property
    def exact(self) -> Decimal:
        return EXACT.add(EXACT.multiply(self.quantity, self.unit_amount), self.flat_amount)

    @property
    def amount(self) -> int:
        """Minor units, rounded once per line, as Stripe does."""
        return round_half_away(self.exact)


def charge_in(tier: Tier, number: int, quantity: Decimal) -> Charge:
    """A tier may lack its unit amount or its flat amount: nothing to pay, then."""
    return Charge(number, quantity, tier.unit_amount or ZERO, tier.flat_amount or ZERO)
