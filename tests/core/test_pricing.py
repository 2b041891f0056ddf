"""What does a quantity cost under each price model?"""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.pricing import MODELS, Charge, Price, Tier, amount, charges, steps


def tiers(*rows):
    return tuple(
        Tier(None if up_to is None else D(up_to), *(None if a is None else D(a) for a in amounts))
        for up_to, *amounts in rows
    )


def per_unit(unit_amount):
    return Price("per_unit", "usd", D(unit_amount))


def package(unit_amount, size, round):
    return Price("package", "usd", D(unit_amount), divide_by=size, round=round)


A = tiers((5, 700), (10, 650), (None, 600))
B = tiers((5, 500, 1000), (10, 400, 2000), (15, 300, 3000), (20, 200, 4000), (None, 100, 5000))
FREE_THOUSAND = tiers((1000, 0), (None, 4))
LONE_UNIT = tiers((1, 1000), (None, 100))
TEN_THOUSAND = tiers((10_000, 50), (None, 40))

AV, AG = Price("volume", "usd", tiers=A), Price("graduated", "usd", tiers=A)
BV, BG = Price("volume", "usd", tiers=B), Price("graduated", "usd", tiers=B)
TV, TG = Price("volume", "usd", tiers=TEN_THOUSAND), Price("graduated", "usd", tiers=TEN_THOUSAND)

EXAMPLES = [
    ("X01", AV, "1", 700),
    ("X02", AV, "5", 3500),
    ("X03", AV, "6", 3900),
    ("X04", AV, "20", 12000),
    ("X05", AV, "25", 15000),
    ("X06", AG, "1", 700),
    ("X07", AG, "5", 3500),
    ("X08", AG, "6", 4150),
    ("X09", AG, "20", 12750),
    ("X10", AG, "25", 15750),
    ("X11", BV, "12", 6600),
    ("X12", BG, "12", 11100),
    ("X13 volume", BV, "0", 1000),
    ("X13 graduated", BG, "0", 1000),
    ("X14", BG, "5", 3500),
    ("X15 volume", Price("volume", "usd", tiers=LONE_UNIT), "0", 0),
    ("X15 graduated", Price("graduated", "usd", tiers=LONE_UNIT), "0", 0),
    ("X16", package(4, 100, "up"), "3000", 120),
    ("X17", package(4, 100, "up"), "25", 4),
    ("X18", package(4, 100, "down"), "199", 4),
    ("X19", package(4, 100, "down"), "99", 0),
    ("X20 licence", per_unit(10000), "1", 10000),
    ("X20 metered", Price("graduated", "usd", tiers=FREE_THOUSAND), "3000", 8000),
    ("X21", per_unit("12.345"), "5", 62),
    ("X22 once", per_unit("0.5"), "1", 1),
    ("X22 thrice", per_unit("0.5"), "3", 2),
    ("X22 seven", per_unit("0.5"), "7", 4),
    ("X23", per_unit("0.000123"), "1234567", 152),
    ("X24", per_unit(100), "10.5", 1050),
    ("X25", per_unit(100), "-3", 0),
    ("X26", per_unit(100), "9", 900),
    ("X27", per_unit(100), "2", 200),
    ("X33", TV, "10000", 500_000),
    ("X34", TV, "10001", 400_040),
    ("X35", TV, "12500", 500_000),
    ("X36", TV, "25000", 1_000_000),
    ("credit", per_unit("-2.5"), "1", -3),
    ("a package and a bit", package(4, 100, "up"), "100.5", 8),
    ("no package", package(4, 100, "up"), "0", 0),
    ("a fraction of a unit in the next tier", AG, "5.5", 3825),
]


@pytest.mark.parametrize(
    ("price", "quantity", "cents"), [e[1:] for e in EXAMPLES], ids=[e[0] for e in EXAMPLES]
)
def test_worked_examples(price, quantity, cents):
    assert amount(price, D(quantity)) == cents


def test_thresholds_bill_graduated_use_in_steps_of_a_hundred_dollars_x32():
    assert amount(TG, D(200)) == amount(TG, D(10_000)) - amount(TG, D(9_800)) == 10_000
    assert amount(TG, D(10_250)) - amount(TG, D(10_000)) == 10_000


@pytest.mark.parametrize(
    ("total", "due"),
    [(10_000, [500_000]), (10_001, [400_040, -500_000]), (12_500, [500_000, -500_000]),
     (25_000, [1_000_000, -500_000])],
)  # fmt: skip
def test_volume_bills_the_difference_to_what_was_billed_x33_to_x36(total, due):
    assert [step.amount for step in steps(TV, None if total == 10_000 else D(10_000), D(total))] == due


def test_graduated_use_goes_on_in_the_tier_that_was_reached_x32():
    assert [(step.charge.quantity, step.amount) for step in steps(TG, D(9_900), D(10_100))] == [
        (D(100), 5_000),
        (D(100), 4_000),
    ]
    assert [(step.charge.quantity, step.amount) for step in steps(TG, D(10_100), D(9_900))] == [
        (D(-100), -5_000),
        (D(-100), -4_000),
    ]


