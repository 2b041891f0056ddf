"""Are messages signed as the published vectors say?"""

import base64
import hashlib
import hmac
import json

from billow.core import signing
from tests.conftest import shared


def test_both_signatures_are_those_of_the_vectors() -> None:
    vectors = json.loads(shared("standards", "security", "webhook-signature-vectors.json").read_text())
    one = vectors["stripe"]
    assert signing.stripe([one["secret"]], one["timestamp"], one["payload"].encode()) == one["header"]
    two = vectors["standard"]
    body = two["payload"].encode()
    assert signing.standard([two["secret"]], two["id"], two["timestamp"], body) == two["signature"]
    headers = signing.headers([two["secret"]], two["id"], two["timestamp"], body)
    assert set(two["headers"]) < set(headers) and headers["webhook-signature"] == two["signature"]


def test_two_secrets_make_two_signatures_the_newer_first() -> None:
    new, old = "whsec_bmV3c2VjcmV0bmV3c2VjcmV0", "whsec_b2xkc2VjcmV0b2xkc2VjcmV0"
    made = signing.stripe([new, old], 5, b"{}")
    assert made == signing.stripe([new], 5, b"{}") + "," + signing.stripe([old], 5, b"{}").partition(",")[2]
    both = signing.standard([new, old], "evt_1", 5, b"{}")
    assert both.split(" ") == [signing.standard([secret], "evt_1", 5, b"{}") for secret in (new, old)]


def test_a_secret_that_is_no_base64_signs_as_it_is() -> None:
    expected = hmac.new(b"whsec_not base64!", b"evt_1.5.{}", hashlib.sha256).digest()
    assert signing.standard(["whsec_not base64!"], "evt_1", 5, b"{}") == (
        f"v1,{base64.b64encode(expected).decode()}"
    )
