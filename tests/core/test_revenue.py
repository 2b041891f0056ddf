"""How much is earned by when, and does it end at the total?"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.revenue import earned, slices

VECTORS = Path(__file__).parents[3] / "shared" / "standards" / "money" / "rounding-vectors.json"

DAY = timedelta(days=1)

totals = st.integers(-(10**12), 10**12)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


def on(year, month, day, *clock):
    return datetime(year, month, day, *clock, tzinfo=UTC)


START = on(2025, 1, 1)


@pytest.mark.parametrize(
    ("total", "days", "passed", "amount"),
    [
        (120000, 365, 1, 328),
        (120000, 365, 59, 19397),
        (120000, 365, 364, 119671),
        (120000, 365, 365, 120000),
        (100, 3, 2, 66),
        (-100, 3, 2, -66),
        (100, 3, 0, 0),
        (100, 3, -1, 0),
        (100, 3, 4, 100),
    ],
)
def test_a_line_is_earned_evenly_and_cut_towards_zero(total, days, passed, amount):
    assert earned(total, START, START + days * DAY, START + passed * DAY) == amount


def test_earning_agrees_with_the_shared_vectors():
    if not VECTORS.exists():
        pytest.skip("the vectors lie beside the checkout, and are not here")
    for vector in json.loads(VECTORS.read_text())["ratable_cumulative"]:
        for days, amount in vector["at"].items():
            end = START + vector["days"] * DAY
            assert earned(vector["total"], START, end, START + int(days) * DAY) == amount, vector


def test_what_has_no_length_is_earned_at_its_start():
    assert earned(500, START, START, START - timedelta(microseconds=1)) == 0
    assert earned(500, START, START, START) == 500
    assert earned(500, START, START - DAY, START) == 500
    assert slices(500, START, START) == ((START, 500),)


def test_less_than_a_second_is_earned_at_its_end():
    half = timedelta(milliseconds=500)
    assert [earned(9, START, START + half, at) for at in (START, START + half / 2, START + half)] == [0, 0, 9]


def test_slices_fall_on_starts_of_months_and_on_the_end():
    # 59.5 days: half a day of January, then 28 of February, then 31 of March.
    assert slices(9000, on(2025, 1, 31, 12), on(2025, 4, 1)) == (
        (on(2025, 2, 1), 75),
        (on(2025, 3, 1), 4310),
        (on(2025, 4, 1), 9000),
    )


def test_a_period_inside_a_month_is_one_slice():
    assert slices(700, on(2025, 1, 1), on(2025, 2, 1)) == ((on(2025, 2, 1), 700),)


@given(totals, instants, instants, instants, instants)
def test_earning_never_goes_back_and_ends_at_the_total(total, start, end, a, b):
    early, late = (abs(earned(total, start, end, at)) for at in sorted([a, b]))
    assert early <= late <= abs(total)
    assert earned(total, start, end, max(start, end)) == total
    assert earned(-total, start, end, a) == -earned(total, start, end, a)


@given(totals, instants, instants)
def test_slices_are_in_order_agree_with_earning_and_end_at_the_total(total, start, end):
    posts = slices(total, start, end)
    posted_at = [at for at, _ in posts]
    assert posted_at == sorted(set(posted_at))
    assert posts[-1] == (max(start, end) if start < end else start, total)
    assert all(earned(total, start, end, at) == amount for at, amount in posts)
    assert all(start < at and (at.day, at.hour, at.minute) == (1, 0, 0) for at in posted_at[:-1])
    months = (end.year - start.year) * 12 + end.month - start.month
    assert months <= len(posts) <= months + 1 or end <= start
