"""Does each visit of a payment link make a session, within its limits (§9.2)?"""

from typing import Any

from tests.support.page_visits import PAYER, Visitor
from tests.support.world import World


def link(world: World, **more: Any) -> dict[str, Any]:
    lines = [{"price": world.once("Book", usd=12), "quantity": 1}]
    return world.post("/v1/payment_links", **{"line_items": lines, **more})


def test_each_visit_is_a_session_of_its_own(world: World, app: Any) -> None:
    made = link(world, metadata={"a": "1"})
    visitor = Visitor(app).opens(made["url"])
    assert visitor.status == 200 and "US$12.00" in visitor.words()
    visitor.sends(**PAYER)
    assert "Your payment of US$12.00" in visitor.words()
    Visitor(app).opens(f"{made['url']}?prefilled_email=ben@example.com&client_reference_id=7")
    second, first = world.get("/v1/checkout/sessions", payment_link=made["id"])["data"]
    assert (first["status"], first["payment_link"], first["metadata"]) == ("complete", made["id"], {"a": "1"})
    assert (second["status"], second["client_reference_id"]) == ("open", "7")
    assert second["customer_details"]["email"] == "ben@example.com"


def test_a_link_closes_at_its_limit_or_when_it_is_deactivated(world: World, app: Any) -> None:
    made = link(world, restrictions={"completed_sessions": {"limit": 1}})
    Visitor(app).opens(made["url"]).sends(**PAYER)
    now = world.get(f"/v1/payment_links/{made['id']}")
    assert now["restrictions"] == {"completed_sessions": {"count": 1, "limit": 1}}
    assert (now["active"], Visitor(app).opens(made["url"]).status) == (False, 410)
    other = link(world)
    world.post(f"/v1/payment_links/{other['id']}", active=False, inactive_message="Sold out, sorry.")
    assert "Sold out, sorry." in Visitor(app).opens(other["url"]).words()


def test_a_link_leads_on_where_it_says(world: World, app: Any) -> None:
    after = {"type": "redirect", "redirect": {"url": "https://shop.example/thanks"}}
    made = link(world, after_completion=after)
    assert made["after_completion"] == after
    visitor = Visitor(app).opens(made["url"]).sends(**PAYER)
    assert 'url=https://shop.example/thanks"' in visitor.text


def test_quantities_of_a_link_change_and_its_prices_do_not(world: World) -> None:
    made = link(world)
    [line] = world.get(f"/v1/payment_links/{made['id']}/line_items")["data"]
    world.post(f"/v1/payment_links/{made['id']}", line_items=[{"id": line["id"], "quantity": 4}])
    [after] = world.get(f"/v1/payment_links/{made['id']}/line_items")["data"]
    assert (after["id"], after["quantity"], after["amount_total"]) == (line["id"], 4, 4800)
    wrong = world.refused(f"/v1/payment_links/{made['id']}", line_items=[{"id": "li_1", "quantity": 1}])
    assert wrong["code"] == "resource_missing"
    assert [event["type"] for event in world.events()][-1] == "payment_link.created"