def test_each_tier_reached_is_a_line_x12():
    assert charges(BG, D(12)) == [
        Charge(0, D(5), D(500), D(1000)),
        Charge(1, D(5), D(400), D(2000)),
        Charge(2, D(2), D(300), D(3000)),
    ]
    assert [charge.amount for charge in charges(BG, D(12))] == [3500, 4000, 3600]


def test_a_tier_that_is_just_full_does_not_open_the_next_x14():
    assert len(charges(BG, D(5))) == 1


def test_volume_prices_all_units_in_one_tier():
    assert charges(BV, D(12)) == [Charge(2, D(12), D(300), D(3000))]


def test_lines_are_rounded_one_by_one():
    halves = Price("graduated", "usd", tiers=tiers((1, "0.5"), (2, "0.5"), (None, "0.5")))
    assert amount(halves, D(3)) == 3
    assert sum(charge.exact for charge in charges(halves, D(3))) == D("1.5")


@pytest.mark.parametrize("name", MODELS)
def test_no_use_and_negative_use_give_the_same_lines(name):
    price = Price(name, "usd", D(7), tiers=B, divide_by=10)
    assert charges(price, D(-3)) == charges(price, D(0))
    assert len(charges(price, D(0))) == 1


def test_no_digit_is_lost_in_twelve_decimals_and_large_quantities():
    charge = charges(per_unit("123456789.123456789123"), D("987654321987654321.987654321987"))[0]
    product = 123456789123456789123 * 987654321987654321987654321987
    assert f"{charge.exact:f}".replace(".", "") == str(product)
    assert charge.amount == (2 * product + 10**24) // (2 * 10**24)


quantities = st.decimals(min_value=0, max_value=10**9, places=4) | st.integers(0, 200).map(D)
unit_amounts = st.decimals(min_value=0, max_value=10**6, places=4)


@st.composite
def tier_tables(draw):
    widths = draw(st.lists(st.integers(1, 50), max_size=4))
    ends = [D(sum(widths[: n + 1])) for n in range(len(widths))]
    money = st.none() | unit_amounts
    return tuple(Tier(end, draw(money), draw(money)) for end in [*ends, None])


@given(tier_tables(), quantities)
def test_tiered_models_charge_every_unit_exactly_once(table, quantity):
    for name in ("graduated", "volume"):
        assert (
            sum(charge.quantity for charge in charges(Price(name, "usd", tiers=table), quantity)) == quantity
        )


@given(unit_amounts, quantities)
def test_per_unit_charges_every_unit_exactly_once(unit_amount, quantity):
    assert [charge.quantity for charge in charges(per_unit(unit_amount), quantity)] == [quantity]


@given(quantities, st.integers(1, 1000))
def test_packages_hold_every_unit_exactly_once(quantity, size):
    up = charges(package(1, size, "up"), quantity)[0].quantity
    down = charges(package(1, size, "down"), quantity)[0].quantity
    assert (up - 1) * size < quantity <= up * size or quantity == up == 0
    assert down * size <= quantity < (down + 1) * size


@given(tier_tables(), quantities, quantities)
def test_graduated_never_gets_cheaper_with_use(table, a, b):
    price = Price("graduated", "usd", tiers=table)
    assert amount(price, min(a, b)) <= amount(price, max(a, b))


@given(unit_amounts, st.integers(1, 100), quantities, quantities)
def test_per_unit_and_packages_never_get_cheaper_with_use(unit_amount, size, a, b):
    for price in (
        per_unit(unit_amount),
        package(unit_amount, size, "up"),
        package(unit_amount, size, "down"),
    ):
        assert amount(price, min(a, b)) <= amount(price, max(a, b))


@given(unit_amounts, quantities)
def test_one_open_tier_costs_the_same_under_every_model(unit_amount, quantity):
    table = (Tier(None, unit_amount),)
    prices = [per_unit(unit_amount), *(Price(name, "usd", tiers=table) for name in ("graduated", "volume"))]
    assert len({amount(price, quantity) for price in prices}) == 1


@given(unit_amounts, quantities)
def test_a_credit_mirrors_its_charge(unit_amount, quantity):
    assert amount(per_unit(-unit_amount), quantity) == -amount(per_unit(unit_amount), quantity)


@given(tier_tables(), unit_amounts, st.integers(1, 50), st.lists(quantities, min_size=1, max_size=5))
def test_in_however_many_steps_use_costs_what_its_total_costs(table, unit_amount, size, totals):
    """Totals may fall, when use is corrected; a flat amount is charged once."""
    for name in MODELS:
        price = Price(name, "usd", unit_amount, table, divide_by=size)
        made = [steps(price, before, now) for before, now in zip([None, *totals], totals, strict=False)]
        assert all(made)
        assert sum(step.amount for each in made for step in each) == amount(price, totals[-1])
