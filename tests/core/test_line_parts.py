"""Can a reader multiply the parts of a line, and do they sum to it?"""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.invoicing import describe
from billow.core.line_parts import Rated, parts, plain_name
from billow.core.money import EXACT, round_half_away

D = Decimal
prices = st.decimals(0, 10_000, places=6)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (Rated(3000, D(3), D(1000)), [(D(3), D(1000), 1, 3000)]),
        (Rated(1500, D(25000), D(500), divide_by=10000), [(D(3), D(500), 10000, 1500)]),
        (Rated(1000, D(25000), D(500), divide_by=10000, rounds_down=True), [(D(2), D(500), 10000, 1000)]),
        (Rated(1250, D(5), D(150), D(500)), [(D(5), D(150), 1, 750), (D(1), D(500), 1, 500)]),
        (Rated(500, D(5), D(0), D(500)), [(D(1), D(500), 1, 500)]),
        (Rated(333, D(7), D(100)), [(None, None, 1, 333)]),
        (Rated(-500, None, None), [(None, None, 1, -500)]),
        (Rated(0, D(0), D(100)), [(D(0), D(100), 1, 0)]),
    ],
)
def test_a_line_is_products_or_a_lump_sum(line, expected):
    assert [(one.quantity, one.unit_amount, one.per, one.amount) for one in parts(line)] == expected


@given(st.decimals(0, 100_000, places=3), prices, prices, st.integers(0, 10_000))
def test_the_parts_sum_to_the_line_and_each_is_its_product(quantity, price, flat, more):
    amount = round_half_away(EXACT.multiply(quantity, price)) + round_half_away(flat) + more
    found = parts(Rated(amount, quantity, price, flat))
    assert sum(one.amount for one in found) == amount
    for one in found:
        if one.quantity is not None:
            assert round_half_away(EXACT.multiply(one.quantity, one.unit_amount)) == one.amount


@pytest.mark.parametrize(
    ("unit", "tier", "expected"),
    [(None, None, ("Pro (EU)", "")), ("seat", None, ("Pro (EU)", "seat")), ("GB", 1, ("Pro (EU)", "GB"))],
)
def test_what_is_billed_is_named_without_its_quantity_and_price(unit, tier, expected):
    text = describe("Pro (EU)", unit, D("2.5"), D(1800), "usd", ("month", 3), tier)
    assert plain_name(text) == expected


def test_other_descriptions_stay_as_they_are():
    for text in ("Set-up", "Unused time on Pro after 16 Jan 2025", "3 × Pro", "Free trial for 3 × Pro"):
        assert plain_name(text) == (text, "")
