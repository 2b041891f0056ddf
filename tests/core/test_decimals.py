"""Is a decimal with an exponent the same number written out, and is no other text changed?"""

from decimal import Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.decimals import FARTHEST, written_out

DIGITS = st.text("0123456789", min_size=1, max_size=40)


@given(
    st.sampled_from(["", "+", "-"]), DIGITS, DIGITS, st.sampled_from("eE"), st.integers(-FARTHEST, FARTHEST)
)
def test_it_is_the_same_number_without_an_exponent(
    sign: str, whole: str, rest: str, letter: str, exponent: int
) -> None:
    text = f"{sign}{whole}.{rest}{letter}{exponent}"
    plain = written_out(text)
    assert "e" not in plain.lower() and Context(prec=200).compare(Decimal(plain), Decimal(text)) == 0


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.50", "-0", "e5", "1e", "1e999", "1e-999999999", "1e5 ", "nan", "0x1e5", "1_0e5", "٣e1"],
)
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert written_out(text) == text


@given(st.text(max_size=60))
def test_any_text_is_accepted(text: str) -> None:
    assert len(written_out(text)) <= max(len(text), 150)
