"""Is a change told as a percentage only where one says something?"""

import pytest

from billow.pages.dashboard.home import compared


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (1500, 1000, "+50.0 %, up on the same days last month"),
        (500, 1000, "-50.0 %, down on the same days last month"),
        (1000, 1000, "+0.0 %, no change on the same days last month"),
        (10_990, 1000, "+999.0 %, up on the same days last month"),
        (10_991, 1000, "more than ten times the €10.00 of the same days last month"),
        (2_667_150, 1000, "more than ten times the €10.00 of the same days last month"),
        (-100_000, 1000, "after €10.00 in the same days last month"),
        (1000, -10, "after \N{MINUS SIGN}€0.10 in the same days last month"),
        (1000, 0, "nothing in the same days last month"),
        (1000, None, "nothing in the same days last month"),
    ],
)
def test_a_percentage_is_told_where_the_base_says_something(now: int, before: int | None, said: str) -> None:
    assert compared(now, before, "eur") == said
