"""Calculate when the phases of a schedule begin and end, and which ones an update replaces.

      past            current          future
|------ 0 ------|-------- 1 -------|------ 2 ------|   each begins where the one before ends
                              now
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from billow.core import calendar
from billow.core.errors import Inconsistent, require

Length = tuple[str, int]
"""An interval and how many of them: ("month", 3)."""
MOST = 10
"""How many phases may be current or to come (§6)."""


@dataclass(frozen=True, slots=True)
class Span:
    """The start and the end of a phase; the end belongs to the next one."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Wish:
    """The dates that a phase asks for: it lasts `length` where it has no end."""

    length: Length
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The phases after an update: the past ones, and the new ones from `first` on, with their spans."""

    past: list[Span]
    first: int
    spans: list[Span]


def chain(
    start: datetime, wishes: Sequence[Wish], anchor: datetime | None = None, first: int = 0
) -> list[Span]:
    """Calculate the spans of phases that follow each other from an instant on.

    Months count from the first phase, never from the end of the phase before: phases of one month from
    31 January on end on 28 February and on 31 March. `anchor` is that of the billing cycle: a phase that
    starts a whole number of months after it counts from it.
    """
    require(wishes, "You must pass at least one phase.", param="phases")
    require(
        len(wishes) <= MOST, f"A schedule can have at most {MOST} current and future phases.", param="phases"
    )
    found: list[Span] = []
    base, months = counted_from(anchor, start)
    for place, wish in enumerate(wishes, first):
        at = f"phases[{place}]"
        require(
            wish.start in (None, start),
            "The start_date of a phase must be the end_date of the phase before it.",
            param=f"{at}[start_date]",
        )
        interval, count = wish.length
        if wish.end is None and interval in calendar.MONTHS:
            months += calendar.MONTHS[interval] * count
            end = calendar.boundary(base, "month", 1, months)
        else:
            end = wish.end or calendar.boundary(start, interval, count, 1)
            base, months = counted_from(anchor, end)
        require(end > start, "The end_date of a phase must be after its start_date.", param=f"{at}[end_date]")
        found.append(Span(start, end))
        start = end
    return found


def counted_from(anchor: datetime | None, start: datetime) -> tuple[datetime, int]:
    """Return the date that months count from, and how many of them have passed at the start."""
    if anchor:
        months = calendar.number_at(anchor, "month", 1, start)
        if calendar.boundary(anchor, "month", 1, months) == start:
            return anchor, months
    return start, 0


def current(spans: Sequence[Span], now: datetime) -> int | None:
    """Return the index of the current phase; None before the first and after the last."""
    return next((place for place, span in enumerate(spans) if span.start <= now < span.end), None)


def updated(
    old: Sequence[Span], wishes: Sequence[Wish], now: datetime, anchor: datetime | None = None
) -> Plan:
    """Return the phases after an update: the current one and all later ones are replaced (§6).

    Past phases may be sent again unchanged. The first of the others starts when the current one did, or now,
    which ends the current phase.
    """
    past = [span for span in old if span.end <= now]
    first = repeated(past, wishes)
    rest = wishes[first:]
    require(rest, "The current phase and all that follow it must be passed.", param="phases")
    param = f"phases[{first}][start_date]"
    start = rest[0].start
    require(start, f"Missing required param: {param}.", param=param, code="parameter_missing")
    if start is None:
        raise Inconsistent("A first phase without its start.")
    place = current(old, now)
    running = None if place is None else old[place]
    if running:
        require(
            start in (running.start, now),
            "The start_date of the current phase cannot be changed.",
            param=param,
        )
    else:
        require(start >= now, "The start_date of the first phase must not be in the past.", param=param)
    spans = chain(start, rest, anchor, first)
    if running and start != running.start:
        past.append(Span(running.start, start))
    require(
        spans[-1].end > now,
        "The last phase must end in the future.",
        param=f"phases[{len(wishes) - 1}][end_date]",
    )
    # A phase that is ended by the update itself is over as well.
    over = [span for span in spans if span.end <= now]
    return Plan(past + over, first + len(over), spans[len(over) :])


def repeated(past: Sequence[Span], wishes: Sequence[Wish]) -> int:
    """Count the phases of a request that are past; these cannot be changed."""
    starts = {span.start: span for span in past}
    count = 0
    for place, wish in enumerate(wishes):
        span = starts.get(wish.start) if wish.start else None
        if span is None:
            break
        require(
            wish.end in (None, span.end),
            "The phases that are over cannot be changed.",
            param=f"phases[{place}][end_date]",
        )
        count += 1
    return count
