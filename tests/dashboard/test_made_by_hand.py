"""Customers, coupons and invoices are made by hand on screens, checked as the API checks them."""

from typing import Any

import pytest

from tests.dashboard.conftest import Person
from tests.support.world import World

NEW = {
    "name": "Anna <b> Berg AB",
    "email": "anna@berg.example",
    "line1": "Storgatan 1",
    "postal_code": "223 50",
    "city": "Lund",
    "country": "SE",
    "language": "sv",
    "tax_exempt": "none",
}


def made_customer(world: World, owner: Person, **more: str) -> dict[str, Any]:
    assert owner.sends("/customers/new", **{**NEW, **more}).status_code == 303
    found: dict[str, Any] = world.get("/v1/customers", expand=["data.tax_ids"])["data"][0]
    return found


def test_a_customer_is_made_and_changed(world: World, owner: Person) -> None:
    made = made_customer(world, owner)
    assert (made["name"], made["preferred_locales"]) == ("Anna <b> Berg AB", ["sv"])
    assert made["address"] == {
        "line1": "Storgatan 1",
        "line2": None,
        "postal_code": "223 50",
        "city": "Lund",
        "state": None,
        "country": "SE",
    }
    path = f"/customers/{made['id']}"
    opened = owner.opens(f"{path}/edit").text
    assert 'value="Storgatan 1"' in opened and 'value="Anna &lt;b&gt; Berg AB"' in opened
    changed = {**NEW, "line1": "Storgatan 2", "email": "", "language": "", "tax_exempt": "reverse"}
    assert owner.sends(f"{path}/edit", **changed).status_code == 303
    after = world.get(f"/v1/customers/{made['id']}")
    assert (after["address"]["line1"], after["address"]["city"]) == ("Storgatan 2", "Lund")
    assert (after["email"], after["preferred_locales"], after["tax_exempt"]) == (None, [], "reverse")
    gone = {name: "" for name in NEW} | {"name": "Anna", "tax_exempt": "reverse"}
    assert owner.sends(f"{path}/edit", **gone).status_code == 303
    assert world.get(f"/v1/customers/{made['id']}")["address"] is None
    before = world.get("/v1/events", type="customer.updated")["data"]
    assert owner.sends(f"{path}/edit", **gone).status_code == 303  # nothing differs
    assert world.get("/v1/events", type="customer.updated")["data"] == before
    assert "customers.create" in owner.reads("/audit") and "customers.change" in owner.reads("/audit")


def test_a_language_that_is_not_offered_is_kept(world: World, owner: Person) -> None:
    id = world.post("/v1/customers", name="Beppe", preferred_locales=["de-AT", "it"])["id"]
    assert '<option value="de-AT" selected>' in owner.opens(f"/customers/{id}/edit").text
    form = {"name": "Giuseppe", "language": "de-AT", "tax_exempt": "none"}
    assert owner.sends(f"/customers/{id}/edit", **form).status_code == 303
    after = world.get(f"/v1/customers/{id}")
    assert (after["name"], after["preferred_locales"]) == ("Giuseppe", ["de-AT", "it"])


def test_what_is_wrong_with_a_customer_is_said_and_kept(world: World, owner: Person) -> None:
    answer = owner.sends("/customers/new", **{**NEW, "email": "nobody"})
    assert answer.status_code == 422 and "Invalid email" in answer.text and "Storgatan 1" in answer.text
    assert world.get("/v1/customers")["data"] == []


def test_tax_numbers_are_added_and_removed(world: World, owner: Person) -> None:
    id = made_customer(world, owner)["id"]
    path = f"/customers/{id}/tax-number"
    wrong = owner.sends(path, type="eu_vat", value="SE12")
    assert wrong.status_code == 422 and "Invalid value for eu_vat" in wrong.text
    assert owner.sends(path, type="eu_vat", value="SE556000475501").status_code == 303
    [number] = world.get(f"/v1/customers/{id}/tax_ids")["data"]
    assert number["value"] == "SE556000475501"
    assert "Tax numbers SE556000475501" in owner.reads(f"/customers/{id}")
    assert owner.sends(path, remove=number["id"], type="eu_vat", value="").status_code == 303
    assert world.get(f"/v1/customers/{id}/tax_ids")["data"] == []


