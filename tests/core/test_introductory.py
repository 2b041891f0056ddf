"""Do the periods of an introductory price fill its time, without a gap and not a second more?"""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from billow.core.introductory import end, period

rhythms = st.tuples(st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 3))
instants = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


def on(month, day):
    return datetime(2025, month, day, tzinfo=UTC)


def test_x76_a_week_from_the_first_of_january_ends_on_the_eighth():
    assert end(on(1, 1), ("week", 1), 1) == on(1, 8)


def test_months_are_counted_from_the_start_and_keep_its_day():
    span = on(1, 31), end(on(1, 31), ("month", 1), 3)
    assert span[1] == on(4, 30)
    assert period(span, ("month", 1), on(2, 28), free=False) == (on(2, 28), on(3, 31))


def test_what_is_free_is_one_period_and_what_costs_is_one_interval():
    span = on(1, 1), end(on(1, 1), ("week", 1), 2)
    assert period(span, ("week", 1), on(1, 9), free=True) == (on(1, 1), on(1, 15))
    assert period(span, ("week", 1), on(1, 9), free=False) == (on(1, 8), on(1, 15))


@given(start=instants, rhythm=rhythms, iterations=st.integers(1, 12))
def test_the_periods_follow_each_other_to_the_end(start, rhythm, iterations):
    span = start, end(start, rhythm, iterations)
    at, found = start, 0
    while at < span[1]:
        begun, until = period(span, rhythm, at, free=False)
        assert begun == at < until
        at, found = until, found + 1
    assert (at, found) == (span[1], iterations)
