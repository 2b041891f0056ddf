"""How is a retry answered whose first request died with its process (decision 8)?"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from billow.core.errors import Unavailable
from billow.providers.gateways.simulated import Simulated
from billow.store import jobs


class PowerCut(BaseException):
    """The process is gone: nobody catches this."""


class Dying:
    """A gateway at which the process dies, before or after the gateway has done what it was asked."""

    def __init__(self) -> None:
        self.inner, self.dies, self.charged = Simulated(), "", set[str]()
        self.silent = False

    def __getattr__(self, name: str) -> Any:
        def asked(*given: Any) -> Any:
            if self.silent:
                raise Unavailable("The gateway says nothing.")
            if self.dies == f"before {name}":
                raise PowerCut
            answer = getattr(self.inner, name)(*given)
            if name == "charge":
                self.charged.add(given[0].attempt if hasattr(given[0], "attempt") else given[0].id)
            if self.dies == f"after {name}":
                raise PowerCut
            return answer

        return self.inner.name if name == "name" else asked


@pytest.fixture
def gateway(app: Any) -> Iterator[Dying]:
    usual, dying = app.db.outside, Dying()
    app.db.outside = replace(usual, gateways={"test": dying})
    yield dying
    app.db.outside = usual


@pytest.fixture
def later(app: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    start = app.db.wall()

    def set_to(seconds: int) -> None:
        monkeypatch.setattr(app.db, "wall", lambda: start + timedelta(seconds=seconds))

    return set_to


def resolve(app: Any) -> None:
    jobs.run_due(app.db, clock="wall", until=app.db.wall(), lane="outside")


def charged(app: Any, api: Any, gateway: Dying) -> int:
    """How often the gateway took this account's money; due jobs of other tests may have run as well."""
    with app.db.transaction(api.tenant) as tx:
        return len(gateway.charged & {row["id"] for row in tx.all("select id from attempts")})


def crash(api: Any, gateway: Dying, when: str, path: str, sent: dict[str, str]) -> None:
    gateway.dies = when
    with pytest.raises(PowerCut):
        api.post(path, sent, Idempotency_Key="a")
    gateway.dies = ""


def new_customer(api: Any, card: str = "pm_card_visa") -> str:
    sent = {"payment_method": card, "invoice_settings[default_payment_method]": card}
    return str(api.post("/v1/customers", sent)["id"])


def paid_by(api: Any, customer: str) -> dict[str, str]:
    """Name a customer and their card."""
    card = api.get(f"/v1/customers/{customer}")["invoice_settings"]["default_payment_method"]
    return {"customer": customer, "payment_method": card}


@pytest.mark.parametrize("when", ["before charge", "after charge"])
def test_a_payment_that_died_is_made_once_and_told(
    app: Any, api: Any, gateway: Dying, later: Any, when: str
) -> None:
    sent = {"amount": "500", "currency": "usd", "confirm": "true", **paid_by(api, new_customer(api))}
    crash(api, gateway, when, "/v1/payment_intents", sent)
    at_once = api.post("/v1/payment_intents", sent, Idempotency_Key="a")
    assert (at_once.status, at_once["error"]["code"]) == (409, "idempotency_key_in_use")
    later(61)
    gateway.silent = True
    unknown_yet = api.post("/v1/payment_intents", sent, Idempotency_Key="a")
    assert unknown_yet.status == 409 and unknown_yet.headers["Stripe-Should-Retry"] == "true"
    gateway.silent = False  # the retry asks the gateway itself, and need not wait for the job
    told = api.post("/v1/payment_intents", sent, Idempotency_Key="a")
    assert (told.status, told["status"], told["amount_received"]) == (200, "succeeded", 500)
    assert api.post("/v1/payment_intents", sent, Idempotency_Key="a") == told
    resolve(app)
    assert len(api.get("/v1/payment_intents")["data"]) == 1 and charged(app, api, gateway) == 1
    assert len(api.get("/v1/charges")["data"]) == 1
    other = api.post("/v1/payment_intents", {**sent, "amount": "1"}, Idempotency_Key="a")
    assert (other.status, other["error"]["type"]) == (400, "idempotency_error")


def test_a_payment_that_died_and_was_declined_is_402(app: Any, api: Any, gateway: Dying, later: Any) -> None:
    customer = new_customer(api, "pm_card_chargeCustomerFail")
    sent = {"amount": "500", "currency": "usd", **paid_by(api, customer)}
    intent = api.post("/v1/payment_intents", sent)
    path = f"/v1/payment_intents/{intent['id']}/confirm"
    crash(api, gateway, "after charge", path, {})
    later(61)
    resolve(app)
    told = api.post(path, {}, Idempotency_Key="a")
    assert (told.status, told["error"]["type"]) == (402, "card_error")
    assert told["error"]["payment_intent"]["status"] == "requires_payment_method"
    assert api.post(path, {}, Idempotency_Key="a") == told
    assert len(api.get("/v1/charges")["data"]) == 1


def test_a_subscription_that_died_is_told_as_it_is_now(
    app: Any, api: Any, gateway: Dying, later: Any
) -> None:
    product = api.post("/v1/products", {"name": "Gold"})["id"]
    recurring = {"currency": "usd", "unit_amount": "900", "recurring[interval]": "month"}
    price = api.post("/v1/prices", {"product": product, **recurring})["id"]
    sent = {"customer": new_customer(api), "items[0][price]": price}
    crash(api, gateway, "after charge", "/v1/subscriptions", sent)
    later(61)
    resolve(app)
    told = api.post("/v1/subscriptions", sent, Idempotency_Key="a")
    assert (told.status, told["status"]) == (200, "active")
    assert len(api.get("/v1/subscriptions")["data"]) == 1 and charged(app, api, gateway) == 1


