"""A preview takes what the deed would take: for whom, in which currency, with what besides (§7.8)."""

from typing import Any

import pytest

from tests.flows.subscription_changes.test_changes import item_of
from tests.support.preview_checks import amounts, last_invoice_lines, lines_of, preview, refused_preview
from tests.support.world import Customer, Subscription, World, seconds


def running(world: World, **more: Any) -> tuple[Customer, Subscription]:
    world.at("2025-05-01")
    anna = world.customer("anna", **more)
    plan = anna.subscribes_to({"price": world.plan("Seat", usd=15), "quantity": 5})
    world.at("2025-05-16 12:00")
    return anna, plan


# ------------------------------------------------------------------------------------- for whom


def test_somebody_who_is_no_customer_sees_what_would_be_billed(world: World, contract: Any) -> None:
    world.at("2025-05-01")
    vat = world.tax(20)
    details = {"items": [{"price": world.plan("Seat", usd=15), "quantity": 2}], "default_tax_rates": [vat]}
    nobody = {
        "address": {"country": "DE", "city": "Bonn", "line1": "Am Hof 1"},
        "shipping": {"address": {"country": "FR"}, "name": "Berta", "phone": "+331"},
        "tax": {"ip_address": "192.0.2.7"},
        "tax_exempt": "none",
        "tax_ids": [{"type": "eu_vat", "value": "DE136695976"}],
    }
    shown = preview(world, customer_details=nobody, subscription_details=details)
    assert contract.problems(shown) == []
    assert (shown["customer"], shown["total"]) == (None, 3600)
    assert (shown["customer_address"]["city"], shown["customer_shipping"]["name"]) == ("Bonn", "Berta")
    assert shown["customer_tax_ids"] == [{"type": "eu_vat", "value": "DE136695976"}]
    exempt = {**nobody, "tax_exempt": "exempt"}
    assert preview(world, customer_details=exempt, subscription_details=details)["total"] == 3000
    extra = [{"amount": 700, "currency": "usd", "description": "Setup"}]
    assert lines_of(preview(world, customer_details={"tax_exempt": ""}, invoice_items=extra)) == [
        ("Setup", 700)
    ]
    assert world.get("/v1/customers", test_clock=world.clock)["data"] == []


def test_a_customer_sees_what_other_details_would_make_of_the_invoice(world: World) -> None:
    anna, plan = running(world, address={"country": "DE"})
    plan.update(default_tax_rates=[world.tax(20)])
    assert preview(world, subscription=plan.id)["total"] == 9000
    reverse = {"tax_exempt": "reverse", "address": {"country": "FR"}}
    shown = preview(world, subscription=plan.id, customer_details=reverse)
    assert (shown["total"], shown["customer_tax_exempt"], shown["customer"]) == (7500, "reverse", anna.id)
    assert shown["customer_address"]["country"] == "FR"
    assert anna.now["tax_exempt"] == "none"


def test_the_numbers_of_a_customer_are_those_that_are_asked_about(world: World) -> None:
    anna, plan = running(world)
    world.post(f"/v1/customers/{anna.id}/tax_ids", type="eu_vat", value="DE136695976")
    world.at("2025-05-17")
    kept = {"type": "eu_vat", "value": "DE136695976"}
    assert preview(world, subscription=plan.id)["customer_tax_ids"] == [kept]
    others = [{"type": "ch_uid", "value": "CHE-123.456.788"}]
    shown = preview(world, customer=anna.id, customer_details={"tax_ids": others})
    assert shown["customer_tax_ids"] == others
    wrong = {"tax_ids": [{"type": "eu_vat", "value": "DE1"}]}
    assert refused_preview(world, customer=anna.id, customer_details=wrong)[1:] == (
        "tax_id_invalid",
        "customer_details[tax_ids][0][value]",
    )


def test_a_new_subscription_of_somebody_who_has_one_is_a_new_one(world: World) -> None:
    anna, plan = running(world)
    details = {"items": [{"price": world.plan("More", usd=9)}]}
    shown = preview(world, customer=anna.id, subscription_details=details)
    assert lines_of(shown) == [("1 × More (at $9.00 / month)", 900)]
    other = {"items": [{"id": item_of(plan), "quantity": 2}]}
    assert refused_preview(world, customer=anna.id, subscription_details=other) == (
        400,
        "resource_missing",
        "subscription_details[items][0][id]",
    )


# ------------------------------------------------------------------------------------- what is billed


