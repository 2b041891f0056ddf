"""Do amounts add up in the form of the oldest version, and is every event shown in it?"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from billow import commands
from tests.support.statement_counts import counted_in_transactions
from tests.support.world import World

FLOOR = "2020-08-27"


def older(world: World, path: str, **query: Any) -> Any:
    answer = world.api.get(path, query, Stripe_Version=FLOOR)
    assert answer.status == 200, answer
    return answer


def lived(world: World) -> str:
    """Bill taxes of both kinds, a discount, prorations and usage; refund, void, write off, pay elsewhere."""
    world.at("2025-01-01")
    anna = world.customer("anna")
    post = world.api.post
    rates = [
        post("/v1/tax_rates", {"display_name": "VAT", "percentage": percentage, "inclusive": inclusive})["id"]
        for percentage, inclusive in (("7.7", "true"), ("2.5", "false"))
    ]
    coupon = post("/v1/coupons", {"percent_off": "12.5", "duration": "forever"})["id"]
    calls = world.metered("Calls", world.meter("calls"), cents="0.7")
    plan = anna.subscribes_to(
        {"price": world.plan("Seat", usd=15), "quantity": 3, "tax_rates": rates[:1]},
        calls,
        default_tax_rates=rates,
        discounts=[{"coupon": coupon}],
    )
    world.at("2025-01-20")
    anna.uses("calls", 333, "2025-01-19")
    item = world.api.get(f"/v1/subscriptions/{plan.id}")["items"]["data"][0]["id"]
    post(f"/v1/subscriptions/{plan.id}", {"items[0][id]": item, "items[0][quantity]": "1"})
    world.at("2025-02-03")
    draft = {"customer": anna.id, "auto_advance": "false", "pending_invoice_items_behavior": "exclude"}
    for end in ("void", "mark_uncollectible", "pay"):
        made = post("/v1/invoices", draft)["id"]
        for _ in range(12):
            post(
                "/v1/invoiceitems", {"customer": anna.id, "invoice": made, "amount": "101", "currency": "usd"}
            )
        post(f"/v1/invoices/{made}/finalize")
        answer = post(f"/v1/invoices/{made}/{end}", {"paid_out_of_band": "true"} if end == "pay" else {})
        assert answer.status == 200, answer
    charge = world.api.get("/v1/charges")["data"][0]["id"]
    post("/v1/refunds", {"charge": charge, "amount": "100"})
    return str(anna.id)


def test_older_amounts_add_up(world: World) -> None:
    lived(world)
    invoices = older(world, "/v1/invoices", limit=100)["data"]
    assert {invoice["status"] for invoice in invoices} == {"paid", "void", "uncollectible"}
    for invoice in invoices:
        taxes = invoice["total_tax_amounts"]
        assert invoice["tax"] == (sum(tax["amount"] for tax in taxes) if taxes else None)
        exclusive = sum(tax["amount"] for tax in taxes if not tax["inclusive"])
        taken = sum(discount["amount"] for discount in invoice["total_discount_amounts"])
        assert invoice["total"] == invoice["subtotal"] - taken + exclusive
        assert invoice["paid"] == (invoice["status"] == "paid")
        assert invoice["amount_paid"] == (
            0 if invoice["paid_out_of_band"] or not invoice["paid"] else invoice["total"]
        )
        assert (invoice["charge"] is not None) == (invoice["amount_paid"] > 0)
        lines = older(world, f"/v1/invoices/{invoice['id']}/lines", limit=100)["data"]
        assert sum(line["amount"] for line in lines) == invoice["subtotal"]
        of_lines = [tax for line in lines for tax in line["tax_amounts"]]
        assert sum(tax["amount"] for tax in of_lines) == (invoice["tax"] or 0)
        for line in lines:
            included = sum(tax["amount"] for tax in line["tax_amounts"] if tax["inclusive"])
            assert line["amount_excluding_tax"] == line["amount"] - included
            if line["quantity"]:
                each = Decimal(line["unit_amount_excluding_tax"])
                assert abs(each * line["quantity"] - line["amount_excluding_tax"]) < 1


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/feed"])
def test_every_event_is_shown_in_the_oldest_version(world: World, path: str) -> None:
    commands.set_account(replace(world.api.app, account=world.api.account), None, None, FLOOR)
    lived(world)
    events = world.api.get(path, {"limit": 100})
    assert events.status == 200, events
    invoices = [one for one in events["data"] if one["data"]["object"]["object"] == "invoice"]
    assert {one["type"] for one in invoices} >= {"invoice.created", "invoice.finalized"}
    for one in invoices:
        assert one["api_version"] == FLOOR
        assert "paid" in one["data"]["object"] and "total_tax_amounts" in one["data"]["object"]
    world.at("2025-03-02")
    [upcoming, *_] = world.api.get("/v1/events", {"type": "invoice.upcoming"})["data"]
    assert (upcoming["data"]["object"]["payment_intent"], upcoming["data"]["object"]["paid"]) == (None, False)
    assert upcoming["data"]["object"]["lines"]["data"][0]["price"]["object"] == "price"


def test_a_page_of_older_events_takes_a_fixed_number_of_statements(world: World) -> None:
    commands.set_account(replace(world.api.app, account=world.api.account), None, None, FLOOR)
    lived(world)
    with counted_in_transactions() as count:
        events = world.api.get("/v1/events", {"limit": "90"})["data"]
    assert len(events) == 90
    assert len(count) < 20, "\n".join(count.sent)
