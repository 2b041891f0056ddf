"""Does each discount take what it may, in order, and never more than there is? Ids are of the examples."""

from datetime import UTC, datetime
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.discounts import Discount, Line, end_of, off, spread, taken


def percent(of, id="p", **more):
    return Discount(id, percent=D(of), **more)


def amount(of, id="a", **more):
    return Discount(id, amount=of, **more)


def left(amounts, *discounts):
    """What is left of some plain lines."""
    found = taken([Line(each) for each in amounts], discounts)
    return [each - sum(own.values()) for each, own in zip(amounts, found, strict=True)]


def at(month):
    return datetime(2025, month, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amounts", "discounts", "rest"),
    [
        pytest.param([10000], [percent(50)], [5000], id="X87"),
        pytest.param([10000], [amount(20000)], [0], id="X88"),
        pytest.param([30000], [amount(20000)], [10000], id="X89"),
        pytest.param([10000], [percent(20), amount(500)], [7500], id="X90 20 % first"),
        pytest.param([10000], [amount(500), percent(20)], [7600], id="X90 $5 first"),
        pytest.param([999], [percent("33.33")], [666], id="X92"),
        pytest.param([12000], [percent(50, until=at(3))], [6000], id="X93"),
        pytest.param([1000, 2000], [amount(500)], [834, 1666], id="X43"),
        pytest.param([500, 1000], [percent(10)], [450, 900], id="X84"),
    ],
)
def test_what_is_left_of_lines(amounts, discounts, rest):
    assert left(amounts, *discounts) == rest


def test_an_amount_over_three_equal_lines_x91():
    assert spread(100, [100, 100, 100]) == [33, 33, 34]


def test_what_is_too_much_for_the_last_line_goes_to_those_before_it():
    assert spread(2, [1, 1, 1]) == [0, 1, 1]
    assert spread(9, [4, 4, 1]) == [4, 4, 1]
    assert spread(5, []) == [] and spread(5, [0]) == [0]


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**5), max_size=30))
def test_no_line_takes_more_than_it_has_and_no_cent_is_lost(total, weights):
    shares = spread(total, weights)
    assert sum(shares) == min(total, sum(weights))
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))


def test_what_is_left_of_an_amount_is_lost_t43():
    assert taken([Line(300)], [amount(500)]) == [{"a": 300}]


def test_credits_and_what_is_not_discountable_are_left_alone_t49():
    lines = [Line(-1000), Line(1000, discountable=False), Line(1000)]
    assert taken(lines, [percent(10), amount(50)]) == [{}, {}, {"p": 100, "a": 50}]


def test_a_discount_reaches_only_its_products():
    lines = [Line(1000, "gold"), Line(1000, "silver"), Line(1000)]
    only = frozenset({"silver"})
    assert taken(lines, [amount(300, products=only)]) == [{}, {"a": 300}, {}]


def test_a_lines_own_discounts_come_before_those_of_the_invoice():
    found = taken([Line(10000, own=[amount(500, "own")]), Line(10000)], [percent(20)])
    assert found == [{"own": 500, "p": 1900}, {"p": 2000}]


def test_lines_that_share_a_discount_of_their_own_share_its_amount():
    tiers = [Line(1000, own=[amount(500)]), Line(2000, own=[amount(500)])]
    assert taken(tiers) == [{"a": 166}, {"a": 334}]


def test_an_amount_that_stands_in_several_places_is_spent_once():
    lines = [Line(1000, own=[percent(10), amount(700)]), Line(1000, own=[amount(700)])]
    assert sum(own.get("a", 0) for own in taken(lines)) == 700


@pytest.mark.parametrize(("months", "discounted"), [(2, [1, 2]), (3, [1, 2, 3])], ids=["X58", "X59"])
def test_a_repeating_discount_reaches_the_periods_that_begin_in_its_months(months, discounted):
    until = end_of(at(1), months)
    lines = [Line(1000, since=at(month)) for month in (1, 2, 3)]
    found = taken(lines, [percent(10, until=until)])
    assert [month for month, own in zip((1, 2, 3), found, strict=True) if own] == discounted


def test_months_of_a_discount_are_months_of_the_calendar_t42():
    assert end_of(datetime(2025, 1, 31, tzinfo=UTC), 1) == datetime(2025, 2, 28, tzinfo=UTC)
    assert end_of(at(1), None) is None


@given(
    st.lists(st.integers(-(10**6), 10**6), max_size=10),
    st.lists(
        st.one_of(
            st.builds(percent, st.integers(1, 10000).map(lambda n: D(n) / 100), st.text(min_size=1)),
            st.builds(amount, st.integers(1, 10**7), st.text(min_size=1)),
        ),
        max_size=5,
        unique_by=lambda one: one.id,
    ),
)
def test_no_line_falls_below_nothing(amounts, discounts):
    rest = left(amounts, *discounts)
    assert all(min(each, 0) <= now <= max(each, 0) for each, now in zip(amounts, rest, strict=True))
    assert all(now == each for each, now in zip(amounts, rest, strict=True) if each <= 0)


@pytest.mark.parametrize(
    ("gross", "net", "text"),
    [(1000, 650, "35.0% off"), (3000, 2500, "16.7% off"), (1000, 1000, None), (0, 0, None)],
)
def test_a_proration_says_how_much_is_off(gross, net, text):
    assert off(gross, net) == text
