"""Are the numbers of invoices and quotes written as Stripe writes them?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.numbering import number, prefix_from, quote_number


@pytest.mark.parametrize(
    ("prefix", "sequence", "text"),
    [
        ("RKTRIDE", 1, "RKTRIDE-0001"),
        ("RKTRIDE", 2, "RKTRIDE-0002"),
        ("P", 9999, "P-9999"),
        ("P", 10000, "P-10000"),
    ],
)
def test_numbers_have_four_digits_and_grow_x105_x106(prefix, sequence, text):
    assert number(prefix, sequence) == text


def test_a_quote_has_the_customers_prefix_its_number_and_that_of_its_revision():
    assert quote_number("RKTRIDE", 1, 1) == "QT-RKTRIDE-0001-1"
    assert quote_number("RKTRIDE", 12345, 20) == "QT-RKTRIDE-12345-20"


def test_a_prefix_depends_on_its_seed_alone():
    assert prefix_from("cus_123") == "5PYZA3OO"


@given(st.text())
def test_prefixes_are_eight_capital_letters_and_digits(seed):
    prefix = prefix_from(seed)
    assert len(prefix) == 8
    assert set(prefix) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def test_a_hundred_thousand_customers_hardly_share_a_prefix():
    assert len({prefix_from(f"cus_{n}") for n in range(100_000)}) >= 99_999
