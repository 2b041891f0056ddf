"""Count the days on which euros are moved between banks: TARGET days."""

from datetime import date, timedelta
from functools import cache

from holidays import financial_holidays


@cache
def _closed(year: int) -> frozenset[date]:
    return frozenset(financial_holidays("ECB", years=year))


def is_target_day(day: date) -> bool:
    """Check that it is neither a weekend nor one of the six days a year on which TARGET is closed."""
    return day.weekday() < 5 and day not in _closed(day.year)


def on_or_after(day: date) -> date:
    """Return the first TARGET day that is not before a day: 2026-12-25 is 2026-12-28."""
    while not is_target_day(day):
        day += timedelta(days=1)
    return day


def days_after(day: date, count: int) -> date:
    """Return the TARGET day that is `count` TARGET days after a day, which may be none itself."""
    for _ in range(count):
        day = on_or_after(day + timedelta(days=1))
    return on_or_after(day)
