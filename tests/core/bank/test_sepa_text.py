"""Do texts reach banks in the characters that all of them take?"""

import re

from hypothesis import given
from hypothesis import strategies as st

from billow.core.bank.sepa_text import remittance, sepa

SET = re.compile(r"[A-Za-z0-9/?:().,'+ -]*")


def test_letters_keep_their_sound():
    assert sepa("Müller & Söhne GmbH") == "Mueller + Soehne GmbH"
    assert sepa("Åsa Łukasz Ñandú Œuvre") == "Asa Lukasz Nandu Oeuvre"
    assert sepa("Invoice №7 — 100 %") == "Invoice No7 - 100 ."
    assert sepa("日本") == ".." and sepa("//a//b/") == "a/b"


def test_the_reference_comes_first_and_is_never_cut():
    reference = "RF18539007547034"
    text = remittance(reference, "Abonnement für " + "ü" * 200)
    assert text.startswith(reference + " Abonnement fuer") and len(text) == 140
    assert remittance("in_1/2", "", 35) == "in-1/2"


@given(st.text(max_size=80), st.integers(1, 80))
def test_any_text_is_in_the_set_and_fits(text, most):
    written = sepa(text, most)
    assert SET.fullmatch(written) and len(written) <= most
    assert "//" not in written and written == written.strip("/ ")
    assert sepa(written) == written
