"""Are expanded objects shown in full, with one query per level?"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.statement_counts import counted_in_transactions


@pytest.fixture
def price(api: Any) -> dict[str, Any]:
    product = api.post("/v1/products", {"name": "Gold"})
    tiers = {"tiers[0][up_to]": "10", "tiers[0][unit_amount]": "5", "tiers[1][up_to]": "inf"}
    more = {"tiers[1][unit_amount_decimal]": "0.5", "billing_scheme": "tiered", "tiers_mode": "graduated"}
    made: dict[str, Any] = api.post(
        "/v1/prices", {"product": product["id"], "currency": "USD", **tiers, **more}
    )
    return made


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The SQL of every statement of a transaction."""
    with counted_in_transactions() as count:
        yield count.sent


def test_the_tiers_of_a_plan_are_shown_when_they_are_expanded(api: Any) -> None:
    customer = api.post("/v1/customers", {"name": "Ann", "payment_method": "pm_card_visa"})["id"]
    tiers = {"tiers[0][up_to]": "5", "tiers[0][unit_amount]": "100", "tiers[1][up_to]": "inf"}
    price = {
        **{"currency": "usd", "billing_scheme": "tiered", "tiers_mode": "volume", **tiers},
        **{"tiers[1][unit_amount]": "50", "recurring[interval]": "month", "product_data[name]": "T"},
    }
    made = api.post("/v1/prices", price)["id"]
    form = {"customer": customer, "items[0][price]": made, "items[0][quantity]": "3"}
    subscription = api.post("/v1/subscriptions", {**form, "payment_behavior": "default_incomplete"})["id"]
    for noun in ("plan", "price"):
        shown = api.get(f"/v1/subscriptions/{subscription}", {"expand[]": f"items.data.{noun}.tiers"})
        [item] = shown["items"]["data"]
        assert [tier["unit_amount"] for tier in item[noun]["tiers"]] == [100, 50], noun
        assert item["plan"]["object"] == "plan" and item["plan"]["amount"] is None


def test_a_reference_is_an_id_until_it_is_expanded(api: Any, price: dict[str, Any]) -> None:
    path = f"/v1/prices/{price['id']}"
    assert isinstance(api.get(path)["product"], str)
    expanded = api.get(path, {"expand[]": "product"})["product"]
    assert (expanded["object"], expanded["name"]) == ("product", "Gold")
    api.post(f"/v1/products/{expanded['id']}", {"default_price": price["id"]})
    back = api.get(path, {"expand[0]": "product.default_price"})
    assert back["product"]["default_price"]["id"] == price["id"]


def test_what_is_left_out_by_default_appears_when_expanded(api: Any, price: dict[str, Any]) -> None:
    path = f"/v1/prices/{price['id']}"
    assert "tiers" not in api.get(path)
    tiers = api.get(path, {"expand[]": "tiers"})["tiers"]
    assert [tier["up_to"] for tier in tiers] == [10, None]
    assert [tier["unit_amount_decimal"] for tier in tiers] == ["5", "0.5"]
    assert [tier["unit_amount"] for tier in tiers] == [5, None]


def test_expansion_reaches_into_lists_and_hashes(api: Any, price: dict[str, Any]) -> None:
    page = api.get("/v1/prices", {"expand[]": "data.product"})
    assert page["data"][0]["product"]["name"] == "Gold"
    card = {"payment_method": "pm_card_visa", "invoice_settings[default_payment_method]": "pm_card_visa"}
    made = api.post("/v1/customers", {**card, "expand[]": "invoice_settings.default_payment_method"})
    assert made["invoice_settings"]["default_payment_method"]["card"]["last4"] == "4242"


@pytest.mark.parametrize(
    ("path", "expand"),
    [
        ("/v1/prices", "product"),
        ("/v1/prices", "data.nickname"),
        ("/v1/prices", "data.product.name"),
        ("/v1/prices/{id}", "nope"),
        ("/v1/prices/{id}", "recurring"),
        ("/v1/prices/{id}", "product.default_price.product.default_price.product"),
    ],
)
def test_what_cannot_be_expanded_is_refused(api: Any, price: dict[str, Any], path: str, expand: str) -> None:
    answer = api.get(path.format(id=price["id"]), {"expand[]": expand})
    assert (answer.status, answer["error"]["param"]) == (400, "expand")


def test_a_deleted_customer_is_expanded_as_a_stub(api: Any) -> None:
    customer = api.post("/v1/customers")["id"]
    method = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": customer})["id"]
    api.delete(f"/v1/customers/{customer}")
    shown = api.get(f"/v1/payment_methods/{method}", {"expand[]": "customer"})["customer"]
    assert shown == {"id": customer, "object": "customer", "deleted": True}


def test_a_page_costs_one_query_and_each_level_one_more(
    api: Any, price: dict[str, Any], statements: list[str]
) -> None:
    for _ in range(4):
        product = api.post("/v1/products", {"name": "Silver"})["id"]
        made = api.post("/v1/prices", {"product": product, "currency": "usd", "unit_amount": "1"})["id"]
        api.post(f"/v1/products/{product}", {"default_price": made})
    # The default price of each product is on the page, and a transaction reads a price once.
    for expand, count in [("", 1), ("data.product", 2), ("data.product.default_price", 2)]:
        statements.clear()
        page = api.get("/v1/prices", {"expand[]": expand} if expand else {})
        assert (page.status, len(page["data"]), len(statements)) == (200, 5, count), statements
