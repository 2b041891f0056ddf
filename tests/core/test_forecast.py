"""Does a forecast go on as evenly as usage did?"""

from datetime import UTC, datetime, timedelta

import pytest

from billow.core import forecast

START = datetime(2025, 4, 1, tzinfo=UTC)
END = START + timedelta(days=30)


@pytest.mark.parametrize(
    ("so_far", "elapsed", "expected"),
    [
        (310, timedelta(days=10), 930),
        (0, timedelta(days=10), 0),
        (100, timedelta(hours=23, minutes=59), None),
        (100, timedelta(days=1), 3000),
        (7, timedelta(days=29), 7),
        (1, timedelta(days=20), 2),
        (-1, timedelta(days=20), -2),
        (55, timedelta(days=30), 55),
        (55, timedelta(days=31), 55),
    ],
)
def test_usage_goes_on_evenly(so_far: int, elapsed: timedelta, expected: int | None) -> None:
    assert forecast.at_end(so_far, START, END, START + elapsed) == expected
