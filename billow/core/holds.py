"""Decide what may be captured of an amount that a card holds, and by when."""

from dataclasses import dataclass
from datetime import timedelta

from billow.core.money import LARGEST_CHARGE

MULTICAPTURE, INCREMENT = "multicapture", "incremental_authorization"
OVERCAPTURE, EXTENDED = "overcapture", "extended_authorization"
WISHES = (EXTENDED, INCREMENT, MULTICAPTURE, OVERCAPTURE)
"""What can be asked of a hold: `request_…` of `payment_method_options[card]`."""
HELD = timedelta(days=7)
"""How long a card holds an amount that is not captured."""
HELD_LONGER = timedelta(days=30)
"""How long it holds an amount with an extended authorization."""
CAPTURES = 50
"""How often a hold is captured at most."""
INCREMENTS = 10
"""How often it may be tried to raise a hold, declines included."""
OVER_PERCENT = 15
"""By how much more than is held may be captured with overcapture: what Visa allows all trades."""


def with_overcapture(held: int) -> int:
    """Return the most that can be captured of a hold with overcapture: 10.05 becomes 11.55, rounded down.

    It is never more than can be charged at all.
    """
    return max(held, min(held + held * OVER_PERCENT // 100, LARGEST_CHARGE))


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold: the amount, what was captured of it, and the most that may be captured in all."""

    amount: int
    captured: int
    most: int

    def left(self) -> int:
        """Return what is still held."""
        return max(self.amount - self.captured, 0)

    def capturable(self, final: bool) -> int:
        """Return the most that the next capture may take; only the last one may take more than is held."""
        return self.most - self.captured if final else self.left()

    def whole(self, amount: int) -> int:
        """Return the amount of the charge after its last capture: more than was held, if that was taken."""
        return max(self.amount, self.captured + amount)
