"""Is money taken once, where a customer is asked to confirm one payment and another takes its place?"""

from typing import Any

import pytest

from billow.api import rows
from billow.core.errors import Refused
from billow.core.payments import CANCELED, Succeeded
from billow.flows.payments import collect
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.store import jobs
from tests.conftest import Api
from tests.support.invariants import check_all
from tests.support.page_visits import Visitor

ASKS = "pm_card_authenticationRequired"


@pytest.fixture
def gateway(app: Any) -> Any:
    return app.db.outside.gateways["test"]


def waiting(api: Api) -> dict[str, Any]:
    """An intent whose customer is asked to confirm, and its attempt."""
    intent = api.post(
        "/v1/payment_intents", {"amount": 900, "currency": "usd", "payment_method": ASKS, "confirm": "true"}
    )
    assert intent["status"] == "requires_action"
    return intent


def attempts(api: Api, intent: str) -> dict[str, str]:
    with api.app.db.transaction(api.tenant, reads=True) as tx:
        sql = "select id, state from attempts where payment_intent = %(id)s order by created, id"
        return {row["id"]: row["state"] for row in tx.all(sql, id=intent)}


def taken(gateway: Any, ids: Any) -> int:
    return sum(
        one.amount for one in gateway.charges() if one.attempt in ids and isinstance(one.outcome, Succeeded)
    )


def test_another_method_takes_the_place_of_the_one_that_is_asked_for(api: Api, gateway: Any) -> None:
    intent = waiting(api)
    [first] = attempts(api, intent["id"])
    paid = api.post(f"/v1/payment_intents/{intent['id']}/confirm", {"payment_method": "pm_card_visa"})
    assert paid["status"] == "succeeded"
    assert gateway.authenticate(first) == CANCELED
    states = attempts(api, intent["id"])
    assert (states[first], sorted(states.values())) == ("failed", ["failed", "succeeded"])
    assert taken(gateway, states) == 900
    check_all(api.app.db, api.tenant)


def test_a_payment_that_was_completed_meanwhile_is_taken_and_no_other(api: Api, gateway: Any) -> None:
    intent = waiting(api)
    [first] = attempts(api, intent["id"])
    gateway.authenticate(first)
    paid = api.post(f"/v1/payment_intents/{intent['id']}/confirm", {"payment_method": "pm_card_mastercard"})
    assert (paid["status"], attempts(api, intent["id"])) == ("succeeded", {first: "succeeded"})
    assert taken(gateway, [first]) == 900
    check_all(api.app.db, api.tenant)


def test_nobody_completes_a_payment_that_was_canceled(api: Api, gateway: Any) -> None:
    intent = waiting(api)
    [first] = attempts(api, intent["id"])
    assert api.post(f"/v1/payment_intents/{intent['id']}/cancel")["status"] == "canceled"
    assert gateway.authenticate(first) == CANCELED and taken(gateway, [first]) == 0
    check_all(api.app.db, api.tenant)


def test_a_payment_that_was_completed_is_not_canceled(api: Api, gateway: Any) -> None:
    intent = waiting(api)
    [first] = attempts(api, intent["id"])
    gateway.authenticate(first)
    refused = api.post(f"/v1/payment_intents/{intent['id']}/cancel")
    assert (refused.status, refused["error"]["code"]) == (400, "payment_intent_unexpected_state")
    assert api.get(f"/v1/payment_intents/{intent['id']}")["status"] == "succeeded"
    check_all(api.app.db, api.tenant)


def invoice_that_waits(api: Api) -> dict[str, Any]:
    customer = api.post("/v1/customers", {"name": "Ann"})["id"]
    asked = api.post(f"/v1/payment_methods/{ASKS}/attach", {"customer": customer})["id"]
    api.post("/v1/invoiceitems", {"customer": customer, "amount": 700, "currency": "usd"})
    invoice = api.post(
        "/v1/invoices",
        {"customer": customer, "auto_advance": "false", "pending_invoice_items_behavior": "include"},
    )
    answer = api.post(f"/v1/invoices/{invoice['id']}/pay", {"payment_method": asked, "off_session": "false"})
    assert answer.status == 402, answer
    assert answer["error"]["code"] == "invoice_payment_intent_requires_action"
    return {"id": invoice["id"], "customer": customer, "intent": answer["error"]["payment_intent"]["id"]}


def test_an_invoice_is_paid_by_another_card_and_once(api: Api, gateway: Any) -> None:
    found = invoice_that_waits(api)
    [first] = attempts(api, found["intent"])
    other = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": found["customer"]})["id"]
    paid = api.post(f"/v1/invoices/{found['id']}/pay", {"payment_method": other})
    assert paid["status"] == "paid" and gateway.authenticate(first) == CANCELED
    assert taken(gateway, attempts(api, found["intent"])) == 700
    check_all(api.app.db, api.tenant)


