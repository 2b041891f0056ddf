"""Calculate how much of a line is earned by an instant, and when to post it."""

from datetime import datetime, timedelta
from functools import lru_cache

from billow.core.calendar import next_boundary

SECOND = timedelta(seconds=1)


def earned(total: int, start: datetime, end: datetime, at: datetime) -> int:
    """Return what is earned from start to at, evenly by the second, rounded to zero; all of it at the end.

    It is cumulative: post earned(...) less what was already posted, in any order and as often as you like; no
    cent is lost. A period without length (usage, a single sale) is earned at its start.
    """
    if at < start:
        return 0
    if at >= end:
        return total
    # At least one second, for a period that is shorter.
    length = max((end - start) // SECOND, 1)
    share = abs(total) * ((at - start) // SECOND) // length
    return share if total >= 0 else -share


def slices(total: int, start: datetime, end: datetime) -> list[tuple[datetime, int]]:
    """Return when to post and what is earned then: at each start of a month (UTC) within, and at the end."""
    if end <= start:
        return [(start, total)]
    return [(at, earned(total, start, end, at)) for at in posting_times(start, end)]


@lru_cache(maxsize=1024)
def posting_times(start: datetime, end: datetime) -> tuple[datetime, ...]:
    """Return each start of a month (UTC) within a period, and its end. Thousands of lines share a period."""
    first_of_month = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    times = []
    at = next_boundary(first_of_month, "month", 1, start)
    while at < end:
        times.append(at)
        at = next_boundary(first_of_month, "month", 1, at)
    return (*times, end)
