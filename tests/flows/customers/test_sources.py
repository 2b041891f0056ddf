"""Do tokens and sources, as clients of older versions use them, put a card on file that pays?"""

from typing import Any

import pytest

from tests.support.world import World

CARD = {
    "card[number]": "4242424242424242",
    "card[exp_month]": "12",
    "card[exp_year]": "30",
    "card[cvc]": "123",
    "card[name]": "Ann Lee",
    "card[address_zip]": "10115",
}


def token(api: Any, **more: str) -> str:
    made = api.post("/v1/tokens", {**CARD, **more})
    assert made.status == 200, made
    return str(made["id"])


@pytest.fixture
def ann(api: Any) -> str:
    return str(api.post("/v1/customers", {"name": "Ann"})["id"])


def test_an_unknown_token_is_a_mistake_of_the_program_and_no_declined_card(api: Any, ann: str) -> None:
    for path, form in (
        (f"/v1/customers/{ann}/sources", {}),
        ("/v1/customers", {}),
        ("/v1/charges", {"amount": "500", "currency": "usd"}),
    ):
        refused = api.post(path, {**form, "source": "tok_nosuch"})
        error = refused["error"]
        assert (refused.status, error["type"], error["param"]) == (400, "invalid_request_error", "source"), (
            path
        )
        assert (error["code"], error["message"]) == ("resource_missing", "No such token: 'tok_nosuch'")


def test_a_token_shows_the_card_that_was_typed_in_and_not_its_number(api: Any) -> None:
    made = api.post("/v1/tokens", CARD)
    card = made["card"]
    assert (made["object"], made["type"], made["used"], made["livemode"]) == ("token", "card", False, False)
    assert (card["object"], card["brand"], card["last4"]) == ("card", "Visa", "4242")
    assert (card["exp_month"], card["exp_year"]) == (12, 2030)
    assert (card["name"], card["address_zip"], card["customer"]) == ("Ann Lee", "10115", None)
    assert made["id"].startswith("tok_") and card["id"].startswith("card_")
    assert api.get(f"/v1/tokens/{made['id']}") == made and "4242424242424242" not in str(made)


def test_a_ready_token_is_shown_as_if_it_had_been_created(api: Any) -> None:
    shown = api.get("/v1/tokens/tok_mastercard")
    assert (shown["id"], shown["card"]["brand"], shown["used"]) == ("tok_mastercard", "MasterCard", False)
    assert api.get("/v1/tokens/tok_none").status == 404


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("card[number]", "4242424242424241", "incorrect_number"),
        ("card[number]", "4111111111111111", "card_declined"),
        ("card[exp_year]", "2020", "invalid_expiry_year"),
    ],
)
def test_a_card_that_cannot_be_is_refused_as_a_card(api: Any, field: str, value: str, code: str) -> None:
    refused = api.post("/v1/tokens", {**CARD, field: value})
    assert (refused.status, refused["error"]["type"], refused["error"]["code"]) == (402, "card_error", code)


def test_a_token_is_used_once_and_keeps_the_id_of_its_card(api: Any, ann: str) -> None:
    made = api.post("/v1/tokens", CARD)
    attached = api.post(f"/v1/customers/{ann}/sources", {"source": made["id"]})
    assert (attached["id"], attached["object"], attached["customer"]) == (made["card"]["id"], "card", ann)
    assert (attached["name"], attached["exp_year"], attached["address_zip"]) == ("Ann Lee", 2030, "10115")
    assert api.get(f"/v1/tokens/{made['id']}")["used"] is True
    refused = api.post(f"/v1/customers/{ann}/sources", {"source": made["id"]})
    assert (refused.status, refused["error"]["code"]) == (400, "token_already_used")
    method = api.get(f"/v1/payment_methods/{attached['id']}")
    assert (method["card"]["exp_year"], method["billing_details"]["name"]) == (2030, "Ann Lee")


@pytest.mark.parametrize("tail", ["sources", "cards"])
def test_default_source_and_sources_agree(api: Any, ann: str, tail: str) -> None:
    path = f"/v1/customers/{ann}"
    assert "sources" not in api.get(path) and api.get(path)["default_source"] is None
    first = api.post(f"{path}/{tail}", {"source": "tok_visa", "metadata[a]": "b"})
    second = api.post(f"{path}/{tail}", {"source": "tok_mastercard"})
    api.post("/v1/payment_methods/pm_card_amex/attach", {"customer": ann})
    assert first["metadata"] == {"a": "b"} and second["brand"] == "MasterCard"
    shown = api.get(path, {"expand[]": "sources"})
    assert shown["default_source"] == first["id"], "the first source stays the default"
    assert shown["sources"]["url"] == f"{path}/sources" and "sources" not in api.get(path)
    listed = api.get(f"{path}/{tail}", {"object": "card"})
    assert listed["data"] == shown["sources"]["data"] == [second, first]
    assert api.get(f"{path}/{tail}", {"object": "bank_account"})["data"] == []
    assert api.get(f"{path}/{tail}", {"limit": "1"})["has_more"] is True
    assert api.get(f"{path}/{tail}/{first['id']}") == first
    assert api.post(path, {"default_source": second["id"]})["default_source"] == second["id"]
    assert api.get(path, {"expand[]": "default_source"})["default_source"] == second


