"""When does a period begin and end? Boundaries are counted from the anchor, never from each other.

anchor 31 Jan        28 Feb             31 Mar             30 Apr
  |-------- 0 --------|-------- 1 --------|-------- 2 --------|     chained, the 31st would be lost
"""

from calendar import monthrange
from datetime import datetime, timedelta

DAYS = {"day": 1, "week": 7}
MONTHS = {"month": 1, "year": 12}


def boundary(anchor: datetime, interval: str, count: int, n: int) -> datetime:
    """The n-th boundary; n may be negative. A day that a month lacks becomes the month's last day."""
    if interval in DAYS:
        return anchor + timedelta(days=DAYS[interval] * count * n)
    year, month = divmod(_month_number(anchor) + MONTHS[interval] * count * n, 12)
    last_day = monthrange(year, month + 1)[1]
    return anchor.replace(year=year, month=month + 1, day=min(anchor.day, last_day))


def number_at(anchor: datetime, interval: str, count: int, at: datetime) -> int:
    """The n of the period that holds the instant: boundary(n) <= at < boundary(n + 1)."""
    if interval in DAYS:
        return (at - anchor) // timedelta(days=DAYS[interval] * count)
    n = (_month_number(at) - _month_number(anchor)) // (MONTHS[interval] * count)
    # In the boundary's own month the instant may still come before it.
    return n if boundary(anchor, interval, count, n) <= at else n - 1


def period_at(anchor: datetime, interval: str, count: int, at: datetime) -> tuple[datetime, datetime]:
    """The period that holds the instant: its start, which belongs to it, and its end, which does not."""
    n = number_at(anchor, interval, count, at)
    return boundary(anchor, interval, count, n), boundary(anchor, interval, count, n + 1)


def next_boundary(anchor: datetime, interval: str, count: int, after: datetime) -> datetime:
    """The first boundary strictly after the instant."""
    return boundary(anchor, interval, count, number_at(anchor, interval, count, after) + 1)


def _month_number(at: datetime) -> int:
    """Months since the year 0, so that month arithmetic is integer arithmetic."""
    return at.year * 12 + at.month - 1
