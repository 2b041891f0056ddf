"""Does a platform share its payment methods with the accounts that are connected to it, and nobody else's?"""

from typing import Any

import pytest

from tests.support.connected import enabled

METHODS = "/v1/payment_methods"


@pytest.fixture
def shop(api: Any) -> str:
    return enabled(api)


@pytest.fixture
def ann(api: Any) -> str:
    return str(api.post("/v1/customers", {"name": "Ann"})["id"])


@pytest.fixture
def card(api: Any, ann: str) -> str:
    return str(api.post(f"{METHODS}/pm_card_visa/attach", {"customer": ann})["id"])


def test_a_copy_is_the_accounts_own_and_pays_there(
    api: Any, shop: str, ann: str, card: str, contract: Any
) -> None:
    there: Any = {"Stripe_Account": shop}
    copy = api.post(METHODS, {"payment_method": card, "customer": ann, "metadata[a]": "1"}, **there)
    assert copy.status == 200 and contract.problems(dict(copy)) == [], copy
    original = api.get(f"{METHODS}/{card}")
    assert (copy["customer"], copy["metadata"], copy["card"]) == (None, {"a": "1"}, original["card"])
    assert copy["id"] != card and api.get(f"{METHODS}/{copy['id']}").status == 404
    paid = {"amount": "900", "currency": "usd", "payment_method": copy["id"], "confirm": "true"}
    sent = {**paid, "return_url": "https://a.example"}
    assert api.post("/v1/payment_intents", sent, **there)["status"] == "succeeded"
    assert api.get(f"{METHODS}/{card}")["customer"] == ann


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"payment_method": "{card}"}, "payment_method"),
        ({"payment_method": "{card}", "customer": "cus_none"}, "customer"),
        ({"payment_method": "pm_none", "customer": "{ann}"}, "payment_method"),
        ({"payment_method": "{card}", "customer": "{ben}"}, "payment_method"),
        ({"payment_method": "{card}", "customer": "{ann}", "type": "sepa_debit"}, "type"),
        ({"customer": "{ann}", "type": "card", "card[token]": "tok_visa"}, "customer"),
        ({}, "type"),
    ],
)
def test_what_cannot_be_copied_is_refused(
    api: Any, shop: str, ann: str, card: str, sent: dict[str, str], param: str
) -> None:
    ben = api.post("/v1/customers", {"name": "Ben"})["id"]
    filled = {name: value.format(card=card, ann=ann, ben=ben) for name, value in sent.items()}
    there: Any = {"Stripe_Account": shop}
    refused = api.post(METHODS, filled, **there)
    assert (refused.status, refused["error"]["param"]) == (400, param), refused


def test_without_the_header_nothing_is_copied(api: Any, other: Any, ann: str, card: str) -> None:
    sent = {"payment_method": card, "customer": ann}
    for caller in (api, other):
        refused = caller.post(METHODS, sent)
        assert (refused.status, refused["error"]["param"]) == (400, "payment_method")


def test_one_without_a_customer_is_shared_once(api: Any, shop: str) -> None:
    loose = api.post(METHODS, {"type": "card", "card[token]": "tok_visa"})["id"]
    there: Any = {"Stripe_Account": shop}
    assert api.post(METHODS, {"payment_method": loose}, **there).status == 200
    again = api.post(METHODS, {"payment_method": loose}, **there)
    assert again.status == 400 and "shared" in again["error"]["message"]
