"""Decide when a prepaid wallet is topped up by itself."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from billow.core.billing_credits import Grant, Line, draw, is_eligible


def left_of(grants: Iterable[Grant], usage: Sequence[Line], currency: str, at: datetime) -> dict[str, int]:
    """Return what is left of each grant that can be spent at `at`, once it has paid for usage.

    1,000 of a promotional grant and 5,000 of a paid one pay for usage of 1,200: 0 and 4,800 are left.
    """
    held = [one for one in grants if is_eligible(one, currency, at)]
    taken = draw(held, usage, currency, at)
    return {one.id: one.left - sum(line.get(one.id, 0) for line in taken) for one in held}


def amount_to_order(left: int, threshold: int, amount: int, monthly_limit: int | None, ordered: int) -> int:
    """Return the amount to order: the whole one when too little is left, or 0.

    `ordered` is what was ordered by itself in this month. A part of the amount is never ordered: with a limit
    of 10,000 and 9,000 ordered, 5,000 wait for the next month.
    """
    within = monthly_limit is None or ordered + amount <= monthly_limit
    return amount if left < threshold and within else 0


def month_start(now: datetime) -> datetime:
    """Return the beginning of the calendar month of an instant in UTC."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
