"""Does a confirmation token confirm one intent, with what it holds, for twelve hours?"""

from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import Api

MAKE, PAY, SET = "/v1/test_helpers/confirmation_tokens", "/v1/payment_intents", "/v1/setup_intents"
DUE = {"amount": 60000, "currency": "mxn"}
TYPED = {
    "payment_method_data[type]": "card",
    "payment_method_data[card][token]": "tok_mx",
    "payment_method_data[billing_details][name]": "Ann",
}
HELD = {
    **TYPED,
    "return_url": "https://shop.example/back",
    "setup_future_usage": "off_session",
    "shipping[name]": "Ann",
    "shipping[address][city]": "Bern",
    "payment_method_options[card][installments][plan][type]": "fixed_count",
    "payment_method_options[card][installments][plan][count]": "3",
    "payment_method_options[card][installments][plan][interval]": "month",
}


def test_a_token_shows_what_was_collected(api: Api, contract: ModuleType) -> None:
    made = api.post(MAKE, HELD)
    assert contract.problems(made) == [] and made["id"].startswith("ctoken_")
    assert made["expires_at"] == made["created"] + 12 * 60 * 60
    preview = made["payment_method_preview"]
    assert (preview["type"], preview["card"]["last4"], preview["billing_details"]["name"]) == (
        "card",
        "8001",
        "Ann",
    )
    assert (made["payment_intent"], made["setup_intent"], made["mandate_data"]) == (None, None, None)
    assert (made["shipping"]["address"]["city"], made["use_stripe_sdk"]) == ("Bern", True)
    assert api.get(f"/v1/confirmation_tokens/{made['id']}") == made
    assert api.get("/v1/confirmation_tokens/ctoken_none")["error"]["code"] == "resource_missing"


def test_a_payment_is_confirmed_with_what_the_token_holds(api: Api) -> None:
    ann = api.post("/v1/customers")["id"]
    token = api.post(MAKE, HELD)["id"]
    intent = api.post(PAY, {**DUE, "customer": ann})["id"]
    paid = api.post(f"{PAY}/{intent}/confirm", {"confirmation_token": token})
    assert (paid["status"], paid["setup_future_usage"], paid["shipping"]["name"]) == (
        "succeeded",
        "off_session",
        "Ann",
    )
    assert paid["payment_method_options"]["card"]["installments"]["plan"]["count"] == 3
    assert api.get(f"/v1/payment_methods/{paid['payment_method']}")["customer"] == ann
    assert api.get(f"/v1/confirmation_tokens/{token}")["payment_intent"] == intent


def test_what_a_confirmation_says_itself_comes_before_its_token(api: Api) -> None:
    token = api.post(MAKE, {**TYPED, "shipping[name]": "Ann", "shipping[address][city]": "Bern"})["id"]
    own = {"payment_method": "pm_card_mastercard", "shipping[name]": "Bo", "shipping[address][city]": "Ulm"}
    paid = api.post(PAY, {**DUE, **own, "confirm": "true", "confirmation_token": token})
    assert (paid["status"], paid["shipping"]["name"]) == ("succeeded", "Bo")
    charge = api.get(f"/v1/charges/{paid['latest_charge']}")
    assert charge["payment_method_details"]["card"]["brand"] == "mastercard"


@pytest.mark.parametrize(("path", "more", "named"), [(PAY, DUE, "payment_intent"), (SET, {}, "setup_intent")])
def test_a_token_confirms_one_intent_only(api: Api, path: str, more: dict[str, Any], named: str) -> None:
    token = api.post(MAKE, TYPED)["id"]
    sent = {**more, "confirm": "true", "confirmation_token": token, "return_url": "https://a.example"}
    done = api.post(path, sent)
    assert done["status"] == "succeeded", done
    assert api.get(f"/v1/confirmation_tokens/{token}")[named] == done["id"]
    for again, due in ((PAY, DUE), (SET, {})):
        refused = api.post(again, {**due, **{name: sent[name] for name in sent.keys() - DUE.keys()}})["error"]
        assert refused["param"] == "confirmation_token" and "already been used" in refused["message"]


def test_a_declined_confirmation_uses_its_token(api: Api) -> None:
    token = api.post(MAKE, {"payment_method": "pm_card_visa_chargeDeclined"})["id"]
    sent = {**DUE, "confirm": "true", "confirmation_token": token, "return_url": "https://a.example"}
    assert api.post(PAY, sent).status == 402
    assert "already been used" in api.post(PAY, sent)["error"]["message"]


def test_a_token_expires_after_twelve_hours(api: Api) -> None:
    token = api.post(MAKE, TYPED)["id"]
    with api.app.db.transaction(api.tenant) as tx:
        tx.run("update confirmation_tokens set expires_at = %(now)s", now=tx.wall - timedelta(seconds=1))
    sent = {**DUE, "confirm": "true", "confirmation_token": token}
    error = api.post(PAY, sent)["error"]
    assert error["param"] == "confirmation_token" and "has expired" in error["message"]


def test_a_token_needs_a_method_and_a_confirmation(api: Api) -> None:
    assert api.post(MAKE)["error"]["code"] == "parameter_missing"
    token = api.post(MAKE, TYPED)["id"]
    assert api.post(PAY, {**DUE, "confirmation_token": token})["error"]["param"] == "confirmation_token"
    assert api.post(SET, {"confirmation_token": token})["error"]["param"] == "confirmation_token"
    unknown = api.post(SET, {"confirm": "true", "confirmation_token": "ctoken_no"})["error"]
    assert (unknown["code"], unknown["param"]) == ("resource_missing", "confirmation_token")


def test_the_method_of_a_set_up_comes_before_that_of_its_token(api: Api) -> None:
    token = api.post(MAKE, TYPED)["id"]
    sent = {"payment_method": "pm_card_mastercard", "return_url": "https://a.example", "confirm": "true"}
    done = api.post(SET, {**sent, "confirmation_token": token})
    assert done["status"] == "succeeded", done
    assert api.get(f"/v1/payment_methods/{done['payment_method']}")["card"]["brand"] == "mastercard"
