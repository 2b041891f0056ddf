"""Aggregate the events of a period, and divide the period into whole hours and the rest."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from billow.core.money import EXACT

ZERO = Decimal(0)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
TIME_WINDOWS = {"hour": HOUR, "day": timedelta(days=1)}
"""How long the time windows of meters and summaries are. They begin at full hours and days in UTC."""

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Window:
    """What the formulas need to know of any number of events; `Window()` is that of none."""

    sum: Decimal = ZERO
    count: int = 0
    last: Decimal | None = None
    last_at: datetime | None = None


def _last(window: Window) -> Decimal:
    return ZERO if window.last is None else window.last


FORMULAS: dict[str, Callable[[Window], Decimal]] = {
    "sum": lambda window: window.sum,
    "count": lambda window: Decimal(window.count),
    "last": _last,
}


def combine(windows: Iterable[Window]) -> Window:
    """Combine windows of disjoint events. Of two values at one instant the one given later is last."""
    total, count, last, last_at = ZERO, 0, None, None
    for window in windows:
        total = EXACT.add(total, window.sum)
        count += window.count
        if window.last_at is not None and (last_at is None or window.last_at >= last_at):
            last, last_at = window.last, window.last_at
    return Window(total, count, last, last_at)


def aggregate(formula: str, window: Window) -> Decimal:
    """Return the value that a summary shows; corrections may make it negative."""
    return FORMULAS[formula](window)


def quantity(formula: str, window: Window) -> Decimal:
    """Return the quantity that is billed: a negative total is billed as 0, and is not carried over."""
    return max(aggregate(formula, window), ZERO)


def window_start(at: datetime, size: str) -> datetime:
    """Return the beginning of the hour or day, in UTC, that an instant is in."""
    hour = _hour_until(at.astimezone(UTC))
    return hour.replace(hour=0) if size == "day" else hour


class Hours(NamedTuple):
    """A period in parts: whole hours are read from roll-ups, head and tail from single events."""

    head: Span | None
    whole: Span | None
    tail: Span | None


def hours(start: datetime, end: datetime) -> Hours:
    """Split [start, end) in UTC: 10:30 to 13:15 is 10:30-11:00, 11:00-13:00 and 13:00-13:15.

    A span without a full hour is all head.
    """
    first, last = _hour_from(start), _hour_until(end)
    if first > last:
        return Hours(_span(start, end), None, None)
    return Hours(_span(start, first), _span(first, last), _span(last, end))


def _span(start: datetime, end: datetime) -> Span | None:
    return (start, end) if start < end else None


def _hour_until(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _hour_from(at: datetime) -> datetime:
    floor = _hour_until(at)
    return floor if floor == at else floor + HOUR


def closes_at(at: datetime, since: datetime, billed: Decimal | None) -> datetime:
    """When the count of an item can end: a threshold has billed its second whole, so that is not cut (§4.5).

    `billed` is how much of the usage is billed already. Where the count ended earlier, what came late for it
    would be lost, and that second billed twice.
    """
    return max(at, since if billed is None else since + SECOND)
