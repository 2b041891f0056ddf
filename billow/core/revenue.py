"""Calculate how much of a line is earned by an instant, and when to post it."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from billow.core.books.periods import after

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


@lru_cache(maxsize=4096)
def slices(
    total: int, start: datetime, end: datetime, zone: tzinfo = UTC
) -> tuple[tuple[datetime, int], ...]:
    """Return when to post and what is earned then: at each start of a month within, and at the end.

    Months are those of the seller's time zone, as accounting periods are. Lines of a plan are alike in all
    of it, so the last results are kept.
    """
    if end <= start:
        return ((start, total),)
    return tuple((at, earned(total, start, end, at)) for at in posting_times(start, end, zone))


@lru_cache(maxsize=1024)
def posting_times(start: datetime, end: datetime, zone: tzinfo = UTC) -> tuple[datetime, ...]:
    """Return each start of a month within a period, and its end. Thousands of lines share a period."""
    times = []
    first = after(start.astimezone(zone).date())
    while (at := midnight(first, zone)) < end:
        times.append(at)
        first = after(first)
    return (*times, end)


def midnight(day: date, zone: tzinfo) -> datetime:
    """Return the instant at which a day begins in a time zone."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
