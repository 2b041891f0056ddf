"""Set the largest amount that can be stored, and refuse larger ones."""

from collections.abc import Iterable

from billow.core.errors import Refused

LARGEST = 2**53 - 1
"""The largest integer that every reader of JSON has exactly; a bigint would hold a thousand times more.

It bounds each amount by itself: a price, a line, a total, a balance. Quantities are decimals without a bound.
"""


class TooLarge(Refused):
    """An amount is too large to be stored. Nothing of it is kept."""

    def __init__(self, param: str | None = None) -> None:
        super().__init__(
            f"Amount must be no more than {LARGEST}, in the smallest unit of its currency.",
            param=param,
            code="amount_too_large",
        )


def holds(amounts: Iterable[int]) -> bool:
    return all(-LARGEST <= amount <= LARGEST for amount in amounts)


def check(amounts: Iterable[int], param: str | None = None) -> None:
    if not holds(amounts):
        raise TooLarge(param)
