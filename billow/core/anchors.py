"""Calculate the first periods of a subscription, and what part of a full price each costs.

start (may be set back)   now        anchor                    anchor + 1
  |------------------------|-----------|-------------------------|
  |--- gone by, billed ----|-- stub ---|------ first full -------|
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from billow.core import calendar

Rhythm = tuple[str, int]
"""An interval and how many of them: ("month", 2)."""
SECOND = timedelta(seconds=1)
FULL = Fraction(1)
LONGEST_SEARCH = 48
"""No rhythm of months needs more steps to meet a day that its months have, if it ever does."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span of time, and the part of a full period's price that it costs."""

    start: datetime
    end: datetime
    share: Fraction = FULL


@dataclass(frozen=True, slots=True)
class Course:
    """The dates of a new subscription, in whole seconds."""

    created: datetime
    start: datetime
    """When it was created, or is said to have begun."""
    anchor: datetime
    trial: datetime | None = None
    """Until when nothing is charged."""
    ends: datetime | None = None

    def period(self, rhythm: Rhythm) -> tuple[datetime, datetime]:
        """Return the current period of an item with this interval; a planned end shortens it (§5.12)."""
        if self.trial:
            start, end = self.created, self.trial
        else:
            start, end = calendar.period_at(self.anchor, *rhythm, self.created)
        return max(start, self.start), min(end, self.ends) if self.ends else end

    def gone(self, rhythm: Rhythm) -> list[Stretch]:
        """Return the natural periods before the current one. Before a trial they count from the start,
        since the anchor is the end of the trial."""
        anchor = self.start if self.trial else self.anchor
        return stretches(anchor, rhythm, self.start, self.period(rhythm)[0])

    def current(self, rhythm: Rhythm) -> Stretch:
        """Return the current period with its part of a full price. Not for trials, which are free."""
        start, end = self.period(rhythm)
        return Stretch(start, end, worth(self.anchor, rhythm, start, end))

    def begins_a_period(self, rhythm: Rhythm) -> bool:
        """Return whether a natural period begins now. It is then no stub, even if its end is earlier."""
        return calendar.period_at(self.anchor, *rhythm, self.created)[0] == self.created


def stretches(anchor: datetime, rhythm: Rhythm, since: datetime, until: datetime) -> list[Stretch]:
    """Divide a span of time into natural periods; the first and the last may be shorter."""
    found = []
    while since < until:
        start, end = calendar.period_at(anchor, *rhythm, since)
        cut = min(end, until)
        found.append(Stretch(since, cut, Fraction((cut - since) // SECOND, (end - start) // SECOND)))
        since = cut
    return found


def worth(anchor: datetime, rhythm: Rhythm, since: datetime, until: datetime) -> Fraction:
    """Return how many full periods a span is worth: 22/31 for the rest of a January from the 10th on."""
    return sum((piece.share for piece in stretches(anchor, rhythm, since, until)), Fraction(0))


def whole(pieces: list[Stretch]) -> list[Stretch]:
    """Join all spans into one, as classic subscriptions bill the time since a start in the past (§5.9)."""
    if not pieces:
        return []
    return [Stretch(pieces[0].start, pieces[-1].end, sum((piece.share for piece in pieces), Fraction(0)))]


def configured(
    now: datetime, rhythm: Rhythm, day: int, month: int | None, time: tuple[int, int, int]
) -> datetime:
    """Return the anchor of a `billing_cycle_anchor_config`: its next date, in a month that has the day.

    Created in February with day 31, a price of two months has its first boundary on the last of February,
    and its anchor on 31 August, the first of its boundaries that falls on a 31st (X67).
    """
    found = next(at for at in _moments(now, day, time) if at >= now and month in (None, at.month))
    for step in range(LONGEST_SEARCH):
        at = calendar.boundary(found.replace(day=1), *rhythm, step)
        if day <= monthrange(at.year, at.month)[1]:
            return at.replace(day=day)
    return found


def _moments(now: datetime, day: int, time: tuple[int, int, int]) -> list[datetime]:
    """Yield that day and time, or the month's last day, of this month and the twelve after it."""
    hour, minute, second = time
    firsts = [calendar.boundary(now.replace(day=1), "month", 1, n) for n in range(14)]
    return [
        at.replace(
            day=min(day, monthrange(at.year, at.month)[1]),
            hour=hour,
            minute=minute,
            second=second,
            microsecond=0,
        )
        for at in firsts
    ]
