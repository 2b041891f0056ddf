"""A price whose amount the customer chooses is refused where nobody asks the customer (§2.2)."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.world import Customer, World, months

NO_AMOUNT = "The price specified has no unit amount."


def chosen(world: World) -> str:
    form = {"currency": "usd", "product_data": {"name": "Gift"}, "custom_unit_amount": {"enabled": True}}
    return str(world.post("/v1/prices", **form)["id"])


def invoice_item(world: World, anna: Customer, price: str) -> tuple[str, dict[str, Any]]:
    return "/v1/invoiceitems", {"customer": anna.id, "pricing": {"price": price}}


def previewed_item(world: World, anna: Customer, price: str) -> tuple[str, dict[str, Any]]:
    return "/v1/invoices/create_preview", {"customer": anna.id, "invoice_items": [{"price": price}]}


def extra_at_first(world: World, anna: Customer, price: str) -> tuple[str, dict[str, Any]]:
    items = [{"price": world.plan("Pro", usd=20)}]
    return "/v1/subscriptions", {"customer": anna.id, "items": items, "add_invoice_items": [{"price": price}]}


def extra_later(world: World, anna: Customer, price: str) -> tuple[str, dict[str, Any]]:
    plan = anna.subscribes_to(world.plan("Pro", usd=20))
    return f"/v1/subscriptions/{plan.id}", {"add_invoice_items": [{"price": price}]}


def extra_of_a_phase(world: World, anna: Customer, price: str) -> tuple[str, dict[str, Any]]:
    items, extra = [{"price": world.plan("Pro", usd=20)}], [{"price": price}]
    phases = [{"items": items, "duration": months(1), "add_invoice_items": extra}]
    return "/v1/subscription_schedules", {"customer": anna.id, "start_date": "now", "phases": phases}


def quote_line(world: World, anna: Customer, price: str) -> tuple[str, dict[str, Any]]:
    return "/v1/quotes", {"customer": anna.id, "line_items": [{"price": price}]}


Way = Callable[[World, Customer, str], tuple[str, dict[str, Any]]]
WAYS = (invoice_item, previewed_item, extra_at_first, extra_later, extra_of_a_phase, quote_line)


@pytest.mark.parametrize("way", WAYS)
def test_a_price_that_the_customer_chooses_is_refused_everywhere_alike(world: World, way: Way) -> None:
    world.at("2025-01-01")
    path, form = way(world, world.customer("anna"), chosen(world))
    error = world.refused(path, **form)
    assert (error["status"], error["message"]) == (400, NO_AMOUNT)
    assert error["param"].endswith("price]") or error["param"] == "price"


@pytest.mark.parametrize("way", WAYS)
def test_archived_prices_are_refused_everywhere_alike(world: World, way: Way) -> None:
    world.at("2025-01-01")
    price = world.once("Setup", usd=5)
    world.post(f"/v1/prices/{price}", active=False)
    path, form = way(world, world.customer("anna"), price)
    error = world.refused(path, **form)
    assert (error["status"], "is inactive" in error["message"]) == (400, True)


@pytest.mark.parametrize("option", [{"custom_unit_amount": {"enabled": True}}, {"tax_behavior": "exclusive"}])
def test_a_price_without_an_amount_in_the_currency_is_refused(world: World, option: dict[str, Any]) -> None:
    """Its own currency has an amount, the other one has none."""
    world.at("2025-01-01")
    form = {"currency": "usd", "unit_amount": 500, "currency_options": {"eur": option}}
    once = world.post("/v1/prices", **form, product_data={"name": "Setup"})["id"]
    monthly = world.post("/v1/prices", **form, product_data={"name": "P"}, recurring={"interval": "month"})[
        "id"
    ]
    anna = world.customer("anna")
    error = world.refused("/v1/invoiceitems", customer=anna.id, pricing={"price": once}, currency="eur")
    assert (error["status"], error["param"]) == (400, "currency")
    error = world.refused("/v1/subscriptions", customer=anna.id, items=[{"price": monthly}], currency="eur")
    assert (error["status"], error["param"]) == (400, "currency")
