"""Sort what is owed by how long it has been due."""

from collections.abc import Iterable
from datetime import date

LIMITS = (30, 60, 90)
"""The last day of each bucket; the last bucket has none, and the first is what is not due yet."""
BUCKETS = ("not_due", "days_30", "days_60", "days_90", "days_over")


def bucket(due_on: date, on: date) -> str:
    """Return the bucket of what is due on a day, as of another; the day itself is not late.

    >>> bucket(date(2025, 1, 31), date(2025, 1, 31)), bucket(date(2025, 1, 1), date(2025, 2, 1))
    ('not_due', 'days_60')
    """
    late = (on - due_on).days
    if late <= 0:
        return BUCKETS[0]
    return next(
        (name for limit, name in zip(LIMITS, BUCKETS[1:], strict=False) if late <= limit), BUCKETS[-1]
    )


def aged(items: Iterable[tuple[date, int]], on: date) -> dict[str, int]:
    """Add up amounts, each with the day on which it is due, in the buckets of a day."""
    sums = dict.fromkeys(BUCKETS, 0)
    for due_on, amount in items:
        sums[bucket(due_on, on)] += amount
    return sums
