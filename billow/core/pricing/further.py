"""Price usage beyond what is already billed of the same period."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from billow.core.errors import needed
from billow.core.money import EXACT
from billow.core.pricing.types import ZERO, Charge

WHOLE = frozenset({"volume"})
"""Models whose total prices every unit: what was billed before is taken off as one amount."""


@dataclass(frozen=True, slots=True)
class Step:
    """A charge with its amount: the difference of two rounded amounts, not that of `charge`."""

    charge: Charge
    amount: int
    earlier: bool = False
    """Whether it takes off what was billed earlier."""


def further(model: str, billed: Sequence[Charge] | None, now: Sequence[Charge]) -> list[Step]:
    """Return the steps from the charges billed already to those of the total; None where nothing is (§4.5).

    Graduated, at 0.50 up to 10,000 and 0.40 above: from 9,900 to 10,100 are 100 units at each (X32).
    Volume: 25,000 after 5,000.00 is 10,000.00 less 5,000.00 (X36). Never empty, and the amounts of any
    number of steps add up to the amount of the total.
    """
    if billed is None:
        return [Step(charge, charge.amount) for charge in now]
    if model in WHOLE:
        return [Step(charge, charge.amount) for charge in now] + taken_off(billed)
    before = {charge.tier: charge for charge in billed}
    after = {charge.tier: charge for charge in now}
    steps = [
        between(before.get(tier), after.get(tier))
        for tier in [*after, *(t for t in before if t not in after)]
    ]
    return [step for step in steps if step.amount or step.charge.quantity] or steps[-1:]


def taken_off(billed: Sequence[Charge]) -> list[Step]:
    amount = -sum(charge.amount for charge in billed)
    return [Step(Charge(None, Decimal(1), Decimal(amount), ZERO), amount, earlier=True)] if amount else []


def between(before: Charge | None, after: Charge | None) -> Step:
    """Return the step within one tier; it is a credit where corrections made the total smaller."""
    tier = needed(after or before, "a tier, before or after")
    quantity = EXACT.subtract(after.quantity if after else ZERO, before.quantity if before else ZERO)
    flat = EXACT.subtract(after.flat_amount if after else ZERO, before.flat_amount if before else ZERO)
    amount = (after.amount if after else 0) - (before.amount if before else 0)
    return Step(Charge(tier.tier, quantity, tier.unit_amount, flat), amount)
