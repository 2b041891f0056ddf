"""Fifty at once change one subscription: some serial order explains what comes of it (issue 4, Proof)."""

import json
import threading
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from billow.app import App
from billow.store import perform
from billow.store.clocks import utc_now
from tests.conftest import Api

MANY = 50


def post(url: str, key: str, form: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(url, urlencode(form).encode(), {"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def begun(api: Api) -> dict[str, Any]:
    customer = api.post("/v1/customers", {"payment_method": "pm_card_visa"})
    methods = api.get(f"/v1/customers/{customer['id']}/payment_methods")["data"]
    api.post(
        f"/v1/customers/{customer['id']}", {"invoice_settings[default_payment_method]": methods[0]["id"]}
    )
    price = api.post(
        "/v1/prices",
        {
            "currency": "usd",
            "unit_amount": "1000",
            "recurring[interval]": "month",
            "product_data[name]": "Seat",
        },
    )
    form = {"customer": customer["id"], "items[0][price]": price["id"], "items[0][quantity]": "1"}
    return dict(api.post("/v1/subscriptions", form))


def test_fifty_updates_at_once_are_as_if_one_after_the_other(api: Api, http_url: str) -> None:
    made = begun(api)
    item = made["items"]["data"][0]["id"]
    answers: dict[int, tuple[int, dict[str, Any]]] = {}

    def change(quantity: int) -> None:
        form = {"items[0][id]": item, "items[0][quantity]": quantity, "metadata[by]": quantity}
        answers[quantity] = post(f"{http_url}/v1/subscriptions/{made['id']}", api.key, form)

    threads = [threading.Thread(target=change, args=(quantity,)) for quantity in range(2, MANY + 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    refused = [answer for answer in answers.values() if answer[0] != 200]
    assert all((status, body["error"]["code"]) == (429, "lock_timeout") for status, body in refused), refused
    done = {quantity for quantity, (status, _) in answers.items() if status == 200}
    assert done, "somebody came through"

    page = api.get("/v1/events", {"type": "customer.subscription.updated", "limit": "100"})["data"]
    # By id, in which they were written: `created` is when a request began, before it waited for its turn.
    page.sort(key=lambda event: event["id"])
    told = [event["data"] for event in page if event["data"]["object"]["id"] == made["id"]]
    chain = [1]
    for data in told:
        assert data["previous_attributes"]["items"]["data"][0]["quantity"] == chain[-1]
        chain.append(data["object"]["items"]["data"][0]["quantity"])
    assert set(chain[1:]) == done and len(chain) == len(done) + 1

    now = api.get(f"/v1/subscriptions/{made['id']}")
    assert now["items"]["data"][0]["quantity"] == chain[-1] == int(now["metadata"]["by"])
    items: list[dict[str, Any]] = []
    more = True
    while more:
        after = {"starting_after": items[-1]["id"]} if items else {}
        page = api.get("/v1/invoiceitems", {"customer": made["customer"], "limit": "100", **after})
        items, more = items + page["data"], page["has_more"]
    # All that was charged and given back again leaves the last quantity for the rest of the period. Who came
    # in the second before but had to wait gives back two stretches: a credit more.
    debits = sorted(item["quantity"] for item in items if item["description"].startswith("Remaining"))
    assert debits == sorted(chain[1:]) and len(items) >= 2 * len(done)
    whole = 1000 * (chain[-1] - 1)
    assert abs(sum(item["amount"] for item in items) - whole) <= len(items) + whole // 1000


def test_a_request_that_waited_for_another_change_begins_after_it(
    app: App, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its transaction began before the other's change: periods would overlap, so it is begun again."""
    later = [timedelta(0)]
    monkeypatch.setattr(app.db, "wall", lambda: utc_now() + later[-1])
    # Before the second try some time passes.
    monkeypatch.setattr(perform.random, "uniform", lambda low, high: later.append(timedelta(days=2)) or low)
    meter = {"display_name": "Calls", "event_name": "calls", "default_aggregation[formula]": "sum"}
    metered = {
        "recurring[usage_type]": "metered",
        "recurring[meter]": api.post("/v1/billing/meters", meter)["id"],
    }
    price = {
        "currency": "usd",
        "unit_amount": 1000,
        "recurring[interval]": "month",
        "product_data[name]": "S",
    }
    first, second, calls = (
        api.post("/v1/prices", {**price, **more})["id"] for more in ({}, {"unit_amount": 2000}, metered)
    )
    method = {"payment_method": "pm_card_visa", "invoice_settings[default_payment_method]": "pm_card_visa"}
    customer = api.post("/v1/customers", method)["id"]
    made = api.post("/v1/subscriptions", {"customer": customer, "items[0][price]": first})
    path, item = f"/v1/subscriptions/{made['id']}", made["items"]["data"][0]["id"]
    later.append(timedelta(days=2))
    assert api.post(path, {"items[0][id]": item, "items[0][price]": calls}).status == 200
    later.append(timedelta(days=2, seconds=-3))
    answer = api.post(path, {"items[0][id]": item, "items[0][price]": second})
    assert answer.status == 200 and len(later) == 4
