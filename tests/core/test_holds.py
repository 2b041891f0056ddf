"""Is as much captured of a hold as its card allows, and no more?"""

import pytest

from billow.core.holds import Hold, with_overcapture


@pytest.mark.parametrize(
    ("held", "most"), [(1000, 1150), (1005, 1155), (1, 1), (6, 6), (7, 8), (99_999_998, 99_999_999)]
)
def test_a_hold_may_be_overcaptured_by_fifteen_percent_rounded_down(held: int, most: int) -> None:
    assert with_overcapture(held) == most


@pytest.mark.parametrize(
    ("hold", "final", "capturable"),
    [
        (Hold(1000, 0, 1000), True, 1000),
        (Hold(1000, 700, 1000), True, 300),
        (Hold(1000, 700, 1000), False, 300),
        (Hold(1000, 700, 1150), True, 450),
        (Hold(1000, 700, 1150), False, 300),
        (Hold(1000, 1000, 1000), True, 0),
    ],
)
def test_only_the_last_capture_may_take_more_than_is_held(hold: Hold, final: bool, capturable: int) -> None:
    assert hold.capturable(final) == capturable


def test_a_charge_is_of_what_was_captured_where_that_is_more_than_was_held() -> None:
    hold = Hold(1000, 300, 1150)
    assert (hold.whole(100), hold.whole(700), hold.whole(850)) == (1000, 1000, 1150)