def test_items_that_are_not_there_yet_are_on_it(world: World) -> None:
    anna, plan = running(world)
    product = world.post("/v1/products", name="Hours")["id"]
    coupon, vat = world.coupon(percent_off=50), world.tax(10)
    items: list[dict[str, Any]] = [
        {"amount": 100, "description": "a", "tax_rates": [vat], "metadata": {"k": "v"}},
        {"price": world.once("Setup", usd=50), "quantity": 2, "discounts": [{"coupon": coupon}]},
        {"price_data": {"currency": "usd", "product": product, "unit_amount": 300}, "quantity": 3},
        {"unit_amount": 20, "quantity": 4, "description": "d", "discountable": False},
        {
            "unit_amount_decimal": "0.5",
            "quantity": 5,
            "description": "e",
            "period": {"start": seconds("2025-05-01"), "end": seconds("2025-05-05")},
        },
        {"amount": -40, "description": "f"},
    ]
    shown = preview(world, subscription=plan.id, invoice_items=items)
    lines = {line["description"]: line for line in shown["lines"]["data"]}
    assert {name: line["amount"] for name, line in lines.items()} == {
        "a": 100,
        "Setup": 10000,
        "Hours": 900,
        "d": 80,
        "e": 3,
        "f": -40,
        "5 × Seat (at $15.00 / month)": 7500,
    }
    assert shown["total"] == 110 + 5000 + 900 + 80 + 3 - 40 + 7500
    assert (lines["a"]["metadata"], lines["d"]["discountable"]) == ({"k": "v"}, False)
    assert lines["e"]["period"] == {"start": seconds("2025-05-01"), "end": seconds("2025-05-05")}
    for item in items:
        data = item.pop("price_data", None)
        unit = item.pop("unit_amount", None)
        price = item.pop("price", None)
        more = {"pricing": {"price": price}} if price else {}
        if data or unit:
            more = {"unit_amount_decimal": unit or data["unit_amount"]}
        if data:
            more["description"] = "Hours"
        form = {"currency": "usd", "subscription": plan.id, **item, **more}
        world.post(
            "/v1/invoiceitems", customer=anna.id, **(form if not price else {**form, "currency": None})
        )
    world.at("2025-06-01 01:00")
    assert sorted(last_invoice_lines(anna)) == sorted(lines_of(shown))
    assert anna.last_invoice.data["total"] == shown["total"]


def test_an_item_that_waits_may_be_other_than_it_is(world: World) -> None:
    anna, plan = running(world)
    owed = anna.owes(700, "Setup")
    other = [{"invoiceitem": owed, "amount": 900, "description": "More", "tax_rates": [world.tax(10)]}]
    shown = preview(world, subscription=plan.id, invoice_items=other)
    assert lines_of(shown)[0] == ("More", 900)
    assert shown["total"] == 990 + 7500
    priced = [{"invoiceitem": owed, "price": world.once("Setup", usd=50)}]
    assert refused_preview(world, subscription=plan.id, invoice_items=priced)[2] == "invoice_items[0][price]"
    berta = world.customer("berta")
    hers = [{"invoiceitem": berta.owes(1), "amount": 2}]
    assert (
        refused_preview(world, subscription=plan.id, invoice_items=hers)[2] == "invoice_items[0][invoiceitem]"
    )


ITEMS: list[tuple[dict[str, Any], str | None, str]] = [
    ({"price": "price_none"}, "resource_missing", "price"),
    ({"unit_amount": 1, "unit_amount_decimal": "1"}, "parameters_exclusive", "unit_amount_decimal"),
    ({"amount": 1, "discounts": [{"coupon": "none"}]}, "resource_missing", "discounts][0][coupon"),
    ({"price_data": {"currency": "usd", "product": "none", "unit_amount": 1}}, "resource_missing",
     "price_data][product"),
    ({"quantity_decimal": "1.5", "unit_amount": 1}, "parameter_unknown", "quantity_decimal"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "code", "param"), ITEMS)
def test_an_item_that_cannot_be_is_refused_by_name(
    world: World, item: dict[str, Any], code: str | None, param: str
) -> None:
    _, plan = running(world)
    assert refused_preview(world, subscription=plan.id, invoice_items=[item]) == (
        400,
        code,
        f"invoice_items[0][{param}]",
    )


def test_the_discounts_that_are_asked_about_take_the_place_of_others(world: World) -> None:
    anna, plan = running(world)
    world.post(f"/v1/customers/{anna.id}", metadata={"a": "b"})
    plan.update(discounts=[{"coupon": world.coupon(percent_off=10, duration="forever")}])
    assert preview(world, subscription=plan.id)["total"] == 6750
    half = [{"coupon": world.coupon(percent_off=50)}]
    assert preview(world, subscription=plan.id, discounts=half)["total"] == 3750
    assert preview(world, subscription=plan.id, discounts="")["total"] == 7500
    details = {"items": [{"price": world.plan("New", usd=20)}]}
    shown = preview(world, customer=anna.id, subscription_details=details, discounts=half)
    assert shown["total"] == 1000
    anna.subscribes_to(*(item["price"] for item in details["items"]), discounts=half)
    assert amounts(anna.last_invoice.now) == amounts(shown)