def test_an_invoice_is_written_by_hand_as_a_draft_and_finalized(world: World, owner: Person) -> None:
    id = made_customer(world, owner)["id"]
    world.post("/v1/invoiceitems", customer=id, amount=300, currency="eur", description="Waiting")
    path = f"/customers/{id}/invoice"
    assert "Take the 1 pending item of this customer" in owner.reads(path)
    form = {
        "currency": "EUR",
        "description-1": "Consulting",
        "quantity-1": "2.5",
        "each-1": "120",
        "description-3": "Rate by the minute",
        "quantity-3": "1,000",
        "each-3": "0.0125",
        "pending": "1",
        "collection": "send_invoice",
        "days": "14",
        "footer": "Thank you.",
    }
    answer = owner.sends(path, **form)
    assert answer.status_code == 303
    [draft] = world.get("/v1/invoices")["data"]
    assert answer.location.endswith(f"/invoices/{draft['id']}")
    assert (draft["status"], draft["total"], draft["auto_advance"]) == ("draft", 30000 + 1250 + 300, False)
    assert (draft["collection_method"], draft["footer"]) == ("send_invoice", "Thank you.")
    shown = owner.reads(f"/invoices/{draft['id']}")
    assert "Consulting" in shown and "€315.50" in shown
    assert owner.sends(f"/invoices/{draft['id']}", act="finalize").status_code == 303
    final = world.get(f"/v1/invoices/{draft['id']}")
    assert (final["status"], final["due_date"] - final["created"]) == ("open", 14 * 86400)


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"currency": "xyz"}, "Choose a currency"),
        ({}, "Fill in at least one line"),
        ({"description-1": "Work"}, "The price of one unit is missing on line 1"),
        ({"each-2": "5"}, "Say what line 2 is for"),
        ({"description-1": "Work", "each-1": "five"}, "five is no amount"),
        ({"description-1": "Work", "each-1": "5", "quantity-1": "many"}, "Invalid decimal: many"),
        ({"description-1": "Work", "each-1": "5", "quantity-1": "1,5"}, "Invalid decimal: 1,5"),
        ({"description-1": "Work", "each-1": "5", "collection": "barter"}, "Invalid collection_method"),
    ],
)
def test_what_is_wrong_with_an_invoice_is_said(
    world: World, owner: Person, form: dict[str, str], problem: str
) -> None:
    id = made_customer(world, owner)["id"]
    sent = {"currency": "eur", "collection": "charge_automatically", **form}
    answer = owner.sends(f"/customers/{id}/invoice", **sent)
    assert answer.status_code == 422 and problem in answer.text, answer.text[:3000]
    assert world.get("/v1/invoices")["data"] == []


def test_a_draft_is_deleted_where_it_was_written_by_hand(world: World, owner: Person) -> None:
    id = made_customer(world, owner)["id"]
    sent = {"currency": "eur", "collection": "send_invoice", "description-1": "Work", "each-1": "5"}
    owner.sends(f"/customers/{id}/invoice", **sent)
    [draft] = world.get("/v1/invoices")["data"]
    answer = owner.sends(f"/invoices/{draft['id']}", act="delete")
    assert answer.status_code == 303 and answer.location.endswith("/invoices?tab=draft")
    assert world.get("/v1/invoices")["data"] == []
    assert "invoices.delete" in owner.reads("/audit")


def test_a_coupon_and_its_code_are_made(world: World, owner: Person) -> None:
    form = {
        "name": "Autumn",
        "percent": "12.5",
        "duration": "repeating",
        "months": "3",
        "until": "2027-01-31",
    }
    assert owner.sends("/coupons/new", **form).status_code == 303
    [coupon] = world.get("/v1/coupons")["data"]
    assert (coupon["percent_off"], coupon["duration_in_months"], coupon["name"]) == (12.5, 3, "Autumn")
    path = f"/coupons/{coupon['id']}"
    assert owner.sends(f"{path}/code", code="AUTUMN-26", most="100", first="1").status_code == 303
    [code] = world.get("/v1/promotion_codes")["data"]
    assert (code["code"], code["max_redemptions"]) == ("AUTUMN-26", 100)
    assert code["restrictions"]["first_time_transaction"]
    assert "AUTUMN-26" in owner.reads(path)
    again = owner.sends(f"{path}/code", code="AUTUMN-26")
    assert again.status_code == 422
    amount = {"name": "Ten", "amount": "10.00", "currency": "usd", "duration": "once", "id": "TEN"}
    assert owner.sends("/coupons/new", **amount).status_code == 303
    assert world.get("/v1/coupons/TEN")["amount_off"] == 1000
    for wrong, problem in (
        ({"name": "x", "duration": "once"}, "either percent_off or amount_off"),
        ({"name": "x", "duration": "once", "amount": "5", "currency": ""}, "Choose a currency"),
        ({"name": "x", "duration": "once", "percent": "150"}, "less than or equal to 100"),
    ):
        answer = owner.sends("/coupons/new", **wrong)
        assert answer.status_code == 422 and problem in answer.text, problem
