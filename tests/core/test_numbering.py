"""Are the numbers of invoices and quotes written as Stripe writes them?"""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.numbering import (
    CLEAR,
    LONGEST,
    Series,
    in_series,
    is_format,
    number,
    place_in,
    prefix_from,
    quote_number,
    scheme_of,
)


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


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("{prefix}-{number:04}", True),
        ("{number}", True),
        ("INV/{year}/{number:06}", True),
        ("{prefix}{year}-{number}", True),
        ("{year}{number:04}", False),  # 2026 and 10001 would be 20261 and 0001
        ("INV7{number}", False),
        ("{number}{prefix}", False),  # a prefix may begin with a digit
        ("{number}/{prefix}", True),
        ("{number}{year}", False),
        ("{number}7", False),
        ("{number}-{number}", False),
        ("INV", False),
        ("{prefix}-CN-{number:04}", True),
        ("inv-{number}", False),
        ("{name}-{number}", False),
        ("A" * 40 + "{number}", False),
    ],
)
def test_a_format_gives_each_number_one_text(text, good):
    assert is_format(text) == good


@given(st.integers(1, 10**6), st.sampled_from(["{prefix}-{number:04}", "A{year}/{number}", "{number:06}.X"]))
def test_the_place_of_a_number_is_found_again(sequence, format):
    series = Series("account", "QK7RMP", format)
    at = datetime(2026, 1, 1)
    text = series.number(sequence, at)
    assert place_in(series.pattern(at), text) == sequence and len(text) <= LONGEST
    assert in_series(series.pattern(at), sequence) == text
    assert place_in(series.pattern(at), f"{text}Z") is None


def test_credit_notes_share_no_number_with_invoices():
    at = datetime(2026, 1, 1)
    invoices, notes = (Series.of({}, "DE", "acct_1", kind) for kind in ("invoice", "credit_note"))
    assert place_in(invoices.pattern(at), notes.number(1, at)) is None
    assert place_in(notes.pattern(at), invoices.number(1, at)) is None


def test_the_union_numbers_by_account_and_its_prefix_looks_like_nothing_else():
    assert [scheme_of(country) for country in ("DE", "SE", "GB", "US", "NO")] == ["account"] * 2 + [
        "customer"
    ] * 3
    assert not set(CLEAR) & set("01ILO")
