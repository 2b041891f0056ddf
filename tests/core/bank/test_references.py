"""Are payment references made and recognized by their standards?"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.bank import references as r
from tests.conftest import shared

NUMBERS = st.integers(10**9, 10**10 - 1).map(str)


@pytest.fixture(scope="module")
def known() -> dict[str, object]:
    return json.loads(shared("standards", "payments", "references.json").read_text())


def test_rf_references_are_those_of_iso_11649(known):
    assert {base: r.rf(base) for base in known["rf"]} == known["rf"]
    assert all(r.is_rf(each) for each in known["rf"].values())
    assert [each for each in known["rf_invalid"] if r.is_rf(each)] == []


def test_ocr_numbers_have_a_length_digit_and_a_check_digit(known):
    assert {base: r.ocr(base) for base in known["ocr_length_and_luhn"]} == known["ocr_length_and_luhn"]
    assert all(r.is_ocr(each) for each in known["ocr_length_and_luhn"].values())
    assert [each for each in known["ocr_invalid"] if r.is_ocr(each)] == []


def test_bankgiro_and_plusgiro_numbers_are_checked(known):
    assert all(r.is_bankgiro(each) for each in known["bankgiro_valid"])
    assert [each for each in known["bankgiro_invalid"] if r.is_bankgiro(each)] == []
    assert r.is_plusgiro("90 20 03-3") and r.is_plusgiro("4-2") and not r.is_plusgiro("90 20 03-4")
    assert not r.is_bankgiro("99-12346") and not r.is_plusgiro("123456789-7")


@given(NUMBERS)
def test_both_references_lead_back_to_the_payment_number(number):
    for written in (r.rf(number), r.ocr(number), r.grouped(r.rf(number)), r.grouped(r.ocr(number)).lower()):
        assert r.payment_number(written) == number
        assert r.payment_numbers_in(f"Invoice: {written}, thank you") == [number]


@given(NUMBERS, st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_no_reference(number, place, more):
    for right, sign in ((r.rf(number)[2:], "RF"), (r.ocr(number), "")):
        wrong = right[:place] + str((int(right[place]) + more) % 10) + right[place + 1 :]
        assert r.payment_number(sign + wrong) is None


def test_references_are_found_among_other_words_and_digits():
    one, two = "1234567890", "9876543210"
    assert r.payment_numbers_in(f"{r.ocr(one)} AND {r.rf(two)}") == [one, two]
    assert r.payment_numbers_in(f"{r.ocr(one)} {r.grouped(r.ocr(two))}/1") == [one, two]
    assert r.payment_numbers_in(f"{r.grouped(r.rf(one))} {r.grouped(r.rf(two))}") == [one, two]
    assert r.payment_numbers_in(f"{r.grouped(r.rf(one))} 12") == [one]
    assert r.payment_numbers_in(f"tel {r.ocr(one)}") == [one]
    assert r.payment_numbers_in(f"X{r.ocr(one)} {r.ocr(one)}7 RF00{one}") == []
    assert r.payment_numbers_in(None) == [] and r.payment_number("NOTPROVIDED") is None


def test_a_reference_with_zeros_in_front_is_the_same():
    """Some banks fill the field with zeros."""
    assert r.payment_number("00" + r.ocr("1234567890")) is None, "the length digit counts what was written"
    assert r.payment_number(r.rf("0001234567890")) == "1234567890"
