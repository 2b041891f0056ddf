"""Decide where accounting periods begin and end: months and fiscal years in the seller's time zone."""

import re
from calendar import monthrange
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from billow.core.calendar import read_instant
from billow.core.errors import Refused

INTO_CLOSED = "ledger.into_closed"
"""The note of a transaction that may post into softly closed periods."""
MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def first_day(text: str) -> date:
    """Read a day, or a month as its first day.

    >>> first_day("2026-10"), first_day("2026-10-05")
    (datetime.date(2026, 10, 1), datetime.date(2026, 10, 5))
    """
    month = MONTH.fullmatch(text)
    try:
        return date(int(month[1]), int(month[2]), 1) if month else date.fromisoformat(text)
    except ValueError:
        raise Refused(f"{text} is no month or day, as 2026-10 or 2026-10-31.") from None


def last_day(text: str) -> date:
    """Read a day, or a month as its last day: 2026-02 is 2026-02-28.

    >>> last_day("2024-02"), last_day("9999-12")
    (datetime.date(2024, 2, 29), datetime.date(9999, 12, 31))
    """
    day = first_day(text)
    return day.replace(day=monthrange(day.year, day.month)[1]) if MONTH.fullmatch(text) else day


def month(text: str) -> date:
    """Read a month as its first day, and refuse all else."""
    if not MONTH.fullmatch(text):
        raise Refused(f"{text} is no month, as 2026-10.")
    return first_day(text)


def after(day: date) -> date:
    """Return the first day of the next month."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day begins: 2026-10-01 in Stockholm is 22:00 UTC of the day before."""
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day ends, which is that at which the next one begins."""
    return start_of(day + timedelta(days=1), zone)


def span(since: str, until: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Read from when to when is asked: days and months of a time zone, the last one included, or times.

    A time is that instant, in the zone where it names no other.

    >>> first, last = span("2026-10", "2026-10-31", ZoneInfo("Europe/Stockholm"))
    >>> first.isoformat(), last.isoformat()
    ('2026-10-01T00:00:00+02:00', '2026-11-01T00:00:00+01:00')
    """
    try:
        return (
            _instant(since, zone) or start_of(first_day(since), zone),
            _instant(until, zone) or end_of(last_day(until), zone),
        )
    except OverflowError:
        raise Refused("There is no such day.") from None


def _instant(text: str, zone: ZoneInfo) -> datetime | None:
    """Read a time; a day or month is none."""
    if len(text) <= len("2026-10-31"):
        return None
    try:
        read = read_instant(text)
    except ValueError:
        raise Refused(f"{text} is no date or time, as 2026-01-31 or 2026-01-31T12:00:00.") from None
    return read if read.tzinfo else read.replace(tzinfo=zone)


def fiscal_year(day: date, first_month: int) -> tuple[date, date]:
    """Return the first and last day of the fiscal year of a day.

    >>> fiscal_year(date(2026, 3, 1), 5)
    (datetime.date(2025, 5, 1), datetime.date(2026, 4, 30))
    """
    year = day.year if day.month >= first_month else day.year - 1
    return date(year, first_month, 1), date(year + 1, first_month, 1) - timedelta(days=1)
