"""Is whoever pays on a page taxed at the address that they enter, and only after they have seen the total?"""

from typing import Any

import pytest

from tests.flows.taxes.sellers import UNION, buyer, seller, standard
from tests.support.page_visits import PAYER, Visitor
from tests.support.world import World

OK = "https://shop.example/ok"
GERMAN = {**PAYER, "country": "DE", "line1": "Unter den Linden 1", "city": "Berlin", "postal_code": "10117"}


@pytest.fixture
def visitor(app: Any) -> Visitor:
    return Visitor(app)


@pytest.fixture
def world(world: World) -> World:
    return seller(world, standard("SE"), UNION)


def opened(world: World, price: str, mode: str, **more: Any) -> dict[str, Any]:
    line = {"line_items": [{"price": price, "quantity": 1}]}
    on = {"automatic_tax": {"enabled": True}}
    return world.post("/v1/checkout/sessions", mode=mode, success_url=OK, **line, **on, **more)


def read(world: World, made: dict[str, Any]) -> dict[str, Any]:
    return world.get(f"/v1/checkout/sessions/{made['id']}")


@pytest.mark.parametrize("mode", ["payment", "subscription"])
def test_a_visitor_sees_the_total_with_tax_before_paying_it(
    world: World, visitor: Visitor, contract: Any, mode: str
) -> None:
    price = world.plan("Pro", eur=10) if mode == "subscription" else world.once("Setup", eur=10)
    invoiced = {"invoice_creation": {"enabled": True}} if mode == "payment" else {}
    made = opened(world, price, mode, **invoiced)
    assert contract.problems(made) == []
    assert made["automatic_tax"]["status"] == "requires_location_inputs" and made["amount_total"] == 1000
    visitor.opens(made["url"]).sends(**GERMAN)
    assert visitor.status == 422 and "the total is" in visitor.words() and "11.90" in visitor.words()
    shown = read(world, made)
    assert (shown["status"], shown["amount_total"], shown["automatic_tax"]["status"]) == (
        "open",
        1190,
        "complete",
    )
    assert world.get("/v1/customers")["data"] == []
    visitor.sends(**GERMAN)
    done = read(world, made)
    assert (done["status"], done["payment_status"], done["total_details"]["amount_tax"]) == (
        "complete",
        "paid",
        190,
    )
    invoice = world.get(f"/v1/invoices/{done['invoice']}")
    assert (invoice["total"], invoice["status"]) == (1190, "paid")


def test_a_known_customer_pays_at_once(world: World, visitor: Visitor) -> None:
    anna = buyer(world, "SE")
    made = opened(world, world.plan("Pro", eur=10), "subscription", customer=anna.id)
    assert (made["amount_total"], made["automatic_tax"]["status"]) == (1250, "complete")
    visitor.opens(made["url"]).sends(**{**GERMAN, "country": "SE"})
    assert read(world, made)["status"] == "complete"


def test_a_link_taxes_each_visitor(world: World, visitor: Visitor, contract: Any) -> None:
    price = world.once("Setup", eur=10)
    link = world.post(
        "/v1/payment_links", line_items=[{"price": price, "quantity": 1}], automatic_tax={"enabled": True}
    )
    assert contract.problems(link) == [] and link["automatic_tax"]["enabled"]
    visitor.opens(link["url"]).sends(**GERMAN)
    assert "11.90" in visitor.words()
    off = world.post(f"/v1/payment_links/{link['id']}", automatic_tax={"enabled": False})
    assert not off["automatic_tax"]["enabled"]


def test_shipping_options_are_not_beside_automatic_tax(world: World) -> None:
    rate = {
        "type": "fixed_amount",
        "fixed_amount": {"amount": 500, "currency": "eur"},
        "display_name": "Post",
    }
    refused = world.refused(
        "/v1/checkout/sessions",
        mode="payment",
        success_url=OK,
        line_items=[{"price": world.once("Setup", eur=10), "quantity": 1}],
        automatic_tax={"enabled": True},
        shipping_options=[{"shipping_rate_data": rate}],
    )
    assert refused["param"] == "shipping_options"
