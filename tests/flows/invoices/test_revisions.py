"""How is an open invoice revised: copied as a draft that voids it when it is finalized (§7.1)?"""

from typing import Any

import pytest

from tests.support.world import Customer, Invoice, World


@pytest.fixture
def anna(world: World) -> Customer:
    world.at("2025-01-01")
    return world.customer("anna")


def revised(anna: Customer, original: Invoice, **more: Any) -> Invoice:
    form = {"from_invoice": {"action": "revision", "invoice": original.data["id"]}, **more}
    return Invoice(anna.world, anna.world.post("/v1/invoices", **form))


def rich(world: World, anna: Customer) -> Invoice:
    """An open invoice with much of what one can have, in part paid by the balance."""
    world.post(f"/v1/customers/{anna.id}/balance_transactions", amount=-500, currency="usd")
    post = {"display_name": "Post", "fixed_amount": {"amount": 200, "currency": "usd"}}
    invoice = anna.bills(
        currency="usd",
        custom_fields=[{"name": "PO", "value": "7"}],
        default_tax_rates=[world.tax(10)],
        description="January",
        discounts=[{"coupon": world.coupon(percent_off=50, duration="once")}],
        metadata={"a": "1"},
        shipping_cost={"shipping_rate_data": post},
    )
    off = world.coupon(amount_off=100, duration="once")
    lines = [{"amount": 3000, "description": "Work", "discounts": [{"coupon": off}]}, {"amount": 100}]
    invoice.does("add_lines", lines=lines)
    invoice.does("finalize")
    return invoice


def test_a_revision_copies_what_it_revises(world: World, anna: Customer) -> None:
    original = rich(world, anna)
    draft = revised(anna, original)
    for name in ("total", "subtotal", "description", "custom_fields", "metadata", "currency", "customer"):
        assert draft.data[name] == original.data[name], name
    assert draft.data["shipping_cost"] == original.data["shipping_cost"]
    assert draft.data["from_invoice"] == {"action": "revision", "invoice": original.data["id"]}
    assert (draft.data["status"], draft.data["number"]) == ("draft", None)
    assert (original.status, original.data["latest_revision"]) == ("open", None)
    assert [line["amount"] for line in draft.data["lines"]["data"]] == [3000, 100]


def test_finalizing_it_voids_the_original(world: World, anna: Customer) -> None:
    """The balance that the original had used pays for the revision, whose number is the next."""
    original = rich(world, anna)
    assert (original.data["total"], original.data["amount_due"]) == (1870, 1370)
    draft = revised(anna, original, description="Corrected")
    draft.does("add_lines", lines=[{"amount": 1000, "description": "More"}])
    world.forget()
    draft.does("finalize")
    assert (draft.data["total"], draft.data["amount_due"]) == (2420, 1920)
    assert (original.status, original.data["latest_revision"]) == ("void", draft.data["id"])
    first, second = original.data["number"], draft.data["number"]
    assert second == f"{first[:-4]}{int(first[-4:]) + 1:04}"
    told = [event["type"] for event in world.events()]
    assert told.index("invoice.voided") < told.index("invoice.finalized")
    assert anna.now["balance"] == 0
    draft.does("pay")
    assert draft.data["amount_paid"] == 1920


def test_only_an_open_invoice_is_revised(world: World, anna: Customer) -> None:
    anna.owes(5000)
    original = anna.bills()

    def refusal(**more: Any) -> dict[str, Any]:
        wanted = {"action": "revision", "invoice": original.data["id"]}
        return world.refused("/v1/invoices", from_invoice=wanted, **more)

    assert "is draft" in refusal()["message"]
    original.does("finalize")
    assert refusal(currency="usd")["param"] == "currency"
    assert refusal(customer=world.customer("ben").id)["param"] == "from_invoice[invoice]"
    first, second = revised(anna, original), revised(anna, original)
    first.does("finalize")
    path = f"/v1/invoices/{second.data['id']}/finalize"
    assert "is void" in world.refused(path)["message"]
    first.does("pay")
    assert "is void" in refusal()["message"]
    assert world.refused("/v1/invoices")["code"] == "parameter_missing"


def test_a_revision_that_is_too_late_stays_a_draft(world: World, anna: Customer) -> None:
    anna.owes(5000)
    original = anna.bills()
    original.does("finalize")
    draft = revised(anna, original, auto_advance=True)
    assert draft.data["automatically_finalizes_at"] == draft.data["created"] + 3600
    original.does("pay")
    world.at("2025-01-02")
    assert (draft.status, draft.data["auto_advance"], original.status) == ("draft", False, "paid")
