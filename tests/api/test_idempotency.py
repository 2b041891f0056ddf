"""Does a repeated idempotency key get the same answer, with one effect?"""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from billow.providers.gateways.simulated import Simulated


@pytest.fixture
def slow_gateway(app: Any) -> Iterator[Simulated]:
    """A gateway that takes half a second."""
    usual = app.db.outside
    gateway = Simulated(latency=0.5)
    app.db.outside = replace(usual, gateways={"test": gateway})
    yield gateway
    app.db.outside = usual


def test_the_same_key_gives_the_same_answer_and_one_customer(api: Any) -> None:
    first = api.post("/v1/customers", {"name": "Ann"}, Idempotency_Key="a")
    again = api.post("/v1/customers", {"name": "Ann"}, Idempotency_Key="a")
    assert first == again
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"]
    assert again.headers["Idempotency-Key"] == "a"
    assert "Idempotent-Replayed" not in first.headers
    assert len(api.get("/v1/customers")["data"]) == 1
    assert api.event_types() == ["customer.created"]


@pytest.mark.parametrize("key", ["", " "])
@pytest.mark.parametrize("path", ["/v1/customers", "/v1/billing/meter_events", "/v2/core/event_destinations"])
def test_an_empty_key_is_refused_and_not_taken_for_none(api: Any, path: str, key: str) -> None:
    answer = api.post(path, {"name": "Ann"}, Idempotency_Key=key)
    assert (answer.status, answer["error"]["type"]) == (400, "idempotency_error")
    assert "empty" in answer["error"]["message"]


def test_an_empty_key_decides_nothing_where_keys_do_not(api: Any) -> None:
    customer = api.post("/v1/customers")["id"]
    assert api.get("/v1/customers", Idempotency_Key="").status == 200
    assert api.delete(f"/v1/customers/{customer}", Idempotency_Key="").status == 200


def test_a_key_outside_ascii_counts_once_and_is_shown_as_it_was_meant(api: Any) -> None:
    latin, utf8 = "beställning-1", "beställning-1".encode().decode("latin-1")
    first = api.post("/v1/customers", {"name": "Ann"}, Idempotency_Key=latin)
    for key in (latin, utf8):  # the bytes that the two encodings send
        again = api.post("/v1/customers", {"name": "Ann"}, Idempotency_Key=key)
        assert again == first and again.headers["Idempotent-Replayed"] == "true"
        assert again.headers["Idempotency-Key"] == key
    assert [event["request"]["idempotency_key"] for event in api.get("/v1/events")["data"]] == [latin]


def test_other_parameters_under_the_same_key_are_refused(api: Any) -> None:
    api.post("/v1/customers", {"name": "Ann"}, Idempotency_Key="a")
    for path, name in [("/v1/customers", "Bob"), ("/v1/products", "Ann")]:
        answer = api.post(path, {"name": name}, Idempotency_Key="a")
        assert (answer.status, answer["error"]["type"]) == (400, "idempotency_error")
        assert "same parameters they were first used with" in answer["error"]["message"]


def test_the_order_of_parameters_does_not_matter(api: Any) -> None:
    first = api.post("/v1/customers", "name=Ann&email=a@b.c", Idempotency_Key="a")
    assert api.post("/v1/customers", "email=a@b.c&name=Ann", Idempotency_Key="a")["id"] == first["id"]


def test_keys_belong_to_an_account(api: Any, other: Any) -> None:
    first = api.post("/v1/customers", {}, Idempotency_Key="a")
    assert other.post("/v1/customers", {}, Idempotency_Key="a")["id"] != first["id"]


def test_a_refused_request_leaves_its_key_free(api: Any) -> None:
    assert api.post("/v1/customers", {"nme": "Ann"}, Idempotency_Key="a").status == 400
    assert api.post("/v1/customers", {"name": "Ann"}, Idempotency_Key="a").status == 200


