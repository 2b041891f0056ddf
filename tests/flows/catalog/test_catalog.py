"""Which products and prices are accepted, and how are the others refused?"""

import threading
from typing import Any

import pytest

BASE = {"product_data[name]": "Gold", "currency": "usd"}
TIERED = {"billing_scheme": "tiered", "tiers_mode": "graduated"}
REFUSALS = [
    ({}, "unit_amount", "parameter_missing"),
    ({"unit_amount": "-1"}, "unit_amount", None),
    ({"unit_amount": "1", "unit_amount_decimal": "1.5"}, "unit_amount_decimal", "parameters_exclusive"),
    (
        {"unit_amount": "1", "custom_unit_amount[enabled]": "true"},
        "custom_unit_amount",
        "parameters_exclusive",
    ),
    ({"custom_unit_amount[enabled]": "false"}, "custom_unit_amount[enabled]", None),
    ({"custom_unit_amount[enabled]": "true", "recurring[interval]": "month"}, "custom_unit_amount", None),
    ({"unit_amount_decimal": "0.0000000000001"}, "unit_amount_decimal", None),
    (
        {"unit_amount": "1", "recurring[interval]": "month", "recurring[interval_count]": "37"},
        "recurring[interval_count]",
        None,
    ),
    (
        {"unit_amount": "1", "recurring[interval]": "year", "recurring[interval_count]": "4"},
        "recurring[interval_count]",
        None,
    ),
    ({"unit_amount": "1", "recurring[interval]": "fortnight"}, "recurring[interval]", None),
    ({"unit_amount": "1", "recurring[interval_count]": "2"}, "recurring[interval]", "parameter_missing"),
    (
        {"unit_amount": "1", "recurring[interval]": "month", "recurring[usage_type]": "metered"},
        "recurring[meter]",
        "parameter_missing",
    ),
    (
        {
            "unit_amount": "1",
            "recurring[interval]": "month",
            "recurring[usage_type]": "metered",
            "recurring[meter]": "mtr_none",
        },
        "recurring[meter]",
        "resource_missing",
    ),
    ({"unit_amount": "1", "tiers_mode": "volume"}, "tiers_mode", None),
    ({**TIERED}, "tiers", "parameter_missing"),
    (
        {"billing_scheme": "tiered", "tiers[0][up_to]": "inf", "tiers[0][unit_amount]": "1"},
        "tiers_mode",
        "parameter_missing",
    ),
    (
        {**TIERED, "unit_amount": "1", "tiers[0][up_to]": "inf", "tiers[0][unit_amount]": "1"},
        "unit_amount",
        None,
    ),
    ({**TIERED, "tiers[0][up_to]": "5", "tiers[0][unit_amount]": "1"}, "tiers[0][up_to]", None),
    (
        {
            **TIERED,
            "tiers[0][up_to]": "inf",
            "tiers[0][unit_amount]": "1",
            "tiers[1][up_to]": "inf",
            "tiers[1][unit_amount]": "1",
        },
        "tiers[0][up_to]",
        None,
    ),
    (
        {
            **TIERED,
            "tiers[0][up_to]": "5",
            "tiers[0][unit_amount]": "1",
            "tiers[1][up_to]": "5",
            "tiers[1][unit_amount]": "1",
            "tiers[2][up_to]": "inf",
            "tiers[2][unit_amount]": "1",
        },
        "tiers[1][up_to]",
        None,
    ),
    ({**TIERED, "tiers[0][up_to]": "inf"}, "tiers[0][unit_amount]", None),
    (
        {**TIERED, "tiers[0][up_to]": "inf", "tiers[0][flat_amount_decimal]": "1.5"},
        "tiers[0][flat_amount_decimal]",
        None,
    ),
    (
        {
            **TIERED,
            "tiers[0][up_to]": "inf",
            "tiers[0][flat_amount]": "1",
            "tiers[0][flat_amount_decimal]": "1",
        },
        "tiers[0][flat_amount_decimal]",
        "parameters_exclusive",
    ),
    ({"unit_amount": "1", "currency_options[xxx][unit_amount]": "1"}, "currency_options[xxx]", None),
    (
        {"unit_amount": "1", "transform_quantity[divide_by]": "0", "transform_quantity[round]": "up"},
        "transform_quantity[divide_by]",
        None,
    ),
]