def test_without_any_discount_a_new_subscription_has_not_that_of_its_customer(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    world.post(
        "/v1/subscriptions",
        customer=anna.id,
        items=[{"price": world.plan("Free", usd=0)}],
        discounts=[{"coupon": world.coupon(percent_off=10, duration="forever")}],
    )
    details = {"items": [{"price": world.plan("New", usd=20)}]}
    assert preview(world, customer=anna.id, subscription_details=details, discounts="")["total"] == 2000


def test_what_a_preview_names_can_be_expanded(world: World) -> None:
    anna, plan = running(world)
    coupon, vat = world.coupon(percent_off=50), world.tax(10)
    item = [{"amount": 100, "discounts": [{"coupon": coupon}], "tax_rates": [vat]}]
    expand = ["customer", "discounts", "lines.data.discounts.source.coupon"]
    shown = preview(
        world,
        subscription=plan.id,
        invoice_items=item,
        expand=expand,
        discounts=[{"coupon": world.coupon(percent_off=10)}],
    )
    assert (shown["customer"]["id"], shown["discounts"][0]["object"]) == (anna.id, "discount")
    assert shown["lines"]["data"][0]["discounts"][0]["source"]["coupon"]["id"] == coupon
    assert refused_preview(world, subscription=plan.id, expand=["currency"])[0] == 400


# ------------------------------------------------------------------------------------- the rest


def test_the_currency_is_that_of_what_is_billed(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    price = world.post(
        "/v1/prices",
        currency="usd",
        unit_amount=1000,
        product_data={"name": "Seat"},
        recurring={"interval": "month"},
        currency_options={"chf": {"unit_amount": 900}},
    )["id"]
    details = {"items": [{"price": price}]}
    shown = preview(world, customer=anna.id, currency="chf", subscription_details=details)
    assert (shown["currency"], shown["total"]) == ("chf", 900)
    extra = [{"amount": 5, "description": "x"}]
    alone = preview(world, customer=anna.id, currency="chf", invoice_items=extra)
    assert (alone["currency"], alone["total"]) == ("chf", 5)
    plan = anna.subscribes_to(price)
    assert refused_preview(world, subscription=plan.id, currency="chf")[2] == "currency"


def test_who_issues_it_and_for_whom(world: World) -> None:
    _, plan = running(world)
    shown = preview(
        world,
        subscription=plan.id,
        issuer={"type": "self"},
        on_behalf_of="acct_other",
        automatic_tax={"enabled": False},
    )
    assert shown["issuer"] == {"account": None, "type": "self"}
    assert shown["on_behalf_of"] == "acct_other"
    other = {"type": "account", "account": "acct_other"}
    assert refused_preview(world, subscription=plan.id, issuer=other)[2] == "issuer"
    taxed = {"automatic_tax": {"enabled": True}}
    items = [{"price": world.plan("Plan", usd=1)}]
    on_create = world.refused("/v1/subscriptions", customer=plan.now["customer"], items=items, **taxed)
    asked = world.refused("/v1/invoices/create_preview", subscription=plan.id, **taxed)
    assert (asked["param"], asked["message"]) == (on_create["param"], on_create["message"])
    assert refused_preview(world, customer_account="acct_1") == (400, "resource_missing", "customer_account")


def test_a_move_to_flexible_is_shown_with_its_change(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    seat = world.plan("Seat", usd=15)
    plan = anna.subscribes_to({"price": seat, "quantity": 5}, billing_mode={"type": "classic"})
    world.at("2025-05-16 12:00")
    change = {"items": [{"id": item_of(plan), "quantity": 8}], "proration_behavior": "always_invoice"}
    flexible = {"type": "flexible"}
    shown = preview(world, subscription=plan.id, subscription_details={**change, "billing_mode": flexible})
    world.post(f"/v1/subscriptions/{plan.id}/migrate", billing_mode=flexible)
    plan.update(**change)
    assert last_invoice_lines(anna) == lines_of(shown)
    back = {"billing_mode": {"type": "classic"}}
    assert (
        refused_preview(world, subscription=plan.id, subscription_details=back)[2]
        == "subscription_details[billing_mode][type]"
    )


BEGINNINGS: dict[str, dict[str, Any]] = {
    "classic": {"billing_mode": {"type": "classic"}},
    "since last month": {"start_date": seconds("2025-04-10")},
    "not for what has gone by": {"start_date": seconds("2025-04-10"), "proration_behavior": "none"},
    "anchored on the tenth": {
        "billing_cycle_anchor": {"type": "timestamp", "timestamp": seconds("2025-05-10")}
    },
    "to the twentieth": {"cancel_at": seconds("2025-05-20")},
    "with metadata": {"metadata": {"a": "b"}},
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_beginning_costs_what_its_preview_said(world: World, name: str) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    details = {**BEGINNINGS[name], "items": [{"price": world.plan("Seat", usd=15), "quantity": 2}]}
    details["default_tax_rates"] = [world.tax(8.1)]
    shown = preview(world, customer=anna.id, subscription_details=details)
    assert (shown["parent"]["subscription_details"]["metadata"]) == details.get("metadata", {})
    start, anchor = details.pop("start_date", None), details.pop("billing_cycle_anchor", {})
    items = details.pop("items")
    before = {"backdate_start_date": start, "billing_cycle_anchor": anchor.get("timestamp")}
    plan = anna.subscribes_to(*items, **details, **before)
    if not anna.invoices:
        world.at("2025-06-01 01:00")
    assert last_invoice_lines(anna) == lines_of(shown)
    assert amounts(anna.last_invoice.now) == amounts(shown)
    assert plan.status == "active"


def test_one_that_begins_later_is_shown_at_its_start(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    details = {"items": [{"price": world.plan("Seat", usd=15)}], "start_date": seconds("2025-05-20")}
    shown = preview(world, customer=anna.id, subscription_details=details)
    assert shown["lines"]["data"][0]["period"] == {
        "start": seconds("2025-05-20"),
        "end": seconds("2025-06-20"),
    }


def test_a_new_one_in_its_recurring_view_is_what_comes_every_month(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    anna.owes(700, "Setup")
    details = {"items": [{"price": world.plan("Seat", usd=15)}], "trial_end": seconds("2025-05-15")}
    shown = preview(world, customer=anna.id, subscription_details=details, preview_mode="recurring")
    assert lines_of(shown) == [("1 × Seat (at $15.00 / month)", 1500)]


DETAILS: list[tuple[bool, dict[str, Any], str]] = [
    (False, {"start_date": seconds("2025-05-01")}, "start_date"),
    (False, {"billing_cycle_anchor": {"type": "timestamp", "timestamp": 1}}, "billing_cycle_anchor][type"),
    (False, {"billing_cycle_anchor": {"type": "now", "timestamp": 1}}, "billing_cycle_anchor][timestamp"),
    (False, {"items": [{"price": "price_none"}]}, "items][0][price"),
    (False, {"proration_date": seconds("2025-04-01")}, "proration_date"),
    (False, {"proration_date": seconds("2025-05-10")}, "proration_date"),
    (False, {"proration_date": seconds("2025-05-10"), "metadata": {"a": "b"}}, "proration_date"),
    (
        False,
        {"proration_date": seconds("2025-05-10"), "trial_end": "now", "proration_behavior": "none"},
        "proration_date",
    ),
    (
        False,
        {"proration_date": seconds("2025-05-10"), "cancel_now": True, "proration_behavior": "none"},
        "proration_date",
    ),
    (False, {"proration_date": seconds("2025-04-10"), "cancel_now": True}, "proration_date"),
    (
        False,
        {"proration_date": seconds("2025-05-10"), "billing_cycle_anchor": {"type": "unchanged"}},
        "proration_date",
    ),
    (
        False,
        {
            "proration_date": seconds("2025-05-10"),
            "trial_end": "now",
            "billing_cycle_anchor": {"type": "now"},
        },
        "proration_date",
    ),
    (True, {"billing_cycle_anchor": {"type": "timestamp"}}, "billing_cycle_anchor][timestamp"),
    (True, {"cancel_now": True}, "cancel_now"),
    (True, {"pause": {"invoicing_behavior": "invoice"}}, "pause"),
    (True, {"proration_date": seconds("2025-05-10")}, "proration_date"),
    (True, {"resume_at": "now"}, "resume_at"),
    (True, {"trial_end": 1}, "trial_end"),
]


@pytest.mark.parametrize(("new", "details", "param"), DETAILS)
def test_details_that_make_no_sense_are_refused_by_name(
    world: World, new: bool, details: dict[str, Any], param: str
) -> None:
    anna, plan = running(world)
    items = {"items": [{"price": world.plan("New", usd=1)}], **details}
    form: dict[str, Any] = {"customer": anna.id, "subscription_details": items}
    if not new:
        form = {"subscription": plan.id, "subscription_details": details}
    assert refused_preview(world, **form)[2] == f"subscription_details[{param}]"


def test_only_what_is_paused_can_be_resumed(world: World) -> None:
    _, plan = running(world)
    error = world.refused(
        "/v1/invoices/create_preview", subscription=plan.id, subscription_details={"resume_at": "now"}
    )
    assert (error["status"], "You can only resume paused subscriptions" in error["message"]) == (400, True)
