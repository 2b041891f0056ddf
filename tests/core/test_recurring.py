"""Is monthly recurring revenue what the definitions say, and do its movements add up?"""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core import pricing, recurring
from billow.core.discounts import Discount
from billow.core.exchange import Rate
from billow.core.recurring import Item, Month


def item(amount: int, interval: str = "month", count: int = 1, quantity: int = 1, **more: object) -> Item:
    rate = pricing.Price(model="per_unit", currency="usd", unit_amount=Decimal(amount))
    return Item(rate, Decimal(quantity), interval, count, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("one", "monthly"), [
    (item(2000), 2000),
    (item(2000, quantity=3), 6000),
    (item(12000, "year"), 1000),
    (item(10000, "year"), 833),
    (item(3000, "month", 3), 1000),
    (item(1200, "week"), 5200),
    (item(1200, "day"), 36500),
    (item(2500, inclusive=Decimal(25)), 2000),
    (item(2000, own=[Discount("di_1", percent=Decimal(20))]), 1600),
    (item(2000, own=[Discount("di_1", amount=500)]), 1500),
    (item(2000, product="prod_1", own=[Discount("di_1", amount=500, products=frozenset({"prod_2"}))]), 2000),
    (item(2500, inclusive=Fraction(25), own=[Discount("di_1", percent=Decimal(20))]), 1600),
])  # fmt: skip
def test_an_item_counts_by_the_month_without_tax_after_discounts(one: Item, monthly: int):
    assert recurring.monthly([one]) == monthly


def test_a_discount_of_the_whole_is_taken_from_all_items():
    whole = [Discount("di_1", amount=300)]
    assert recurring.monthly([item(1000), item(12000, "year")], whole) == 977 + 977


def test_each_item_is_rounded_once():
    assert recurring.monthly([item(10000, "year"), item(10000, "year")]) == 1666


CHANGES = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 3)), min_size=1, max_size=12
)  # (day, the sum after it)


@given(CHANGES)
def test_movements_add_up_to_the_end_in_every_interval(steps: list[tuple[int, int]]):
    first = date(2026, 1, 1)
    levels = sorted(dict(steps).items())
    changes, before = [], 0
    for day, after in levels:
        changes.append((first + timedelta(days=day), after - before))
        before = after
    found = recurring.movements(changes)
    assert sum(amount for _, _, amount in found) == before
    for _, kind, amount in found:
        assert (amount > 0) == (kind in ("new", "reactivation", "expansion"))
    kinds = [kind for _, kind, _ in found]
    assert kinds.count("new") <= 1
    assert kinds.count("churn") in (
        kinds.count("new") + kinds.count("reactivation"),
        kinds.count("new") + kinds.count("reactivation") - 1,
    )


def rates(dollars: str, kronor: str) -> dict[str, Rate]:
    return {
        name: Rate(name, date(2026, 1, 31), Decimal(rate))
        for name, rate in (("usd", dollars), ("sek", kronor))
    }


def test_a_new_rate_is_a_movement_of_its_own():
    month = Month(10000, {"new": 2000, "churn": -1000}, 0, 11000)
    found = recurring.in_home(month, "usd", "eur", rates("1.25", "11"), rates("1.10", "11"))
    assert found == Month(
        8000, {"new": 1600, "reactivation": 0, "expansion": 0, "contraction": 0, "churn": -800}, 1200, 10000
    )


def test_without_a_rate_nothing_is_converted():
    month = Month(10000, {}, 0, 10000)
    assert recurring.in_home(month, "usd", "eur", {}, rates("1.1", "11")) is None
    assert recurring.in_home(month, "usd", "eur", rates("1.1", "11"), {}) is None
    assert recurring.in_home(month, "eur", "eur", {}, {}) is month


@given(st.integers(0, 10**9), st.tuples(*[st.integers(-(10**6), 10**6)] * 5))
def test_start_and_movements_are_the_end_in_any_currency(start: int, moved: tuple[int, ...]):
    kinds = dict(zip(recurring.KINDS, moved, strict=True))
    month = Month(start, kinds, 0, start + sum(moved))
    for currency, home in (("usd", "sek"), ("usd", "eur"), ("sek", "usd")):
        found = recurring.in_home(month, currency, home, rates("1.0831", "11.4523"), rates("1.1", "10.9"))
        assert found is not None
        both = recurring.added([found, found])
        for one in (found, both):
            assert one.start + sum(one.moved.values()) + one.fx == one.end
