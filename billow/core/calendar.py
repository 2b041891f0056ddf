"""Calculate when periods begin and end. Boundaries count from the anchor, never from each other.

anchor 31 Jan        28 Feb             31 Mar             30 Apr
  |-------- 0 --------|-------- 1 --------|-------- 2 --------|     chained, the 31st would be lost
"""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

DAYS = {"day": 1, "week": 7}
MONTHS = {"month": 1, "year": 12}
BEGINNING = -62_135_596_800
"""The beginning of the year 1 in seconds."""


def boundary(anchor: datetime, interval: str, count: int, n: int) -> datetime:
    """Return the n-th boundary; n may be negative. A day that a month lacks becomes its last day."""
    if interval in DAYS:
        return anchor + timedelta(days=DAYS[interval] * count * n)
    year, month = divmod(_month_number(anchor) + MONTHS[interval] * count * n, 12)
    last_day = monthrange(year, month + 1)[1]
    return anchor.replace(year=year, month=month + 1, day=min(anchor.day, last_day))


def number_at(anchor: datetime, interval: str, count: int, at: datetime) -> int:
    """Return the number of the period that holds an instant: boundary(n) <= at < boundary(n + 1)."""
    if interval in DAYS:
        return (at - anchor) // timedelta(days=DAYS[interval] * count)
    n = (_month_number(at) - _month_number(anchor)) // (MONTHS[interval] * count)
    # In the boundary's own month the instant may still come before it.
    return n if boundary(anchor, interval, count, n) <= at else n - 1


def period_at(anchor: datetime, interval: str, count: int, at: datetime) -> tuple[datetime, datetime]:
    """Return the period that holds an instant: its start belongs to it, its end does not."""
    n = number_at(anchor, interval, count, at)
    return boundary(anchor, interval, count, n), boundary(anchor, interval, count, n + 1)


def next_boundary(anchor: datetime, interval: str, count: int, after: datetime) -> datetime:
    """Return the first boundary strictly after an instant."""
    return boundary(anchor, interval, count, number_at(anchor, interval, count, after) + 1)


def _month_number(at: datetime) -> int:
    """Count months since the year 0, so that arithmetic with months is arithmetic with integers."""
    return at.year * 12 + at.month - 1


def second(number: int) -> datetime:
    """Return the instant of a number of seconds since 1970, of which -1 is the last one before.

    What lies before the year 1, where Python's calendar begins, is that beginning: a filter may name it.
    """
    return datetime.fromtimestamp(max(number, BEGINNING), UTC)


def read_instant(text: str) -> datetime:
    """Read a date and time of RFC 3339, whose zone may be `Z` or `z`; without a zone it has none.

    Raises ValueError for any other text.
    """
    return datetime.fromisoformat(text[:-1] + "Z" if text.endswith("z") else text)