def test_the_newest_other_card_follows_a_default_source_that_is_deleted(api: Any, ann: str) -> None:
    path = f"/v1/customers/{ann}"
    cards = [api.post(f"{path}/sources", {"source": "tok_visa"})["id"] for _ in range(3)]
    assert api.delete(f"{path}/sources/{cards[0]}") == {"id": cards[0], "object": "card", "deleted": True}
    after = api.get(path, {"expand[]": "sources"})
    rest = [card["id"] for card in after["sources"]["data"]]
    assert after["default_source"] == rest[0] and sorted(rest) == sorted(cards[1:])
    for card in rest:
        api.delete(f"{path}/cards/{card}")
    assert api.get(path)["default_source"] is None
    gone = api.get(f"{path}/sources/{cards[0]}")
    assert gone.status == 404 and "No such source" in gone["error"]["message"]


def test_a_card_is_changed_and_each_change_is_emitted(api: Any, ann: str) -> None:
    path = f"/v1/customers/{ann}/sources"
    card = api.post(path, {"source": "tok_visa"})["id"]
    sent = {"name": "Zoë", "address_city": "Bonn", "exp_year": "31", "metadata[k]": "v"}
    changed = api.post(f"{path}/{card}", sent)
    assert (changed["name"], changed["address_city"], changed["exp_year"]) == ("Zoë", "Bonn", 2031)
    assert changed["metadata"] == {"k": "v"}
    api.post(f"{path}/{card}", sent)
    api.delete(f"{path}/{card}")
    events = [
        event
        for event in api.get("/v1/events", {"limit": 100})["data"]
        if event["data"]["object"]["id"] == card and event["type"].startswith("customer.source")
    ]
    assert [event["type"] for event in reversed(events)] == [
        "customer.source.created",
        "customer.source.updated",
        "customer.source.deleted",
    ]
    assert events[1]["data"]["previous_attributes"]["address_city"] is None
    assert {event["data"]["object"]["object"] for event in events} == {"card"}


def test_a_card_of_another_customer_is_not_there(api: Any, ann: str) -> None:
    other = api.post("/v1/customers", {"source": "tok_visa"})
    for answer in (
        api.get(f"/v1/customers/{ann}/sources/{other['default_source']}"),
        api.post(f"/v1/customers/{ann}/sources/{other['default_source']}", {"name": "x"}),
        api.delete(f"/v1/customers/{ann}/cards/{other['default_source']}"),
    ):
        assert answer.status == 404


def test_a_token_pays_a_charge_and_a_default_source_another(api: Any) -> None:
    charge = api.post("/v1/charges", {"amount": "700", "currency": "usd", "source": token(api)})
    assert (charge["status"], charge["source"]["exp_year"]) == ("succeeded", 2030)
    ann = api.post("/v1/customers", {"source": token(api)})
    of_customer = {"amount": "700", "currency": "usd", "customer": ann["id"]}
    assert api.post("/v1/charges", of_customer)["source"]["id"] == ann["default_source"]


def test_a_source_pays_the_renewals(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    card = world.post(f"/v1/customers/{anna.id}/sources", source="tok_visa")["id"]
    assert anna.subscribes_to(world.plan("Pro", usd=9)).status == "active"
    world.at("2025-02-02")
    paid = world.get("/v1/charges", customer=anna.id)["data"]
    assert [(charge["amount"], charge["payment_method"]) for charge in paid] == [(900, card), (900, card)]


def test_a_token_of_a_declining_card_is_declined_when_it_is_used(api: Any, ann: str) -> None:
    made = token(api, **{"card[number]": "4000000000000002"})
    refused = api.post(f"/v1/customers/{ann}/sources", {"source": made})
    assert (refused.status, refused["error"]["decline_code"]) == (402, "generic_decline")
    assert api.get(f"/v1/customers/{ann}")["default_source"] is None


def test_a_token_becomes_a_payment_method(api: Any) -> None:
    made = api.post("/v1/payment_methods", {"type": "card", "card[token]": token(api)})
    assert made["id"].startswith("pm_") and made["card"]["exp_year"] == 2030
    assert made["billing_details"]["address"]["postal_code"] == "10115"


def test_a_card_that_has_expired_is_not_stored(api: Any) -> None:
    sent = {"type": "card", "card[number]": "4242424242424242", "card[exp_month]": 1, "card[exp_year]": 2020}
    answer = api.post("/v1/payment_methods", sent)
    assert (answer.status, answer["error"]["code"]) == (402, "invalid_expiry_year")