@pytest.mark.parametrize(("sent", "param", "code"), REFUSALS)
def test_an_invalid_price_is_refused(api: Any, sent: dict[str, str], param: str, code: str | None) -> None:
    answer = api.post("/v1/prices", {**BASE, **sent})
    assert answer.status == 400, answer
    assert (answer["error"]["param"], answer["error"].get("code")) == (param, code), answer
    assert api.get("/v1/products")["data"] == [], "a refused price leaves no product behind"


@pytest.mark.parametrize(
    ("sent", "integer", "exact"),
    [
        ({"unit_amount": "500"}, 500, "500"),
        ({"unit_amount_decimal": "500.0"}, 500, "500"),
        ({"unit_amount_decimal": "0.000000000001"}, None, "0.000000000001"),
        ({"unit_amount_decimal": "12.5"}, None, "12.5"),
        ({"unit_amount": "0"}, 0, "0"),
    ],
)
def test_an_amount_is_shown_in_both_forms(
    api: Any, sent: dict[str, str], integer: int | None, exact: str
) -> None:
    made = api.post("/v1/prices", {**BASE, **sent})
    assert (made["unit_amount"], made["unit_amount_decimal"]) == (integer, exact)
    assert (made["type"], made["recurring"], made["tax_behavior"]) == ("one_time", None, "unspecified")


def test_a_recurring_price_has_defaults(api: Any) -> None:
    made = api.post("/v1/prices", {**BASE, "unit_amount": "1", "recurring[interval]": "week"})
    assert made["type"] == "recurring"
    assert made["recurring"] == {
        "interval": "week",
        "interval_count": 1,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def test_a_product_or_its_description_but_not_both(api: Any) -> None:
    product = api.post("/v1/products", {"name": "Gold"})["id"]
    both = api.post("/v1/prices", {**BASE, "product": product, "unit_amount": "1"})
    assert (both.status, both["error"]["code"]) == (400, "parameters_exclusive")
    none = api.post("/v1/prices", {"currency": "usd", "unit_amount": "1"})
    assert (none.status, none["error"]["param"]) == (400, "product")


def test_the_amounts_of_a_price_never_change(api: Any) -> None:
    made = api.post("/v1/prices", {**BASE, "unit_amount": "1"})
    path = f"/v1/prices/{made['id']}"
    for name in ("unit_amount", "currency", "product", "recurring[interval]"):
        assert api.post(path, {name: "1"})["error"]["code"] == "parameter_unknown", name
    assert api.post(path, {"nickname": "n"})["nickname"] == "n"
    assert api.post(path, {"tax_behavior": "inclusive"})["tax_behavior"] == "inclusive"
    assert api.post(path, {"tax_behavior": "inclusive"}).status == 200
    assert api.post(path, {"tax_behavior": "exclusive"})["error"]["param"] == "tax_behavior"


def test_a_lookup_key_names_one_price_and_can_be_taken_over(api: Any) -> None:
    first = api.post("/v1/prices", {**BASE, "unit_amount": "1", "lookup_key": "gold"})
    refused = api.post("/v1/prices", {**BASE, "unit_amount": "2", "lookup_key": "gold"})
    assert (refused.status, refused["error"]["param"]) == (400, "lookup_key")
    assert first["id"] in refused["error"]["message"]
    second = api.post(
        "/v1/prices", {**BASE, "unit_amount": "2", "lookup_key": "gold", "transfer_lookup_key": "true"}
    )
    assert api.get(f"/v1/prices/{first['id']}")["lookup_key"] is None
    found = api.get("/v1/prices", {"lookup_keys[]": "gold"})["data"]
    assert [price["id"] for price in found] == [second["id"]]
    assert api.event_types(type="price.*") == ["price.created", "price.updated", "price.created"]
    back = api.post(f"/v1/prices/{first['id']}", {"lookup_key": "gold", "transfer_lookup_key": "true"})
    assert back["lookup_key"] == "gold"
    assert api.get(f"/v1/prices/{second['id']}")["lookup_key"] is None


def test_one_of_eight_at_once_gets_the_lookup_key(api: Any) -> None:
    answers: list[Any] = []

    def ask() -> None:
        answers.append(api.post("/v1/prices", {**BASE, "unit_amount": "1", "lookup_key": "gold"}))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200] + [400] * 7, answers
    assert {a["error"]["param"] for a in answers if a.status == 400} == {"lookup_key"}


