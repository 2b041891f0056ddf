"""Do lines add up, does the balance net, and do lines read as Stripe writes them?"""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.bounds import LARGEST
from billow.core.invoicing import LineAmounts, Settlement, Totals, describe, settle_balance, totals
from billow.core.money import LARGEST_CHARGE

amounts = st.integers(-(10**9), 10**9)
taxes = st.integers(0, 10**6)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ("Gold Special", None, D(1), D(2000), "usd", ("month", 1), None),
            "1 {x} Gold Special (at $20.00 / month)",
        ),
        (
            ("Team", "seat", D(3), D(1800), "usd", ("month", 1), 0),
            "3 seat {x} Team (Tier 1 at $18.00 / month)",
        ),
        (
            ("Basic", "character", D(0), D(0), "usd", ("day", 1), 0),
            "0 character {x} Basic (Tier 1 at $0.00 / day)",
        ),
        (("Gold", None, D(1), D(3000), "usd", ("month", 3), None), "1 {x} Gold (at $30.00 / every 3 months)"),
        (
            ("Call", None, D("1E+3"), D("0.0003"), "usd", ("year", 1), 1),
            "1000 {x} Call (Tier 2 at $0.000003 / year)",
        ),
        (
            ("Disk", "GB", D("1.50"), D(500), "jpy", ("week", 2), None),
            "1.5 GB {x} Disk (at \u00a5500 / every 2 weeks)",
        ),
        (("Set-up", None, D(1), D(500), "usd", None, None), "Set-up"),
    ],
)
def test_lines_read_as_stripe_writes_them(arguments, text):
    assert describe(*arguments) == text.format(x="\u00d7")


def test_totals_take_off_discounts_and_add_only_exclusive_tax():
    lines = [LineAmounts(500, 50, 30, 21), LineAmounts(1000, 100, 60, 43), LineAmounts(-200)]
    assert totals(lines) == Totals(1300, 150, 90, 64, 1240, 1236, 0)
    assert totals([]) == Totals(0, 0, 0, 0, 0, 0, 0)


def test_two_discounted_lines_with_inclusive_and_exclusive_tax_x86():
    assert totals([LineAmounts(500, 50, 30, 21), LineAmounts(1000, 100, 60, 43)]).total == 1440


@given(st.lists(st.builds(LineAmounts, amounts, taxes, taxes, taxes)))
def test_the_total_is_the_sum_of_the_totals_of_the_lines(lines):
    assert totals(lines).total == sum(totals([line]).total for line in lines)


@pytest.mark.parametrize(
    ("total", "balance", "expected"),
    [
        pytest.param(700, -1000, Settlement(0, -300, 700, "applied_to_invoice"), id="X94"),
        pytest.param(2000, -500, Settlement(1500, 0, 500, "applied_to_invoice"), id="X95"),
        pytest.param(1000, 500, Settlement(1500, 0, -500, "applied_to_invoice"), id="X96"),
        pytest.param(30, 0, Settlement(0, 30, 30, "invoice_too_small"), id="X97"),
        pytest.param(1000, 30, Settlement(1030, 0, -30, "applied_to_invoice"), id="X97 next"),
        pytest.param(-334, 0, Settlement(0, -334, -334, "applied_to_invoice"), id="X98"),
        pytest.param(50, 0, Settlement(50, 0, 0, None), id="just the minimum"),
        pytest.param(0, 0, Settlement(0, 0, 0, None), id="nothing"),
        pytest.param(0, 30, Settlement(0, 30, 0, None), id="a small debt goes on waiting"),
        pytest.param(1000, -980, Settlement(0, 20, 1000, "invoice_too_small"), id="credit leaves too little"),
    ],
)
def test_an_invoice_nets_against_the_balance(total, balance, expected):
    assert settle_balance(total, balance, 50) == expected


@pytest.mark.parametrize(
    ("total", "balance", "expected"),
    [
        pytest.param(99_999_999, 0, Settlement(99_999_999, 0, 0, None), id="just the largest charge"),
        pytest.param(100_000_000, 0, Settlement(99_999_999, 1, 1, "invoice_too_large"), id="one more"),
        pytest.param(150_000_000, -100, Settlement(99_999_999, 49_999_901, 50_000_001, "invoice_too_large")),
        pytest.param(100, 150_000_000, Settlement(99_999_999, 50_000_101, -99_999_899, "applied_to_invoice")),
    ],
)
def test_what_is_more_than_the_largest_charge_is_owed_in_the_balance(total, balance, expected):
    assert settle_balance(total, balance, 50, 99_999_999) == expected


@given(amounts, amounts, st.integers(0, 20000))
def test_netting_loses_no_cent_and_charges_no_trifle(total, balance, minimum):
    settled = settle_balance(total, balance, minimum)
    assert settled.amount_due + settled.ending_balance == total + balance
    assert settled.ending_balance - balance == settled.balance_transaction
    assert settled.amount_due == 0 or settled.amount_due >= minimum
    assert settled.amount_due == 0 or settled.ending_balance == 0
    assert (settled.reason is None) == (settled.balance_transaction == 0)
    assert settled.ending_balance < max(minimum, 1)


def test_what_a_balance_cannot_hold_is_due_although_no_card_can_pay_it():
    settled = settle_balance(LARGEST - 1, LARGEST, 50, LARGEST_CHARGE)
    assert (settled.amount_due, settled.ending_balance) == (LARGEST - 1, LARGEST)
    settled = settle_balance(LARGEST_CHARGE + 7, 0, 50, LARGEST_CHARGE)
    assert (settled.amount_due, settled.ending_balance) == (LARGEST_CHARGE, 7)
