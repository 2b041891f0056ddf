"""Divide the year before an instant into months and steps, and give usage its hours of the day."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

STEPS = 4
"""The steps of a month; after each, the usage of that time is reported."""
DRAFT_HOUR = timedelta(hours=1, minutes=5)
"""When the usage of a period that ended is counted, and its invoice is finalized."""
AWAKE = (2, 1, 1, 1, 2, 3, 5, 8, 12, 15, 16, 15, 13, 15, 16, 15, 13, 11, 9, 8, 7, 6, 4, 3)
"""How much each hour of the day is used, against the others."""
BUSY = (10, 11, 11, 11, 10, 4, 3)
"""How much each day of the week is used, from Monday on."""


@dataclass(frozen=True, slots=True)
class Year:
    """Whole months and the one that runs. `months` are the starts of all of them, in UTC."""

    months: tuple[datetime, ...]
    end: datetime

    @property
    def start(self) -> datetime:
        return self.months[0]

    def day(self, month: int, day: int) -> datetime:
        """Return the noon of a day of a month, numbered from 0 on; of its last day if it is shorter.

        A day of a month that the year does not have is after its end.
        """
        if month >= len(self.months):
            return self.end + timedelta(days=1)
        first = self.months[month]
        last = monthrange(first.year, first.month)[1]
        return first + timedelta(days=min(day, last) - 1, hours=12)

    def borders(self) -> Iterator[datetime]:
        """Yield the ends of all steps, in order of time; after a month, the hour of its drafts."""
        for start, end in pairwise((*self.months, self.end)):
            yield from (start + (end - start) * step / STEPS for step in range(1, STEPS + 1))
            if end < self.end:
                yield end + DRAFT_HOUR


def year_until(now: datetime, whole: int = 12) -> Year:
    """Return the year that ends at an instant: some whole months, and the one that runs."""
    first = datetime(now.year, now.month, 1, tzinfo=UTC)
    months = [first]
    for _ in range(whole):
        before = months[0] - timedelta(days=1)
        months.insert(0, datetime(before.year, before.month, 1, tzinfo=UTC))
    hour = now.replace(minute=0, second=0, microsecond=0)
    return Year(tuple(months), max(hour, first + timedelta(days=1)))


def hours_between(since: datetime, until: datetime) -> tuple[list[datetime], list[int]]:
    """Return the hours of a step and how much each is used, by the time of day and the day of the week."""
    hours = [since + timedelta(hours=hour) for hour in range(int((until - since) / timedelta(hours=1)))]
    return hours, [AWAKE[hour.hour] * BUSY[hour.weekday()] for hour in hours]


def within(chance: Random, hours: list[datetime], weights: list[int], count: int) -> list[int]:
    """Return Unix times of usage, as many as were asked for."""
    chosen = chance.choices(hours, weights, k=count)
    return [int(hour.timestamp()) + chance.randrange(3600) for hour in chosen]
