"""Define prices, tiers and the charges that they result in."""

from dataclasses import dataclass
from decimal import Decimal

from billow.core.money import EXACT, round_half_away

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier up to and including `up_to`; the last one has None and no end."""

    up_to: Decimal | None
    unit_amount: Decimal | None = None
    flat_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """`model` is a key of MODELS; `divide_by` and `round` are for packages, `tiers` for tiered models."""

    model: str
    currency: str
    unit_amount: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    divide_by: int | None = None
    round: str = "up"


@dataclass(frozen=True, slots=True)
class Charge:
    """The charge of one invoice line; `tier` counts from 0 and is None where there are no tiers.

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
        """Return minor units, rounded once per line, as Stripe does."""
        return round_half_away(self.exact)


def charge_in(tier: Tier, number: int, quantity: Decimal) -> Charge:
    """Return the charge of units in a tier; a missing unit or flat amount is 0."""
    return Charge(number, quantity, tier.unit_amount or ZERO, tier.flat_amount or ZERO)
