"""Does every rhythm that a price may have agree with somebody who counts days and months on a wall calendar?

The walk knows no month arithmetic: it goes from day to day, and counts. Rhythms are all that the API takes:
one day to three years (§2.2).
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from billow.core import calendar

DAY = timedelta(days=1)
YEARS = 10
LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}
LENGTHS = {"day": 1, "week": 7}
RHYTHMS = [(interval, count) for interval, most in LONGEST.items() for count in range(1, most + 1)]

#: The days that months lack, about leap years, in one that was none (2100), and two harmless ones.
ANCHORS = [
    *(datetime(2023, 1, day, 9, 30, tzinfo=UTC) for day in (28, 29, 30, 31)),
    *(datetime(2024, month, day, tzinfo=UTC) for month, day in ((1, 31), (2, 28), (2, 29), (3, 31))),
    *(datetime(2023, month, day, 23, 59, 59, tzinfo=UTC) for month, day in ((2, 28), (8, 31), (11, 30))),
    *(datetime(year, 2, day, 12, tzinfo=UTC) for year, day in ((2096, 29), (2099, 28))),
    *(datetime(2025, month, day, 0, 0, 1, tzinfo=UTC) for month, day in ((6, 15), (12, 1))),
]
Boundary = Callable[[datetime, str, int, int], datetime]


def days_after(anchor: datetime) -> Iterator[datetime]:
    """Every day at the anchor's time, for ten years."""
    day = anchor
    while (day := day + DAY).year <= anchor.year + YEARS:
        yield day


def falls_on(day: datetime, anchor: datetime) -> bool:
    """Whether it is the anchor's day of the month, or the last day of a month that lacks it."""
    is_last = (day + DAY).month != day.month
    return day.day == anchor.day or (is_last and day.day < anchor.day)


def turns(anchor: datetime) -> dict[str, list[datetime]]:
    """When each single interval has gone by again, seen by walking: a day, a week, a month, a year."""
    found: dict[str, list[datetime]] = {"day": [], "week": [], "month": [], "year": []}
    for walked, day in enumerate(days_after(anchor), start=1):
        found["day"].append(day)
        if walked % LENGTHS["week"] == 0:
            found["week"].append(day)
        if falls_on(day, anchor):
            found["month"].append(day)
            if day.month == anchor.month:
                found["year"].append(day)
    return found


def differing(boundary: Boundary, anchor: datetime, most: int = LONGEST["day"]) -> Iterator[str]:
    """Every rhythm whose boundaries are not the days on which so many intervals have gone by."""
    single = turns(anchor)
    for interval, count in RHYTHMS:
        if count > most:
            continue
        expected = single[interval][count - 1 :: count]
        found = [boundary(anchor, interval, count, n) for n in range(1, len(expected) + 1)]
        if found != expected:
            yield f"{anchor} every {count} {interval}s"


@pytest.mark.parametrize("anchor", ANCHORS, ids=str)
def test_ten_years_of_every_rhythm_agree_with_a_walk_through_the_calendar(anchor: datetime) -> None:
    assert list(differing(calendar.boundary, anchor)) == []


@pytest.mark.parametrize("anchor", ANCHORS, ids=str)
def test_every_day_of_ten_years_is_in_the_period_that_the_walk_is_in(anchor: datetime) -> None:
    """Each day, and the second before it, for a rhythm of each length; the walk knows how many have ended."""
    single = turns(anchor)
    for interval, count in (("day", 45), ("week", 13), ("month", 1), ("month", 5), ("year", 1), ("year", 3)):
        ends = [anchor, *single[interval][count - 1 :: count]]
        number = 0
        for day in days_after(anchor):
            before = calendar.number_at(anchor, interval, count, day - timedelta(seconds=1))
            assert before == number, (day, interval, count)
            number += number + 1 < len(ends) and day == ends[number + 1]
            assert calendar.number_at(anchor, interval, count, day) == number, (day, interval, count)


def chained(anchor: datetime, interval: str, count: int, n: int) -> datetime:
    """Each boundary from the one before: the 31st is lost in the first short month."""
    if interval not in ("month", "year"):
        return calendar.boundary(anchor, interval, count, n)
    found = anchor
    for _ in range(n):
        found = calendar.boundary(found, interval, count, 1)
    return found


def julian(anchor: datetime, interval: str, count: int, n: int) -> datetime:
    """Every year has 365 days."""
    if interval == "year":
        return anchor + timedelta(days=365) * count * n
    return calendar.boundary(anchor, interval, count, n)


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (chained, "2023-01-31 09:30:00+00:00 every 1 months"),
        (julian, "2024-02-29 00:00:00+00:00 every 1 years"),
    ],
)
def test_a_fault_is_found(fault: Boundary, found: str) -> None:
    wrong = [each for anchor in (ANCHORS[3], ANCHORS[6]) for each in differing(fault, anchor, most=3)]
    assert found in wrong
    assert not [each for each in wrong if each.endswith(("days", "weeks"))]