def test_an_invoice_that_was_paid_at_the_bank_is_not_paid_by_another_card(api: Api, gateway: Any) -> None:
    found = invoice_that_waits(api)
    [first] = attempts(api, found["intent"])
    gateway.authenticate(first)
    other = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": found["customer"]})["id"]
    paid = api.post(f"/v1/invoices/{found['id']}/pay", {"payment_method": other})
    assert paid["status"] == "paid" and attempts(api, found["intent"]) == {first: "succeeded"}
    check_all(api.app.db, api.tenant)


def test_a_voided_invoice_is_not_paid_at_the_bank_afterwards(api: Api, gateway: Any) -> None:
    found = invoice_that_waits(api)
    [first] = attempts(api, found["intent"])
    assert api.post(f"/v1/invoices/{found['id']}/void")["status"] == "void"
    jobs.run_due(api.app.db, clock="wall", until=api.app.db.wall(), lane="outside")
    assert gateway.authenticate(first) == CANCELED
    assert attempts(api, found["intent"]) == {first: "failed"}
    check_all(api.app.db, api.tenant)


def test_an_update_ends_what_the_customer_is_asked_to_confirm(api: Api, gateway: Any) -> None:
    intent = waiting(api)
    [first] = attempts(api, intent["id"])
    changed = api.post(f"/v1/payment_intents/{intent['id']}", {"amount": 100})
    assert (changed["status"], changed["next_action"], changed["amount"]) == (
        "requires_confirmation",
        None,
        100,
    )
    assert gateway.authenticate(first) == CANCELED
    gateway_says = waiting(api)
    [other] = attempts(api, gateway_says["id"])
    gateway.authenticate(other)
    refused = api.post(f"/v1/payment_intents/{gateway_says['id']}", {"amount": 100})
    assert refused["error"]["code"] == "payment_intent_unexpected_state"
    assert api.get(f"/v1/payment_intents/{gateway_says['id']}")["amount_received"] == 900
    check_all(api.app.db, api.tenant)


def test_the_address_of_an_action_is_that_of_a_page(api: Api) -> None:
    sent = {"amount": 900, "currency": "usd", "payment_method": ASKS, "confirm": "true"}
    for path, form in (
        ("payment_intents", sent),
        ("setup_intents", {"payment_method": ASKS, "confirm": "true"}),
    ):
        made = api.post(f"/v1/{path}", {**form, "return_url": "https://shop.example/back"})
        url = made["next_action"]["redirect_to_url"]["url"]
        assert api.app.wsgi.test_client().get("/" + url.split("/", 3)[3]).status_code == 200
    browser = api.post("/v1/payment_intents", sent)["next_action"]["use_stripe_sdk"]["stripe_js"]
    assert api.app.wsgi.test_client().get("/" + browser.split("/", 3)[3]).status_code == 200


def test_an_intent_that_was_paid_is_paid_by_nothing_else(api: Api) -> None:
    sent = {"amount": 900, "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    paid = api.post("/v1/payment_intents", sent)
    with api.app.db.transaction(api.tenant) as tx:
        intent = rows.find(tx, PaymentIntent, paid["id"])
        method = rows.find(tx, PaymentMethod, paid["payment_method"])
        with pytest.raises(Refused, match="status of succeeded"):
            collect.begin(tx, intent, method, automatic=False, off_session=False)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//evil.example/x", "data:text/html,x", "https://a.example/\r\nx"]
)
def test_an_action_leads_back_to_a_page_only(api: Api, url: str) -> None:
    for path, more in (("payment_intents", {"amount": 900, "currency": "usd"}), ("setup_intents", {})):
        sent = {**more, "payment_method": ASKS, "confirm": "true", "return_url": url}
        answer = api.post(f"/v1/{path}", sent)
        assert (answer.status, answer["error"]["code"], answer["error"]["param"]) == (
            400,
            "url_invalid",
            "return_url",
        )


def test_what_is_added_to_an_address_stands_before_its_fragment(api: Api, gateway: Any) -> None:
    intent = api.post(
        "/v1/payment_intents",
        {
            "amount": 900,
            "currency": "usd",
            "payment_method": ASKS,
            "confirm": "true",
            "return_url": "https://shop.example/back?a=1#end",
        },
    )
    [first] = attempts(api, intent["id"])
    gateway.authenticate(first)
    page = "/" + intent["next_action"]["redirect_to_url"]["url"].split("/", 3)[3]
    visitor = Visitor(api.app).opens(page)
    visitor.sends(answer="yes")
    assert "https://shop.example/back?a=1&amp;payment_intent=" in visitor.text and "#end" in visitor.text
