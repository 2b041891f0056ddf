"""Is no secret left in what the request log keeps?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from billow.api.params import Upload
from billow.core.redaction import HIDDEN, redacted, redacted_text

CARDS = st.text("0123456789", min_size=11, max_size=18).map(lambda text: text + luhn.calc_check_digit(text))


@given(CARDS, st.sampled_from(["", " ", "-"]), st.text(" abc.,", max_size=5))
def test_no_card_number_is_left_however_it_is_written(number: str, between: str, before: str) -> None:
    text = before + between.join(number) + " was declined"
    assert redacted_text(text) == f"{before}{HIDDEN} was declined"


@pytest.mark.parametrize("between", [" ", "-", ".", "  ", "\u00a0"])
@pytest.mark.parametrize("said", ["{} 12/34", "{} 123", "order 12 {}", "2026-10-25 {} 12.50", "{0} {0}"])
def test_a_card_number_is_found_between_other_digits(said: str, between: str) -> None:
    number = between.join(["4242"] * 4)
    assert redacted_text(said.format(number)) == said.format(HIDDEN)


def test_a_card_number_with_a_wrong_digit_is_hidden_too() -> None:
    card = {"number": "4242424242424241", "exp_month": "12"}
    assert redacted({"card": card, "number": "INV-1"}) == {
        "card": {"number": HIDDEN, "exp_month": "12"},
        "number": "INV-1",
    }


def test_a_file_is_no_parameter_to_be_read() -> None:
    sent = {"purpose": "dispute_evidence", "file": Upload("bill.txt", b"private")}
    assert redacted(sent) == {"purpose": "dispute_evidence", "file": HIDDEN}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("ab c", max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", max_size=3), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_what_is_no_secret_stays_as_it_is(value: object) -> None:
    assert redacted(value) == value


def test_secrets_are_hidden_by_their_names_and_by_their_looks() -> None:
    sent = {
        "payment_method_data": {
            "us_bank_account": {"account_number": "000123456789", "routing_number": "110000000"},
            "sepa_debit": {"iban": "DE89370400440532013000"},
        },
        "items": [{"cvc": "123"}],
        "description": "pi_123_secret_abcdefgh1234 and sk_test_abcdefgh1234",
        "phone": "+46 70 174 06 05",
        "quantity": 3,
    }
    assert redacted(sent) == {
        "payment_method_data": {
            "us_bank_account": {"account_number": HIDDEN, "routing_number": "110000000"},
            "sepa_debit": {"iban": HIDDEN},
        },
        "items": [{"cvc": HIDDEN}],
        "description": f"{HIDDEN} and {HIDDEN}",
        "phone": "+46 70 174 06 05",
        "quantity": 3,
    }
