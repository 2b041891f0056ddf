"""What do events amount to, and do hours and edges cover a span exactly?"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.usage import FORMULAS, Window, aggregate, combine, hours, quantity

HOUR = timedelta(hours=1)

instants = st.datetimes(datetime(2025, 1, 1), datetime(2025, 1, 3), timezones=st.just(UTC))
values = st.decimals(min_value=-(10**12), max_value=10**12, places=6)
events = st.builds(lambda value, at: Window(value, 1, value, at), values, instants)


def at(hour, minute=0):
    return datetime(2025, 1, 1, hour, minute, tzinfo=UTC)


def event(value, hour):
    return Window(D(value), 1, D(value), at(hour))


def test_a_sum_takes_corrections_into_account_x24():
    assert quantity("sum", combine([event("5", 1), event("7.5", 2), event("-2", 3)])) == D("10.5")


def test_a_negative_sum_is_shown_but_not_billed_x25():
    window = combine([event("2", 1), event("-5", 2)])
    assert (aggregate("sum", window), quantity("sum", window)) == (D(-3), D(0))


def test_the_last_value_is_the_latest_and_not_the_last_to_arrive_x26():
    assert quantity("last", combine([event("4", 1), event("2", 3), event("9", 20)])) == 9
    assert quantity("last", combine([event("9", 20), event("4", 1), event("2", 3)])) == 9


def test_a_count_ignores_values_x27():
    assert quantity("count", combine([event("100", 1), event("1", 2)])) == 2


def test_of_two_values_at_one_instant_the_one_given_later_is_last():
    assert combine([event("1", 5), event("2", 5)]).last == 2


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_events_are_no_use(formula):
    assert combine([]) == Window()
    assert aggregate(formula, Window()) == quantity(formula, Window()) == 0


@given(
    st.lists(events, max_size=20, unique_by=lambda window: window.last_at), st.integers(0, 20), st.randoms()
)
def test_windows_combine_in_any_order_and_grouping(windows, split, chance):
    whole = combine(windows)
    assert combine([combine(windows[:split]), combine(windows[split:])]) == whole
    chance.shuffle(windows)
    assert combine(windows) == whole


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (at(10, 30), at(13, 15), ((at(10, 30), at(11)), (at(11), at(13)), (at(13), at(13, 15)))),
        (at(10), at(12), (None, (at(10), at(12)), None)),
        (at(10, 10), at(10, 50), ((at(10, 10), at(10, 50)), None, None)),
        (at(10, 30), at(11, 30), ((at(10, 30), at(11)), None, (at(11), at(11, 30)))),
        (at(10, 30), at(11), ((at(10, 30), at(11)), None, None)),
        (at(10), at(10, 30), (None, None, (at(10), at(10, 30)))),
        (at(10), at(10), (None, None, None)),
        (at(12, 30), at(10), (None, None, None)),
    ],
)
def test_spans_split_at_full_hours(start, end, expected):
    assert hours(start, end) == expected


@given(instants, instants)
def test_head_hours_and_tail_cover_a_span_without_gap_or_overlap(a, b):
    start, end = min(a, b), max(a, b)
    split = hours(start, end)
    spans = [span for span in split if span]
    assert [span[0] for span in spans] + [end] == [start] + [span[1] for span in spans]
    if split.whole:
        assert all((edge - at(0)) % HOUR == timedelta() for edge in split.whole)
    assert all(until - since < HOUR for since, until in filter(None, (split.head, split.tail)))
