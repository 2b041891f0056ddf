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
    assert visitor.status == 200 and "the total is" in visitor.words() and "11.90" in visitor.words()
    assert "did not go through" not in visitor.words()
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


POST = {"type": "fixed_amount", "fixed_amount": {"amount": 500, "currency": "eur"}, "display_name": "Post"}
PIGEON = {**POST, "display_name": "Pigeon", "tax_code": "txcd_00000000"}


@pytest.mark.parametrize(
    ("offer", "tax"), [(POST, 285), (PIGEON, 190), ({**POST, "tax_behavior": "inclusive"}, 270)]
)
@pytest.mark.parametrize("invoiced", [True, False])
def test_shipping_is_taxed_by_its_own_tax_code(
    world: World, visitor: Visitor, contract: Any, offer: dict[str, Any], tax: int, invoiced: bool
) -> None:
    options = {"shipping_options": [{"shipping_rate_data": offer}]}
    price = world.once("Box", eur=10)
    made = opened(world, price, "payment", invoice_creation={"enabled": invoiced}, **options)
    assert made["amount_total"] == 1500
    visitor.opens(made["url"]).sends(**GERMAN)
    visitor.sends(**GERMAN)
    done = read(world, made)
    inside = 80 if "tax_behavior" in offer else 0
    assert contract.problems(done) == []
    assert (done["status"], done["amount_total"]) == ("complete", 1500 + tax - inside)
    assert (done["total_details"]["amount_tax"], done["total_details"]["amount_shipping"]) == (tax, 500)
    assert done["shipping_cost"]["amount_tax"] == tax - 190
    assert done["shipping_cost"]["amount_total"] == 500 + tax - 190 - inside
    charged = world.get(f"/v1/payment_intents/{done['payment_intent']}")["amount_received"]
    assert charged == done["amount_total"]
    if invoiced:
        invoice = world.get(f"/v1/invoices/{done['invoice']}")
        assert contract.problems(invoice) == []
        assert (invoice["total"], invoice["amount_shipping"]) == (done["amount_total"], 500)
        assert invoice["shipping_cost"]["amount_tax"] == done["shipping_cost"]["amount_tax"]


@pytest.mark.parametrize("automatic", [True, False])
def test_what_recurs_is_not_shipped(world: World, automatic: bool) -> None:
    """Its invoice would not have it, while the session's total would."""
    refused = world.refused(
        "/v1/checkout/sessions",
        mode="subscription",
        success_url=OK,
        line_items=[{"price": world.plan("Pro", eur=10), "quantity": 1}],
        automatic_tax={"enabled": automatic},
        shipping_options=[{"shipping_rate_data": POST}],
    )
    assert refused["param"] == "shipping_options"
    assert refused["message"] == "You can not pass `shipping_options` in `subscription` mode."


def test_rates_of_lines_are_not_beside_automatic_tax(world: World) -> None:
    """They would be ignored: automatic tax decides by itself (§12.1)."""
    rate, price, plan = world.tax(25), world.once("Setup", eur=10), world.plan("Pro", eur=10)
    automatic = {"automatic_tax": {"enabled": True}}
    line = {"price": price, "quantity": 1, "tax_rates": [rate]}
    anna = buyer(world, "DE").id
    draft = world.post("/v1/invoices", customer=anna, currency="eur", **automatic)["id"]
    subscribed = world.post("/v1/subscriptions", customer=anna, items=[{"price": plan}], **automatic)
    item = subscribed["items"]["data"][0]["id"]
    mine = {"customer": anna, **automatic}
    added = {"amount": 1000, "tax_rates": [rate]}
    rated = [{"price": plan, "tax_rates": [rate]}]
    for path, sent, param in (
        (
            "/v1/checkout/sessions",
            {"mode": "payment", "success_url": OK, "line_items": [line], **automatic},
            "line_items",
        ),
        ("/v1/subscriptions", {"items": rated, **mine}, "items"),
        (
            "/v1/subscriptions",
            {"items": [{"price": plan}], "add_invoice_items": [line], **mine},
            "add_invoice_items",
        ),
        (f"/v1/subscriptions/{subscribed['id']}", {"items": [{"id": item, "tax_rates": [rate]}]}, "items"),
        ("/v1/quotes", {"line_items": [line], **mine}, "line_items"),
        (f"/v1/invoices/{draft}/add_lines", {"lines": [added]}, "lines"),
    ):
        assert world.refused(path, **sent)["param"] == f"{param}[0][tax_rates]", path
    more = {"customer": anna, "invoice": draft, "currency": "eur"}
    assert world.refused("/v1/invoiceitems", **more, **added)["param"] == "tax_rates"
