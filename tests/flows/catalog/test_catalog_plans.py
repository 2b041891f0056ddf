"""Are plans the same as recurring prices, and is an archived product refused?"""

from typing import Any

import pytest

PLAN = {"currency": "usd", "interval": "month", "product[name]": "Gold"}
FIVE = {**PLAN, "amount": "500"}
BARE = {"currency": "usd", "interval": "month", "amount": "5"}
PACKS = {"transform_usage[divide_by]": "2", "transform_usage[round]": "up"}
TIERED = {
    **PLAN,
    "billing_scheme": "tiered",
    "tiers_mode": "graduated",
    "tiers[0][up_to]": "5",
    "tiers[0][unit_amount_decimal]": "0.5",
    "tiers[1][up_to]": "inf",
    "tiers[1][flat_amount]": "9",
}


def subscribed(api: Any, price: str) -> Any:
    customer = api.post(
        "/v1/customers",
        {"payment_method": "pm_card_visa", "invoice_settings[default_payment_method]": "pm_card_visa"},
    )
    return api.post("/v1/subscriptions", {"customer": customer["id"], "items[0][price]": price})


def test_a_plan_is_a_price_under_its_old_name(api: Any) -> None:
    plan = api.post(
        "/v1/plans",
        {
            **PLAN,
            "id": "gold",
            "amount_decimal": "0.5",
            "interval_count": "3",
            "nickname": "G",
            "trial_period_days": "7",
            "transform_usage[divide_by]": "10",
            "transform_usage[round]": "up",
            "metadata[a]": "1",
            "active": "false",
        },
    )
    assert (plan["id"], plan["amount"], plan["amount_decimal"]) == ("gold", None, "0.5")
    price = api.get("/v1/prices/gold")
    assert (price["object"], price["unit_amount_decimal"], price["nickname"]) == ("price", "0.5", "G")
    assert price["recurring"] == {
        "interval": "month",
        "interval_count": 3,
        "meter": None,
        "trial_period_days": 7,
        "usage_type": "licensed",
    }
    assert price["transform_quantity"] == plan["transform_usage"] == {"divide_by": 10, "round": "up"}
    assert (price["active"], price["metadata"], price["product"]) == (False, {"a": "1"}, plan["product"])
    assert api.get("/v1/plans/gold") == plan


def test_every_recurring_price_is_a_plan_and_no_other(api: Any) -> None:
    base = {"product_data[name]": "Gold", "currency": "usd", "unit_amount": "5"}
    monthly = api.post("/v1/prices", {**base, "recurring[interval]": "month"})
    once = api.post("/v1/prices", base)
    plan = api.get(f"/v1/plans/{monthly['id']}")
    assert (plan["object"], plan["amount"], plan["interval"]) == ("plan", 5, "month")
    assert api.get(f"/v1/plans/{once['id']}").status == 404
    tiered = api.post("/v1/plans", TIERED)
    assert tiered["id"].startswith("plan_") and tiered["amount"] is None and "tiers" not in tiered
    for query, found in [
        ({}, [tiered["id"], plan["id"]]),
        ({"product": plan["product"]}, [plan["id"]]),
        ({"active": "false"}, []),
        ({"created[lt]": "1000"}, []),
    ]:
        assert [row["id"] for row in api.get("/v1/plans", query)["data"]] == found, query
    shown = api.get("/v1/prices/" + tiered["id"], {"expand[]": "tiers"})
    assert shown["tiers"][0]["unit_amount_decimal"] == "0.5" and shown["tiers"][1]["up_to"] is None


def test_a_metered_plan_has_a_meter(api: Any) -> None:
    meter = api.post(
        "/v1/billing/meters",
        {"display_name": "T", "event_name": "tokens", "default_aggregation[formula]": "sum"},
    )["id"]
    plan = api.post("/v1/plans", {**FIVE, "usage_type": "metered", "meter": meter})
    assert (plan["usage_type"], plan["meter"]) == ("metered", meter)
    for sent in ({"usage_type": "metered"}, {"meter": meter}, {"usage_type": "metered", "meter": "mtr_none"}):
        assert api.post("/v1/plans", {**FIVE, **sent})["error"]["param"] == "meter", sent


@pytest.mark.parametrize(
    ("sent", "param", "code"),
    [
        (PLAN, "amount", "parameter_missing"),
        ({**FIVE, "amount_decimal": "1.5"}, "amount_decimal", "parameters_exclusive"),
        ({**FIVE, "amount": "-1"}, "amount", None),
        ({**FIVE, "interval_count": "37"}, "interval_count", None),
        ({**FIVE, "interval": "fortnight"}, "interval", None),
        ({**FIVE, "id": "a b"}, "id", None),
        (BARE, "product", "parameter_missing"),
        ({**BARE, "product": "prod_none"}, "product", "resource_missing"),
        ({**BARE, "product[active]": "true"}, "product[name]", "parameter_missing"),
        ({**TIERED, **PACKS}, "transform_usage", None),
        ({**TIERED, "tiers[1][up_to]": "9"}, "tiers[1][up_to]", None),
    ],
)
def test_an_invalid_plan_is_refused_with_the_names_of_its_own_params(
    api: Any, sent: dict[str, str], param: str, code: str | None
) -> None:
    answer = api.post("/v1/plans", sent)
    assert (answer.status, answer["error"]["param"], answer["error"].get("code")) == (400, param, code), (
        answer
    )
    assert "unit_amount" not in answer["error"]["message"] and "recurring" not in answer["error"]["message"]


