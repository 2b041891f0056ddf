"""Is the cost of shipping credited by itself, beside lines, and once (§3.3)?"""

from tests.support.world import Invoice, World


def shipped(world: World) -> Invoice:
    """An open invoice of 100 with shipping of 8, and 25 % of tax on both."""
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.owes(10000)
    post = {"display_name": "Post", "fixed_amount": {"amount": 800, "currency": "usd"}}
    invoice = anna.bills(default_tax_rates=[world.tax(25)], shipping_cost={"shipping_rate_data": post})
    invoice.does("finalize")
    return invoice


def test_shipping_is_credited_alone_and_once(world: World) -> None:
    invoice = shipped(world)
    rate = invoice.data["shipping_cost"]["shipping_rate"]
    wanted = {"invoice": invoice.data["id"], "shipping_cost": {"shipping_rate": rate}}
    seen = world.get("/v1/credit_notes/preview", **wanted)
    assert (seen["total"], seen["amount_shipping"]) == (1000, 800)
    note = world.post("/v1/credit_notes", **wanted)
    assert (note["total"], note["subtotal"], note["amount_shipping"]) == (1000, 0, 800)
    cost = {"amount_subtotal": 800, "amount_tax": 200, "amount_total": 1000, "shipping_rate": rate}
    assert note["shipping_cost"] == cost and note["lines"]["data"] == []
    assert world.get(f"/v1/credit_notes/{note['id']}/lines")["data"] == []
    assert invoice.now["amount_due"] == 12500
    assert world.refused("/v1/credit_notes", **wanted)["param"] == "shipping_cost"
    wanted["shipping_cost"] = {"shipping_rate": "shr_none"}
    assert world.refused("/v1/credit_notes", **wanted)["param"] == "shipping_cost[shipping_rate]"


def test_shipping_is_credited_beside_lines(world: World) -> None:
    invoice = shipped(world)
    line = {"type": "invoice_line_item", "invoice_line_item": invoice.data["lines"]["data"][0]["id"]}
    rate = invoice.data["shipping_cost"]["shipping_rate"]
    note = world.post(
        "/v1/credit_notes",
        invoice=invoice.data["id"],
        lines=[{**line, "amount": 10000}],
        shipping_cost={"shipping_rate": rate},
    )
    assert (note["total"], note["subtotal"], note["total_excluding_tax"]) == (13500, 10000, 10800)
    assert len(note["lines"]["data"]) == 1
    assert (invoice.status, invoice.data["amount_due"]) == ("paid", 0)


def test_an_amount_credits_shipping_with_the_rest(world: World) -> None:
    invoice = shipped(world)
    world.post("/v1/credit_notes", invoice=invoice.data["id"], amount=13500)
    assert (invoice.status, invoice.data["amount_due"]) == ("paid", 0)


def test_an_invoice_without_shipping_has_none_to_credit(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.owes(1000)
    invoice = anna.bills()
    invoice.does("finalize")
    wanted = {"invoice": invoice.data["id"], "shipping_cost": {"shipping_rate": "shr_none"}}
    assert "no shipping cost" in world.refused("/v1/credit_notes", **wanted)["message"]