def test_a_request_that_left_no_trace_begins_again(api: Any, gateway: Dying, later: Any) -> None:
    sent = {"name": "Ann", "payment_method": "pm_card_visa"}
    crash(api, gateway, "before store_method", "/v1/customers", sent)
    assert api.post("/v1/customers", sent, Idempotency_Key="a").status == 409
    later(61)
    made = api.post("/v1/customers", sent, Idempotency_Key="a")
    assert made.status == 200 and api.post("/v1/customers", sent, Idempotency_Key="a") == made
    assert len(api.get("/v1/customers")["data"]) == 1


def test_the_slow_first_loses_its_answer_to_who_took_over(
    app: Any, api: Any, gateway: Dying, later: Any
) -> None:
    """It was not dead but asleep: what it would do after its lease is rolled back."""
    sent = {"name": "Ann", "payment_method": "pm_card_visa"}
    inner, second = gateway.inner.store_method, []

    def asleep(*given: Any) -> Any:
        gateway.inner.store_method = inner
        later(61)
        second.append(api.post("/v1/customers", sent, Idempotency_Key="a"))
        return inner(*given)

    gateway.inner.store_method = asleep  # type: ignore[method-assign]
    first = api.post("/v1/customers", sent, Idempotency_Key="a")
    assert second[0].status == 200 and first.status == 409
    assert [found["id"] for found in api.get("/v1/customers")["data"]] == [second[0]["id"]]


def test_the_slow_first_takes_no_money_after_its_lease(
    app: Any, api: Any, gateway: Dying, later: Any
) -> None:
    """It fell asleep at the first of two questions to the gateway; the second is not asked."""
    sent = {"amount": "500", "currency": "usd", "source": "tok_visa"}
    inner, second = gateway.inner.store_method, []

    def asleep(*given: Any) -> Any:
        gateway.inner.store_method = inner
        later(61)
        second.append(api.post("/v1/charges", sent, Idempotency_Key="a"))
        return inner(*given)

    gateway.inner.store_method = asleep  # type: ignore[method-assign]
    first = api.post("/v1/charges", sent, Idempotency_Key="a")
    assert (second[0].status, first.status) == (200, 409)
    assert charged(app, api, gateway) == 1 and len(api.get("/v1/charges")["data"]) == 1


@pytest.mark.parametrize(("source", "status"), [("tok_visa", 200), ("tok_chargeCustomerFail", 402)])
def test_a_charge_that_died_is_told(
    app: Any, api: Any, gateway: Dying, later: Any, source: str, status: int
) -> None:
    sent = {"amount": "500", "currency": "usd", "source": source}
    crash(api, gateway, "after charge", "/v1/charges", sent)
    later(61)
    resolve(app)
    told = api.post("/v1/charges", sent, Idempotency_Key="a")
    assert told.status == status and len(api.get("/v1/charges")["data"]) == 1


def test_what_cannot_be_told_is_not_tried_again(app: Any, api: Any, later: Any) -> None:
    sent = {"name": "Ann"}
    made = api.post("/v1/customers", sent, Idempotency_Key="a")
    with app.db.transaction(api.tenant) as tx:  # as if it had died between two commits
        tx.run("update idempotency_keys set status = null, body = null where key = 'a'")
    later(61)
    told = api.post("/v1/customers", sent, Idempotency_Key="a")
    assert (told.status, told.headers["Stripe-Should-Retry"]) == (409, "false")
    assert made.headers["Request-Id"] in told["error"]["message"]
    assert len(api.get("/v1/customers")["data"]) == 1


@pytest.mark.parametrize("when", ["before refund", "after refund"])
def test_a_credit_note_that_died_refunds_once(
    app: Any, api: Any, gateway: Dying, later: Any, when: str
) -> None:
    customer = new_customer(api)
    api.post("/v1/invoiceitems", {"customer": customer, "amount": "500", "currency": "usd"})
    sent = {"customer": customer, "pending_invoice_items_behavior": "include"}
    invoice = api.post("/v1/invoices", sent)["id"]
    assert api.post(f"/v1/invoices/{invoice}/finalize").status == 200
    assert api.post(f"/v1/invoices/{invoice}/pay")["status"] == "paid"
    wanted = {"invoice": invoice, "amount": "200", "refund_amount": "200"}
    crash(api, gateway, when, "/v1/credit_notes", wanted)
    assert api.post("/v1/credit_notes", wanted, Idempotency_Key="a").status == 409
    later(61)
    resolve(app)
    told = api.post("/v1/credit_notes", wanted, Idempotency_Key="a")
    assert (told.status, told["object"], told["total"]) == (200, "credit_note", 200), told
    assert api.post("/v1/credit_notes", wanted, Idempotency_Key="a") == told
    [note] = api.get("/v1/credit_notes", {"invoice": invoice})["data"]
    [refund] = api.get("/v1/refunds")["data"]
    assert (note["refunds"][0]["refund"], refund["status"]) == (refund["id"], "succeeded")
    assert api.get(f"/v1/charges/{refund['charge']}")["amount_refunded"] == 200