def test_the_id_of_a_plan_can_be_chosen_once_per_account(api: Any, other: Any) -> None:
    assert api.post("/v1/plans", {**FIVE, "id": "gold"}).status == 200
    taken = api.post("/v1/plans", {**FIVE, "id": "gold"})
    assert (taken.status, taken["error"]["code"]) == (400, "resource_already_exists")
    assert other.get("/v1/prices/gold").status == 404
    assert other.post("/v1/plans", {**FIVE, "id": "gold", "amount": "7"}).status == 200
    assert subscribed(api, "gold")["items"]["data"][0]["price"]["unit_amount"] == 500
    assert subscribed(other, "gold")["items"]["data"][0]["plan"]["amount"] == 7


def test_a_plan_changes_its_product_only_before_it_is_used(api: Any) -> None:
    api.post("/v1/plans", {**FIVE, "id": "gold"})
    silver = api.post("/v1/products", {"name": "Silver"})["id"]
    moved = api.post("/v1/plans/gold", {"product": silver, "nickname": "S", "trial_period_days": "3"})
    assert (moved["product"], moved["nickname"], moved["trial_period_days"]) == (silver, "S", 3)
    assert api.post("/v1/plans/gold", {"metadata[a]": "1", "nickname": ""})["metadata"] == {"a": "1"}
    assert subscribed(api, "gold").status == 200
    refused = api.post("/v1/plans/gold", {"product": api.post("/v1/products", {"name": "x"})["id"]})
    assert (refused.status, refused["error"]["param"]) == (400, "product")
    assert api.post("/v1/plans/gold", {"active": "false"})["active"] is False
    assert api.get("/v1/prices/gold")["active"] is False
    assert api.post("/v1/plans/gold", {"amount": "1"})["error"]["code"] == "parameter_unknown"


def test_a_deleted_plan_is_not_found_and_its_subscriptions_keep_it(api: Any) -> None:
    for id in ("free", "used"):
        api.post("/v1/plans", {**FIVE, "id": id})
    subscription = subscribed(api, "used")
    for id in ("free", "used"):
        assert api.delete(f"/v1/plans/{id}") == {"id": id, "object": "plan", "deleted": True}
        assert api.get(f"/v1/plans/{id}").status == 404
        assert id not in [row["id"] for row in api.get("/v1/prices")["data"]]
        assert subscribed(api, id).status == 400
    assert api.get("/v1/prices/free").status == 404
    shown = api.get(f"/v1/subscriptions/{subscription['id']}")["items"]["data"][0]
    assert (shown["plan"]["id"], shown["price"]["unit_amount"]) == ("used", 500)


def test_the_plan_of_a_default_price_cannot_be_deleted(api: Any) -> None:
    made = api.post(
        "/v1/products",
        {
            "name": "Gold",
            "default_price_data[currency]": "usd",
            "default_price_data[unit_amount]": "9",
            "default_price_data[recurring][interval]": "month",
        },
    )
    assert api.delete(f"/v1/plans/{made['default_price']}").status == 400
    other = api.post("/v1/products", {"name": "x"})["id"]
    assert api.post(f"/v1/plans/{made['default_price']}", {"product": other})["error"]["param"] == "product"
    assert api.post(f"/v1/plans/{made['default_price']}", {"active": "false"})["error"]["param"] == "active"


def test_a_recurring_price_is_emitted_as_a_plan_as_well(api: Any) -> None:
    base = {"product_data[name]": "Gold", "currency": "usd", "unit_amount": "5"}
    api.post("/v1/prices", base)
    monthly = api.post("/v1/prices", {**base, "recurring[interval]": "month"})["id"]
    api.post(f"/v1/prices/{monthly}", {"nickname": "n"})
    api.post(f"/v1/prices/{monthly}", {"lookup_key": "k"})
    api.post("/v1/plans", {**FIVE, "id": "gold"})
    api.post("/v1/plans/gold", {"nickname": "n"})
    api.delete("/v1/plans/gold")
    emitted = ["plan.created", "plan.updated", "plan.created", "plan.updated", "plan.deleted"]
    assert api.event_types(type="plan.*") == emitted
    prices = ["price.created", "price.created", "price.updated", "price.updated"]
    assert api.event_types(type="price.*") == [*prices, "price.created", "price.updated", "price.deleted"]
    event = api.get("/v1/events", {"type": "plan.updated"})["data"][0]
    assert event["data"]["previous_attributes"] == {"nickname": None}
    assert event["data"]["object"] == {**api.get("/v1/plans/" + monthly), **event["data"]["object"]}


def test_an_archived_product_is_not_sold_any_more(api: Any) -> None:
    monthly = api.post("/v1/plans", FIVE)
    once = api.post("/v1/prices", {"product": monthly["product"], "currency": "usd", "unit_amount": "5"})[
        "id"
    ]
    kept = subscribed(api, monthly["id"])
    api.post(f"/v1/products/{monthly['product']}", {"active": "false"})
    refused = subscribed(api, monthly["id"])
    assert (refused.status, refused["error"]["code"]) == (400, "product_inactive")
    assert refused["error"]["param"] == "items[0][price]"
    sent = {"customer": kept["customer"], "pricing[price]": once}
    item = api.post("/v1/invoiceitems", sent)
    assert (item.status, item["error"]["code"]) == (400, "product_inactive")
    assert api.get(f"/v1/subscriptions/{kept['id']}")["status"] == "active"
    api.post(f"/v1/products/{monthly['product']}", {"active": "true"})
    assert subscribed(api, monthly["id"]).status == 200 == api.post("/v1/invoiceitems", sent).status
