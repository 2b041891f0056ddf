"""When do phases begin and end, and what may an update replace?"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core import calendar, schedule
from billow.core.errors import Refused
from billow.core.schedule import Span, Wish

INSTANTS = st.datetimes(datetime(2019, 1, 1), datetime(2031, 1, 1)).map(
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
LENGTHS = st.tuples(st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 14))
WISHES = st.lists(st.builds(Wish, LENGTHS), min_size=1, max_size=schedule.MOST)
FRACTIONS = st.floats(0, 1, exclude_max=True)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def within(span: Span, part: float) -> datetime:
    return span.start + timedelta(seconds=int((span.end - span.start).total_seconds() * part))


@given(INSTANTS, WISHES, st.none() | INSTANTS)
def test_phases_follow_each_other_without_gap(
    start: datetime, wishes: list[Wish], anchor: datetime | None
) -> None:
    found = schedule.chain(start, wishes, anchor)
    assert len(found) == len(wishes)
    assert found[0].start == start
    assert all(one.end == other.start for one, other in pairwise(found))
    assert all(span.start < span.end for span in found)


@given(INSTANTS, st.lists(st.integers(1, 14), min_size=1, max_size=schedule.MOST))
def test_months_end_where_the_billing_periods_of_the_start_do(start: datetime, counts: list[int]) -> None:
    found = schedule.chain(start, [Wish(("month", count)) for count in counts])
    ends = [calendar.boundary(start, "month", 1, sum(counts[: n + 1])) for n in range(len(counts))]
    assert [span.end for span in found] == ends


@given(INSTANTS, WISHES, st.data())
def test_each_instant_is_in_one_phase(start: datetime, wishes: list[Wish], data: st.DataObject) -> None:
    found = schedule.chain(start, wishes)
    place = data.draw(st.integers(0, len(found) - 1))
    assert schedule.current(found, within(found[place], data.draw(FRACTIONS))) == place
    assert schedule.current(found, found[-1].end) is None
    assert schedule.current(found, start - timedelta(seconds=1)) is None


@given(
    INSTANTS,
    st.lists(
        st.builds(Wish, st.tuples(st.sampled_from(["month", "year"]), st.integers(1, 14))),
        min_size=1,
        max_size=schedule.MOST,
    ),
    st.data(),
)
def test_what_is_sent_again_changes_nothing(start: datetime, wishes: list[Wish], data: st.DataObject) -> None:
    """By durations or by dates, with the phases that are over or without them."""
    old = schedule.chain(start, wishes)
    place = data.draw(st.integers(0, len(old) - 1))
    now = within(old[place], data.draw(FRACTIONS))
    dated = [Wish(wish.length, span.start, span.end) for wish, span in zip(wishes, old, strict=True)]
    lasting = [Wish(dated[place].length, old[place].start), *wishes[place + 1 :]]
    for sent in (dated, dated[place:], lasting):
        plan = schedule.updated(old, sent, now, start)
        assert plan.past + plan.spans == old
        assert sent[plan.first].start == old[place].start


@given(INSTANTS, WISHES, WISHES, st.data())
def test_an_update_keeps_what_is_over_and_leaves_no_gap(
    start: datetime, wishes: list[Wish], later: list[Wish], data: st.DataObject
) -> None:
    old = schedule.chain(start, wishes)
    place = data.draw(st.integers(0, len(old) - 1))
    now = within(old[place], data.draw(FRACTIONS))
    begins = data.draw(st.sampled_from([old[place].start, now]))
    try:
        plan = schedule.updated(old, [Wish(later[0].length, begins), *later[1:]], now)
    except Refused:
        return  # what was sent is over before now
    assert plan.past[:place] == old[:place]
    everything = plan.past + plan.spans
    assert all(one.end == other.start for one, other in pairwise(everything))
    assert schedule.current(everything, now) == len(plan.past)


OLD = [Span(at("2025-01-01"), at("2025-02-01")), Span(at("2025-02-01"), at("2025-03-01"))]
MONTH = ("month", 1)


@pytest.mark.parametrize(
    ("wishes", "past", "spans"),
    [
        (
            [Wish(MONTH, at("2025-02-01"), at("2025-02-10")), Wish(MONTH)],
            [OLD[0], Span(at("2025-02-01"), at("2025-02-10"))],
            [Span(at("2025-02-10"), at("2025-03-10"))],
        ),
        (
            [Wish(MONTH, at("2025-02-10"))],
            [OLD[0], Span(at("2025-02-01"), at("2025-02-10"))],
            [Span(at("2025-02-10"), at("2025-03-10"))],
        ),
    ],
)
def test_the_current_phase_is_cut_by_its_end_or_by_the_start_of_the_next(
    wishes: list[Wish], past: list[Span], spans: list[Span]
) -> None:
    plan = schedule.updated(OLD, wishes, at("2025-02-10"))
    assert (plan.past, plan.spans) == (past, spans)


@pytest.mark.parametrize(
    ("wishes", "param"),
    [
        ([Wish(MONTH)], "phases[0][start_date]"),
        ([Wish(MONTH, at("2025-02-02"))], "phases[0][start_date]"),
        ([Wish(MONTH, at("2025-01-01"), at("2025-01-31"))], "phases[0][end_date]"),
        ([Wish(MONTH, at("2025-01-01"))], "phases"),
        ([Wish(MONTH, at("2025-02-01"), at("2025-02-05"))], "phases[0][end_date]"),
        (
            [Wish(MONTH, at("2025-01-01")), Wish(MONTH, at("2025-02-01"), at("2025-01-01"))],
            "phases[1][end_date]",
        ),
    ],
)
def test_what_an_update_may_not_say_is_refused(wishes: list[Wish], param: str) -> None:
    with pytest.raises(Refused) as refused:
        schedule.updated(OLD, wishes, at("2025-02-10"))
    assert refused.value.param == param
