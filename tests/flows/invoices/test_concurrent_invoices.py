"""Can requests finalize, pay, void and refund the same invoice or charge at the same time (F20, F18)?"""

import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from billow.app import App
from tests.conftest import Api
from tests.flows.subscription_changes.test_concurrent_updates import post
from tests.support import invariants

Answer = tuple[int, dict[str, Any]]
BUSY = {"lock_timeout", "idempotency_key_in_use"}


def at_once(http_url: str, api: Api, requests: Sequence[tuple[str, dict[str, Any]]]) -> list[Answer]:
    """Send all requests at the same time and return their answers in order; none may be a 5xx."""
    answers: list[Answer] = [(0, {})] * len(requests)
    ready = threading.Barrier(len(requests))

    def send(place: int, path: str, form: dict[str, Any]) -> None:
        ready.wait()
        answers[place] = post(f"{http_url}{path}", api.key, form)

    threads = [threading.Thread(target=send, args=(place, *one)) for place, one in enumerate(requests)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(200 <= status < 500 for status, _ in answers), answers
    return answers


def payer(api: Api) -> str:
    """Create a customer whose card pays invoices by default."""
    customer = api.post("/v1/customers", {"payment_method": "pm_card_visa"})["id"]
    [method] = api.get(f"/v1/customers/{customer}/payment_methods")["data"]
    api.post(f"/v1/customers/{customer}", {"invoice_settings[default_payment_method]": method["id"]})
    return str(customer)


def draft(api: Api, customer: str, amount: int) -> str:
    invoice = api.post("/v1/invoices", {"customer": customer, "auto_advance": "false"})["id"]
    item = {"customer": customer, "invoice": invoice, "amount": amount, "currency": "usd"}
    api.post("/v1/invoiceitems", item)
    return str(invoice)


@pytest.mark.parametrize("finalized", [True, False], ids=["open", "draft"])
def test_one_invoice_is_paid_or_voided_once_whoever_comes_first(
    app: App, api: Api, http_url: str, finalized: bool
) -> None:
    customer = payer(api)
    for amount in (1000, 2000, 3000):
        invoice = draft(api, customer, amount)
        path = f"/v1/invoices/{invoice}"
        if finalized:
            api.post(f"{path}/finalize")
        out_of_band = {"paid_out_of_band": "true"}
        asked = [(f"{path}/pay", {}), (f"{path}/void", {}), (f"{path}/finalize", {})] * 2
        asked += [(f"{path}/pay", out_of_band), (f"{path}/mark_uncollectible", {})]
        answers = at_once(http_url, api, asked)
        after = api.get(path)
        charges = api.get("/v1/charges", {"customer": customer})["data"]
        taken = [
            charge for charge in charges if charge["amount"] == amount and charge["status"] == "succeeded"
        ]
        assert after["status"] in ("open", "paid", "void", "uncollectible"), after["status"]
        assert len(taken) <= 1, "nobody is charged twice"
        if taken:
            assert after["status"] == "paid" and after["amount_paid"] == amount
        won = Counter(body["status"] for status, body in answers if status == 200)
        if after["status"] == "paid":
            assert won["void"] == 0 and won["paid"] >= 1
        if after["status"] == "void":
            assert won["paid"] == 0 and not taken
    invariants.check_all(app.db, api.tenant)


def test_refunds_at_once_never_give_back_more_than_was_taken(app: App, api: Api, http_url: str) -> None:
    charge = api.post("/v1/charges", {"amount": 1000, "currency": "usd", "source": "tok_visa"})["id"]
    answers = at_once(http_url, api, [("/v1/refunds", {"charge": charge, "amount": 300})] * 8)
    refused = [body["error"] for status, body in answers if status != 200]
    given = [body for status, body in answers if status == 200 and body["status"] == "succeeded"]
    assert 1 <= len(given) <= 3, answers
    assert all(error.get("code") in BUSY or "unrefunded" in error["message"] for error in refused), refused
    after = api.get(f"/v1/charges/{charge}")
    assert after["amount_refunded"] == 300 * len(given) and not after["refunded"]
