"""What does the gateway `stripe` make of a card that its bank declines when it is stored?"""

from types import SimpleNamespace
from typing import Any

import stripe as library

from billow.core.payments import Declined
from billow.core.routing import Route
from billow.providers.gateways import StoredMethod
from billow.providers.gateways.stripe import Stripe, holder


class Bank:
    """As much of Stripe's client as storing a card asks for; its bank declines every card."""

    def __init__(self) -> None:
        card = {"brand": "visa", "last4": "0002"}
        self._method = SimpleNamespace(
            id="pm_1", customer=None, type="card", to_dict=lambda: {"type": "card", "card": card}
        )
        self.customers = SimpleNamespace(create=lambda sent: SimpleNamespace(id="cus_1"))
        self.payment_methods = SimpleNamespace(retrieve=lambda id: self._method, attach=self.attach)

    def attach(self, id: str, sent: dict[str, str]) -> Any:
        error = {"code": "card_declined", "decline_code": "generic_decline", "type": "card_error"}
        body = {"error": {**error, "message": "Your card was declined."}}
        raise library.CardError(
            "Your card was declined.", None, "card_declined", http_status=402, json_body=body
        )


def gateway() -> Stripe:
    made = Stripe(Route("stripe", "stripe", 1, secret="sk_test_1", signing_secret="whsec_1"))
    made.__dict__["_client"] = Bank()
    return made


def test_it_is_refused_where_it_is_to_be_kept() -> None:
    refused = gateway().store_method("pm_1")
    assert isinstance(refused, Declined) and refused.decline_code == "generic_decline"


def test_it_is_stored_for_the_payment_that_is_declined_with_it() -> None:
    stored = gateway().store_method("pm_1", check=False)
    assert isinstance(stored, StoredMethod)
    assert holder(stored.reference) == {"payment_method": "pm_1"}
