"""Where do the first periods begin and end, and what part of a full price are they worth?"""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core import anchors, calendar
from billow.core.anchors import Course

RHYTHMS = [("day", 3), ("week", 2), ("month", 1), ("month", 5), ("year", 1)]
INSTANTS = st.datetimes(datetime(2019, 1, 1), datetime(2031, 1, 1)).map(
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@given(INSTANTS, st.sampled_from(RHYTHMS), INSTANTS, st.timedeltas(timedelta(0), timedelta(days=2000)))
def test_stretches_cover_the_time_without_gap_and_full_ones_are_worth_one(
    anchor: datetime, rhythm: tuple[str, int], since: datetime, length: timedelta
) -> None:
    until = since + timedelta(seconds=int(length.total_seconds()))
    found = anchors.stretches(anchor, rhythm, since, until)
    edges = [since, *[piece.end for piece in found]]
    assert [piece.start for piece in found] == edges[:-1]
    assert edges[-1] == until
    assert all(0 < piece.share <= 1 for piece in found)
    assert all(piece.share == 1 for piece in found[1:-1])


@given(INSTANTS, st.integers(1, 31), st.sampled_from([1, 2, 3, 6, 12]))
def test_a_configured_anchor_has_its_first_boundary_at_the_next_such_day(
    now: datetime, day: int, count: int
) -> None:
    found = anchors.configured(now, ("month", count), day, None, (now.hour, now.minute, now.second))
    start, end = calendar.period_at(found, "month", count, now)
    first = now if start == now else end
    assert now <= first <= calendar.boundary(now, "month", 1, 1) + timedelta(days=1)
    following = first + timedelta(days=1)
    assert first.day == day or (first.day < day and following.day == 1)


@pytest.mark.parametrize(
    ("now", "rhythm", "day", "month", "anchor"),
    [
        ("2025-02-10", ("month", 2), 31, None, "2025-08-31"),  # X67
        ("2028-02-10", ("month", 2), 31, None, "2028-08-31"),
        ("2025-02-10", ("month", 1), 31, None, "2025-03-31"),
        ("2025-02-10", ("month", 1), 10, None, "2025-02-10"),
        ("2025-02-11", ("month", 1), 10, None, "2025-03-10"),
        ("2025-02-11", ("year", 1), 10, 2, "2026-02-10"),
        ("2025-02-11", ("year", 1), 29, 2, "2028-02-29"),
        ("2025-02-11", ("year", 1), 31, 2, "2025-02-28"),
    ],
)
def test_examples_of_configured_anchors(
    now: str, rhythm: tuple[str, int], day: int, month: int | None, anchor: str
) -> None:
    assert anchors.configured(at(now), rhythm, day, month, (0, 0, 0)) == at(anchor)


def test_a_course_knows_the_running_period_and_what_has_gone_by() -> None:
    # X57: created on 15 October, set back to 1 September, renewed on 1 November
    course = Course(at("2025-10-15"), at("2025-09-01"), at("2025-11-01"))
    assert course.period(("month", 1)) == (at("2025-10-01"), at("2025-11-01"))
    assert [(piece.start, piece.share) for piece in course.gone(("month", 1))] == [(at("2025-09-01"), 1)]
    assert not course.begins_a_period(("month", 1))


def test_all_pieces_together_are_worth_their_sum() -> None:
    pieces = anchors.stretches(at("2025-10-15"), ("month", 1), at("2025-09-01"), at("2025-11-15"))
    [whole] = anchors.whole(pieces)
    assert (whole.start, whole.end) == (at("2025-09-01"), at("2025-11-15"))
    assert whole.share == 2 + Fraction(14, 31)
    assert anchors.whole([]) == []