def test_prices_are_filtered_by_recurring(api: Any) -> None:
    monthly = api.post("/v1/prices", {**BASE, "unit_amount": "1", "recurring[interval]": "month"})["id"]
    once = api.post("/v1/prices", {**BASE, "unit_amount": "1"})["id"]
    for query, found in [
        ({"type": "recurring"}, [monthly]),
        ({"type": "one_time"}, [once]),
        ({"currency": "eur"}, []),
        ({"recurring[interval]": "month"}, [monthly]),
        ({"recurring[interval]": "year"}, []),
        ({"recurring[usage_type]": "licensed"}, [monthly]),
        ({"active": "false"}, []),
    ]:
        assert [price["id"] for price in api.get("/v1/prices", query)["data"]] == found, query


def test_a_product_is_created_with_its_default_price(api: Any) -> None:
    made = api.post(
        "/v1/products",
        {
            "name": "Gold",
            "default_price_data[currency]": "usd",
            "default_price_data[unit_amount_decimal]": "9.5",
            "default_price_data[recurring][interval]": "month",
            "default_price_data[metadata][a]": "1",
            "expand[]": "default_price",
        },
    )
    price = made["default_price"]
    assert (price["product"], price["unit_amount_decimal"], price["metadata"]) == (
        made["id"],
        "9.5",
        {"a": "1"},
    )
    assert price["recurring"]["interval_count"] == 1
    assert api.event_types() == ["product.created", "price.created", "plan.created"]
    archived = api.post(f"/v1/prices/{price['id']}", {"active": "false"})
    assert archived["error"]["message"] == (
        "This price cannot be archived because it is the default price of its product."
    )


def test_the_default_price_belongs_to_the_product(api: Any) -> None:
    price = api.post("/v1/prices", {**BASE, "unit_amount": "1"})
    other = api.post("/v1/products", {"name": "Silver"})["id"]
    refused = api.post(f"/v1/products/{other}", {"default_price": price["id"]})
    assert (refused.status, refused["error"]["param"]) == (400, "default_price")
    assert api.post("/v1/products", {"name": "x", "default_price": price["id"]}).status == 400
    assert api.post(f"/v1/products/{price['product']}", {"default_price": price["id"]}).status == 200


def test_a_product_with_prices_cannot_be_deleted(api: Any) -> None:
    price = api.post("/v1/prices", {**BASE, "unit_amount": "1", "active": "false"})
    refused = api.delete(f"/v1/products/{price['product']}")
    assert refused.status == 400
    assert refused["error"] == {
        "type": "invalid_request_error",
        "message": "This product cannot be deleted because it has one or more user-created prices.",
    }
    free = api.post("/v1/products", {"name": "Free"})["id"]
    assert api.delete(f"/v1/products/{free}") == {"id": free, "object": "product", "deleted": True}
    assert api.get(f"/v1/products/{free}").status == 404


def test_an_update_that_changes_nothing_is_not_emitted(api: Any) -> None:
    product = api.post("/v1/products", {"name": "Gold"})
    same = api.post(f"/v1/products/{product['id']}", {"name": "Gold"})
    assert same["updated"] == product["updated"]
    assert api.event_types() == ["product.created"]


@pytest.mark.parametrize("id", ["a b", "a/b", "ä", "x" * 256])
def test_an_id_that_no_path_can_hold_is_refused(api: Any, id: str) -> None:
    assert api.post("/v1/products", {"id": id, "name": "x"})["error"]["param"] == "id"
