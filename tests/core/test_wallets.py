"""When is a wallet topped up, by the numbers?"""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core import wallets
from billow.core.billing_credits import PAID, PROMOTIONAL, Grant, Line

NOW = datetime(2025, 3, 15, 12, 30, tzinfo=UTC)


def grant(id: str, left: int, category: str = PAID, prices: frozenset[str] | None = None) -> Grant:
    return Grant(id, "usd", category, 50, NOW, None, NOW, prices, left)


def test_what_is_left_after_usage() -> None:
    held = [grant("free", 1000, PROMOTIONAL), grant("bought", 5000)]
    assert wallets.left_of(held, [Line("p", 1200)], "usd", NOW) == {"free": 0, "bought": 4800}
    assert wallets.left_of(held, [Line("p", 9000)], "usd", NOW) == {"free": 0, "bought": 0}
    assert wallets.left_of([grant("bought", 5000, prices=frozenset("q"))], [Line("p", 900)], "usd", NOW) == {
        "bought": 5000
    }
    assert wallets.left_of(held, [], "eur", NOW) == {}


@pytest.mark.parametrize(
    ("left", "limit", "ordered", "amount"),
    [
        (1000, None, 0, 0),
        (999, None, 0, 5000),
        (0, None, 90_000, 5000),
        (0, 10_000, 5000, 5000),
        (0, 10_000, 5001, 0),
        (0, 10_000, 10_000, 0),
    ],
)
def test_what_is_ordered(left: int, limit: int | None, ordered: int, amount: int) -> None:
    assert wallets.amount_to_order(left, 1000, 5000, limit, ordered) == amount


@given(st.lists(st.integers(1, 9000), max_size=4), st.lists(st.integers(0, 9000), max_size=4))
def test_nothing_is_left_of_nothing_and_never_less(grants: list[int], usage: list[int]) -> None:
    held = [grant(str(number), left) for number, left in enumerate(grants)]
    left = wallets.left_of(held, [Line("p", amount) for amount in usage], "usd", NOW)
    assert sum(left.values()) == max(sum(grants) - sum(usage), 0) and min(left.values(), default=0) >= 0


def test_a_month_begins_at_midnight_in_utc() -> None:
    assert wallets.month_start(NOW) == datetime(2025, 3, 1, tzinfo=UTC)
