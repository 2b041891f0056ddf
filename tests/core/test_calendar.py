"""Do periods begin and end where a calendar on the wall says they do?"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.calendar import boundary, next_boundary, number_at, period_at

DAY = timedelta(days=1)
INTERVALS = ["day", "week", "month", "year"]

instants = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
intervals = st.sampled_from(INTERVALS)
counts = st.integers(min_value=1, max_value=12)


def on(year, month, day, *clock):
    return datetime(year, month, day, *clock, tzinfo=UTC)


def days_of_ten_years(anchor):
    return [anchor + walked * DAY for walked in range(1, 3660)]


def is_the_day_of_the_month(day, anchor):
    """The anchor's day, or the last of a month that is too short for it."""
    is_last = (day + DAY).month != day.month
    return day.day == anchor.day or (is_last and day.day < anchor.day)


def naive_boundaries(anchor, interval, count):
    """Walk day by day and count: no month arithmetic here."""
    periods = 0
    for walked, day in enumerate(days_of_ten_years(anchor), start=1):
        ends = {
            "day": True,
            "week": walked % 7 == 0,
            "month": is_the_day_of_the_month(day, anchor),
            "year": day.month == anchor.month and is_the_day_of_the_month(day, anchor),
        }[interval]
        periods += ends
        if ends and periods % count == 0:
            yield day


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize(
    "anchor", [on(2023, 1, 28, 9), on(2023, 1, 29), on(2023, 1, 30), on(2023, 1, 31, 23, 59), on(2024, 2, 29)]
)
def test_ten_years_of_boundaries_agree_with_a_walk_through_the_calendar(anchor, interval):
    for count in range(1, 13):
        expected = list(naive_boundaries(anchor, interval, count))
        found = [boundary(anchor, interval, count, n) for n in range(1, len(expected) + 1)]
        assert found == expected, count
        assert boundary(anchor, interval, count, len(expected) + 1) > days_of_ten_years(anchor)[-1]


def test_a_month_end_is_never_lost_x63():
    ends = [boundary(on(2025, 1, 31), "month", 1, n) for n in range(5)]
    assert ends == [on(2025, 1, 31), on(2025, 2, 28), on(2025, 3, 31), on(2025, 4, 30), on(2025, 5, 31)]
    assert boundary(on(2024, 1, 31), "month", 1, 1) == on(2024, 2, 29)


def test_a_weekly_period_keeps_its_weekday_x65():
    assert {boundary(on(2022, 6, 3), "week", 1, n).strftime("%A") for n in range(20)} == {"Friday"}


def test_a_leap_day_comes_back_in_leap_years_x66():
    ends = [boundary(on(2024, 2, 29), "year", 1, n) for n in (1, 2, 4)]
    assert ends == [on(2025, 2, 28), on(2026, 2, 28), on(2028, 2, 29)]


def test_boundaries_before_the_anchor_x67():
    ends = [boundary(on(2025, 8, 31), "month", 2, n) for n in (-3, -2, -1, 0)]
    assert ends == [on(2025, 2, 28), on(2025, 4, 30), on(2025, 6, 30), on(2025, 8, 31)]


def test_an_instant_on_a_boundary_belongs_to_the_period_that_begins():
    anchor, february = on(2025, 1, 31, 12), on(2025, 2, 28, 12)
    just_before = february - timedelta(microseconds=1)
    assert number_at(anchor, "month", 1, just_before) == 0
    assert number_at(anchor, "month", 1, february) == 1
    assert period_at(anchor, "month", 1, february) == (february, on(2025, 3, 31, 12))
    assert next_boundary(anchor, "month", 1, just_before) == february
    assert next_boundary(anchor, "month", 1, february) == on(2025, 3, 31, 12)


@given(instants, intervals, counts, instants)
def test_every_instant_lies_in_exactly_the_period_it_is_said_to(anchor, interval, count, at):
    n = number_at(anchor, interval, count, at)
    start, end = period_at(anchor, interval, count, at)
    assert (start, end) == (boundary(anchor, interval, count, n), boundary(anchor, interval, count, n + 1))
    assert start <= at < end
    assert next_boundary(anchor, interval, count, at) == end


@given(instants, intervals, counts, st.integers(min_value=-60, max_value=60))
def test_numbers_and_boundaries_are_inverse(anchor, interval, count, n):
    at = boundary(anchor, interval, count, n)
    assert number_at(anchor, interval, count, at) == n
    assert number_at(anchor, interval, count, at - timedelta(microseconds=1)) == n - 1
    assert at.timetz() == anchor.timetz()
