"""Does a refusal say what the caller needs, and nothing that is not there?"""

import pytest

from billow.core.errors import Refused, require


def test_a_refusal_leaves_out_what_it_does_not_know():
    refusal = Refused("No.")
    assert (refusal.status, str(refusal)) == (400, "No.")
    assert refusal.body() == {"error": {"type": "invalid_request_error", "message": "No."}}


def test_a_refusal_links_to_its_code_and_carries_more():
    refusal = Refused(
        "Declined.",
        code="card_declined",
        status=402,
        type="card_error",
        decline_code="lost_card",
        charge="ch_1",
        payment_intent=None,
    )
    assert refusal.more["charge"] == "ch_1"
    assert refusal.body() == {
        "error": {
            "type": "card_error",
            "code": "card_declined",
            "message": "Declined.",
            "doc_url": "https://docs.stripe.com/error-codes/card-declined",
            "decline_code": "lost_card",
            "charge": "ch_1",
        }
    }


def test_require_refuses_what_does_not_hold_and_lets_the_rest_pass():
    require("anything true", "Never said.")
    with pytest.raises(Refused) as caught:
        require([], "No such customer: 'cus_x'", param="id", code="resource_missing", status=404)
    refusal = caught.value
    assert (refusal.message, refusal.param, refusal.code, refusal.status) == (
        "No such customer: 'cus_x'",
        "id",
        "resource_missing",
        404,
    )
