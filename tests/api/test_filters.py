"""Do lists return what their filters select, and do pages stay stable while rows are added?"""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from billow.api import rows
from billow.api.operation import verbs
from billow.api.resource import ROUTES
from billow.pages import description
from billow.resources.subscription_item import SubscriptionItem
from tests.conftest import shared


def ids(api: Any, path: str, **query: Any) -> list[str]:
    answer = api.get(f"/v1/{path}", query)
    assert answer.status == 200, answer
    return [found["id"] for found in answer["data"]]


@pytest.fixture
def subscribed(api: Any) -> dict[str, Any]:
    """A customer with a paid subscription to a monthly price, and what came of it."""
    customer = api.post("/v1/customers", {"email": "payer@example.com"})["id"]
    method = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": customer})["id"]
    api.post(f"/v1/customers/{customer}", {"invoice_settings[default_payment_method]": method})
    product = api.post("/v1/products", {"name": "Server"})["id"]
    price = api.post(
        "/v1/prices",
        {"product": product, "currency": "usd", "unit_amount": 2000, "recurring[interval]": "month"},
    )["id"]
    made = api.post("/v1/subscriptions", {"customer": customer, "items[0][price]": price})
    return {"customer": customer, "price": price, "product": product, "subscription": made}


def test_subscriptions_are_found_by_price_plan_status_and_tax(api: Any, subscribed: dict[str, Any]) -> None:
    mine = [subscribed["subscription"]["id"]]
    for query, found in (
        ({"price": subscribed["price"]}, mine),
        ({"plan": subscribed["price"]}, mine),
        ({"price": "price_none"}, []),
        ({"plan": "none"}, []),
        ({"plan": subscribed["price"], "price": "price_none"}, []),
        ({"status": "active"}, mine),
        ({"status": "ended"}, []),
        ({"collection_method": "send_invoice"}, []),
        ({"automatic_tax[enabled]": "false"}, mine),
        ({"automatic_tax[enabled]": "true"}, []),
        ({"customer_account": "acct_none"}, []),
    ):
        assert ids(api, "subscriptions", **query) == found, query


def test_subscriptions_are_found_by_the_period_they_are_in(api: Any, subscribed: dict[str, Any]) -> None:
    made = subscribed["subscription"]
    for edge in ("current_period_start", "current_period_end"):
        at = made["items"]["data"][0][edge]
        for query, count in (
            ({edge: at}, 1),
            ({edge: at + 1}, 0),
            ({f"{edge}[gt]": at}, 0),
            ({f"{edge}[gte]": at, f"{edge}[lte]": at}, 1),
            ({f"{edge}[lt]": at}, 0),
            ({f"{edge}[lt]": at + 1}, 1),
        ):
            assert len(ids(api, "subscriptions", **query)) == count, query
    for query in ({"current_period_end[near]": 5}, {"current_period_end": "soon"}):
        refused = api.get("/v1/subscriptions", query)
        assert refused.status == 400 and refused["error"]["param"].startswith("current_period_end"), refused


def test_of_several_items_the_latest_start_and_the_first_end_count(
    api: Any, subscribed: dict[str, Any]
) -> None:
    id = subscribed["subscription"]["id"]
    with api.app.db.transaction(api.tenant) as tx:
        item = rows.select(tx, SubscriptionItem, "subscription = %(id)s", id=id)[0]
        later = {
            "current_period_start": item.current_period_start + timedelta(days=1),
            "current_period_end": item.current_period_end + timedelta(days=365),
        }
        rows.insert(tx, item.but(id=f"{item.id}2", **later), event=None)
    first = subscribed["subscription"]["items"]["data"][0]
    assert ids(api, "subscriptions", current_period_end=first["current_period_end"]) == [id]
    assert ids(api, "subscriptions", current_period_start=first["current_period_start"]) == []
    assert ids(api, "subscriptions", current_period_start=first["current_period_start"] + 86400) == [id]


def test_invoices_and_what_pays_them_are_found(api: Any, subscribed: dict[str, Any]) -> None:
    customer, made = subscribed["customer"], subscribed["subscription"]
    invoice = made["latest_invoice"]
    for query, found in (
        ({"status": "paid"}, [invoice]),
        ({"status": "open"}, []),
        ({"subscription": made["id"]}, [invoice]),
        ({"customer": customer, "collection_method": "charge_automatically"}, [invoice]),
        ({"due_date[gt]": 0}, []),
        ({"customer_account": "acct_none"}, []),
        ({"created": api.get(f"/v1/invoices/{invoice}")["created"]}, [invoice]),
    ):
        assert ids(api, "invoices", **query) == found, query
    for path, query, count in (
        ("charges", {"customer": customer}, 1),
        ("charges", {"transfer_group": "group"}, 0),
        ("payment_intents", {"customer": customer}, 1),
        ("payment_intents", {"customer_account": "acct_none"}, 0),
        ("payment_methods", {"customer": customer, "type": "card"}, 1),
        ("payment_methods", {"customer_account": "acct_none"}, 0),
        ("invoice_payments", {"invoice": invoice, "status": "paid"}, 1),
        ("events", {"object_id": invoice, "types[]": "invoice.paid"}, 1),
        ("events", {"object_id": "in_none"}, 0),
    ):
        assert len(ids(api, path, **query)) == count, (path, query)


