"""Is the text of the QR code that of EPC069-12?"""

import json

import pytest
import segno

from billow.core.bank import epc_qr
from billow.core.errors import Refused
from tests.conftest import shared

IBAN = "DE02120300000000202051"


def test_the_text_is_that_of_the_standard():
    known = json.loads(shared("standards", "payments", "references.json").read_text())["epc"]
    sent = known["in"]
    cents = int(sent["amount"].replace(".", ""))
    assert epc_qr.payload(sent["name"], sent["iban"], cents, sent["reference"]) == known["payload_utf8"]


def test_the_largest_text_fits_into_version_13():
    text = epc_qr.payload("N" * 80, IBAN, epc_qr.LARGEST_AMOUNT, text="t" * 140)
    assert segno.make(text, error="m", mode="byte", encoding="utf-8", boost_error=False).version <= 13
    assert f"\n{'N' * 70}\n" in text


@pytest.mark.parametrize(
    ("amount", "more"),
    [(0, {}), (epc_qr.LARGEST_AMOUNT + 1, {}), (1, {"reference": "RF741", "text": "x"}),
     (1, {"text": "x" * 141}), (1, {"text": "ü" * 140}), (1, {"iban": "DE02120300000000202052"})],
)  # fmt: skip
def test_what_the_standard_does_not_allow_is_refused(amount, more):
    with pytest.raises(Refused):
        epc_qr.payload(**{"name": "ü" * 70, "iban": IBAN, "amount": amount, **more})