def test_what_is_expanded_is_replayed_expanded(api: Any) -> None:
    sent = {
        "name": "A",
        "default_price_data[currency]": "usd",
        "default_price_data[unit_amount]": "1",
        "expand[]": "default_price",
    }
    first = api.post("/v1/products", sent, Idempotency_Key="a")
    assert first["default_price"]["object"] == "price"
    assert api.post("/v1/products", sent, Idempotency_Key="a") == first


def test_a_key_is_at_most_255_characters_long(api: Any) -> None:
    assert api.post("/v1/customers", {}, Idempotency_Key="a" * 255).status == 200
    assert api.post("/v1/customers", {}, Idempotency_Key="a" * 256).status == 400


def test_reading_ignores_the_key(api: Any) -> None:
    assert api.get("/v1/customers", Idempotency_Key="a")["data"] == []
    api.post("/v1/customers")
    assert len(api.get("/v1/customers", Idempotency_Key="a")["data"]) == 1


def test_ten_at_once_make_one_customer(api: Any) -> None:
    answers: list[Any] = []

    def ask() -> None:
        answers.append(api.post("/v1/customers", {"name": "Ann"}, Idempotency_Key="a"))

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} <= {200, 409}
    assert len({answer["id"] for answer in answers if answer.status == 200}) == 1
    assert len(api.get("/v1/customers")["data"]) == 1


def test_twenty_at_once_pay_once_and_hear_the_same_bytes_whatever_else_is_sent(
    api: Any, slow_gateway: Simulated
) -> None:
    """F22: the same key at once, with other parameters too, and again when all is over."""
    card = {"payment_method": "pm_card_visa", "invoice_settings[default_payment_method]": "pm_card_visa"}
    customer = api.post("/v1/customers", card)["id"]
    saved = api.get(f"/v1/customers/{customer}")["invoice_settings"]["default_payment_method"]
    sent = {"amount": "500", "currency": "usd", "customer": customer, "confirm": "true"}
    sent["payment_method"] = saved
    headers = {"Authorization": f"Bearer {api.key}", "Idempotency-Key": "a"}
    told: list[tuple[int, bytes]] = []

    def ask(number: int) -> None:
        other = {"amount": "501"} if number % 4 == 3 else {}
        for _ in range(100):
            answer = api.app.wsgi.test_client().post(
                "/v1/payment_intents", data={**sent, **other}, headers=headers
            )
            if answer.status_code != 409:
                break
            time.sleep(0.1)
        told.append((int(answer.status_code), answer.data))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    by_status = {status: {body for other, body in told if other == status} for status, _ in told}
    # Whichever amount came first has the key; the others are another request.
    assert set(by_status) == {200, 400}
    assert len(by_status[200]) == 1 and b"idempotency_error" in by_status[400].pop()
    assert len(api.get("/v1/payment_intents")["data"]) == len(slow_gateway.charges()) == 1


def test_who_asks_again_while_the_gateway_is_asked_hears_409(api: Any, slow_gateway: Simulated) -> None:
    first: list[Any] = []
    sent = {"payment_method": "pm_card_visa"}
    thread = threading.Thread(
        target=lambda: first.append(api.post("/v1/customers", sent, Idempotency_Key="a"))
    )
    thread.start()
    time.sleep(0.25)
    meanwhile = api.post("/v1/customers", sent, Idempotency_Key="a")
    thread.join()
    assert (meanwhile.status, meanwhile["error"]["code"]) == (409, "idempotency_key_in_use")
    assert first[0].status == 200
    assert api.post("/v1/customers", sent, Idempotency_Key="a") == first[0]


def test_a_decline_after_the_gateway_was_asked_is_replayed(api: Any) -> None:
    sent = {"payment_method": "pm_card_visa_chargeDeclined"}
    first = api.post("/v1/customers", sent, Idempotency_Key="a")
    assert (first.status, first["error"]["type"], first["error"]["code"]) == (
        402,
        "card_error",
        "card_declined",
    )
    again = api.post("/v1/customers", sent, Idempotency_Key="a")
    assert again == first and again.headers["Idempotent-Replayed"] == "true"
    assert api.get("/v1/customers")["data"] == []