def test_invoice_items_are_found_by_when_they_were_made(api: Any) -> None:
    customer = api.post("/v1/customers")["id"]
    made = api.post("/v1/invoiceitems", {"customer": customer, "amount": 5, "currency": "usd"})
    assert ids(api, "invoiceitems", **{"created[gte]": made["date"]}) == [made["id"]]
    assert ids(api, "invoiceitems", **{"created[gt]": made["date"]}) == []
    assert ids(api, "invoiceitems", **{"created[gte]": made["date"], "pending": "false"}) == []


def test_the_catalog_is_found(api: Any) -> None:
    one = api.post("/v1/products", {"name": "A", "url": "https://example.com/a", "shippable": "true"})["id"]
    two = api.post("/v1/products", {"name": "B", "active": "false"})["id"]
    for query, found in (
        ({"ids[0]": one, "ids[1]": two}, [two, one]),
        ({"ids[]": two, "active": "true"}, []),
        ({"shippable": "true"}, [one]),
        ({"url": "https://example.com/a"}, [one]),
    ):
        assert ids(api, "products", **query) == found, query
    sent = {"product": one, "currency": "eur", "unit_amount": 5}
    monthly = api.post("/v1/prices", {**sent, "recurring[interval]": "month", "lookup_key": "m"})["id"]
    once = api.post("/v1/prices", {**sent, "currency": "usd"})["id"]
    for query, found in (
        ({"lookup_keys[]": "m"}, [monthly]),
        ({"recurring[interval]": "month", "recurring[usage_type]": "licensed"}, [monthly]),
        ({"type": "one_time"}, [once]),
        ({"currency": "usd", "product": one, "active": "true"}, [once]),
    ):
        assert ids(api, "prices", **query) == found, query


def test_pages_stay_where_they_are_while_rows_come(api: Any) -> None:
    made = [api.post("/v1/customers", {"name": str(number)})["id"] for number in range(6)]
    newest_first = made[::-1]
    first = ids(api, "customers", limit=2)
    api.post("/v1/customers")
    second = ids(api, "customers", limit=2, starting_after=first[-1])
    api.post("/v1/customers")
    third = ids(api, "customers", limit=2, starting_after=second[-1])
    assert first + second + third == newest_first
    back = api.get("/v1/customers", {"limit": 2, "ending_before": third[0]})
    assert [row["id"] for row in back["data"]] == second and back["has_more"] is True
    newer = api.get("/v1/customers", {"limit": 2, "ending_before": first[0]})
    assert len(newer["data"]) == 2 and newer["has_more"] is False


def test_pages_of_one_instant_are_told_apart_by_id(api: Any) -> None:
    made = [api.post("/v1/customers")["id"] for _ in range(5)]
    with api.app.db.transaction(api.tenant) as tx:
        tx.run("update customers set created = %(now)s", now=tx.now)
    seen, after = [], {}
    for _ in range(5):
        page = ids(api, "customers", limit=1, **after)
        seen, after = seen + page, {"starting_after": page[-1]}
    assert seen == sorted(made, reverse=True)


LISTS = """charges customers events invoice_payments invoiceitems invoices payment_intents payment_methods
    prices products subscription_items subscriptions"""


def test_every_filter_of_the_contract_is_taken(app: Any, tmp_path: Path) -> None:
    file = tmp_path / "page.json"
    told = description.describe(verbs(ROUTES))
    checker = shared("contract", "stripe_contract.py")

    def lacking() -> list[str]:
        file.write_text(json.dumps(told))
        command = [sys.executable, str(checker), "params", str(file)]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
        lists = {f"/v1/{noun}" for noun in LISTS.split()}
        return [line for line in said if line.startswith("GET") and line.split()[1].rstrip(":") in lists]

    assert lacking() == []
    listed = told["paths"]["/v1/customers"]["get"]
    listed["parameters"] = [given for given in listed["parameters"] if given["name"] != "email"]
    assert len(lacking()) == 1, "a filter that is gone is found"
