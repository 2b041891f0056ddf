"""How are the lines of a draft added, changed and removed, several at once or one by its id (§7.6)?"""

from typing import Any

import pytest

from tests.support.world import Customer, Invoice, World

RATE = {"display_name": "Sales tax", "percentage": 8.875, "inclusive": False, "state": "NY", "country": "US"}


@pytest.fixture
def anna(world: World) -> Customer:
    world.at("2025-01-01")
    return world.customer("anna")


def draft(anna: Customer, **more: Any) -> Invoice:
    return anna.bills(currency="usd", **more)


def billed(invoice: Invoice) -> None:
    """Finalize and pay: the invariants of books and documents are checked after each test."""
    invoice.does("finalize")
    invoice.does("pay")


def test_lines_of_every_form_are_added_at_once(world: World, anna: Customer) -> None:
    invoice = draft(anna)
    once = world.once("Setup", usd=50)
    waiting = anna.owes(700, "Waiting")
    product = world.post("/v1/products", name="Cable")["id"]
    invoice.does(
        "add_lines",
        invoice_metadata={"order": "7"},
        lines=[
            {"amount": 1000, "description": "Work", "metadata": {"a": "1"}},
            {"pricing": {"price": once}, "quantity": 2},
            {
                "price_data": {"currency": "usd", "product": product, "unit_amount_decimal": "0.5"},
                "quantity": 3,
            },
            {
                "price_data": {"currency": "usd", "product_data": {"name": "Rope"}, "unit_amount": 300},
                "quantity_decimal": "1.5",
                "period": {"start": 1735689600, "end": 1738368000},
            },
            {"invoice_item": waiting, "description": "Waited"},
        ],
    )
    invoice.reads("""
        Work           10.00
        Setup          100.00
        Cable          0.02
        Rope           4.50
        Waited         7.00
        Total 121.52   draft""")
    assert invoice.data["metadata"] == {"order": "7"}
    work, _, _, rope, waited = invoice.data["lines"]["data"]
    assert (work["metadata"], rope["quantity"], rope["quantity_decimal"]) == ({"a": "1"}, None, "1.5")
    assert rope["period"] == {"start": 1735689600, "end": 1738368000}
    assert waited["parent"]["invoice_item_details"]["invoice_item"] == waiting
    assert world.get(f"/v1/invoiceitems/{waiting}")["invoice"] == invoice.data["id"]
    assert not world.get("/v1/products", ids=[rope["pricing"]["price_details"]["product"]])["data"][0][
        "active"
    ]
    billed(invoice)


def test_lines_are_changed_with_the_items_behind_them(world: World, anna: Customer) -> None:
    invoice = draft(anna)
    invoice.does("add_lines", lines=[{"amount": 1000, "description": "Work"}, {"amount": 500}])
    first, second = (line["id"] for line in invoice.data["lines"]["data"])
    rate, coupon = world.tax(10), world.coupon(percent_off=50, duration="once")
    invoice.does(
        "update_lines",
        invoice_metadata={"order": "8"},
        lines=[
            {"id": first, "amount": 2000, "tax_rates": [rate], "discounts": [{"coupon": coupon}]},
            {
                "id": second,
                "pricing": {"price": world.once("Setup", usd=30)},
                "quantity": 2,
                "metadata": {"b": "2"},
            },
        ],
    )
    assert (invoice.data["subtotal"], invoice.data["total"]) == (1000 + 6000, 1000 + 100 + 6000)
    assert invoice.data["metadata"] == {"order": "8"}
    item = invoice.data["lines"]["data"][1]["parent"]["invoice_item_details"]["invoice_item"]
    kept = world.get(f"/v1/invoiceitems/{item}")
    assert (kept["amount"], kept["quantity"], kept["metadata"], kept["description"]) == (
        *(6000, 2, {"b": "2"}, "Setup"),
    )
    billed(invoice)


def test_one_line_is_changed_and_returned(world: World, anna: Customer) -> None:
    invoice = draft(anna)
    invoice.does("add_lines", lines=[{"amount": 1000}])
    path = f"/v1/invoices/{invoice.data['id']}/lines/{invoice.data['lines']['data'][0]['id']}"
    world.forget()
    line = world.post(path, quantity_decimal="2.5", description="Hours", discountable=False)
    world.check_events(["invoice.updated"])
    assert (line["object"], line["amount"], line["description"], line["discountable"]) == (
        *("line_item", 2500, "Hours", False),
    )
    assert invoice.now["total"] == 2500
    error = world.refused(f"/v1/invoices/{invoice.data['id']}/lines/il_none", amount=1)
    assert (error["code"], error["param"]) == ("resource_missing", "line_item_id")
    assert world.refused(path, quantity=1, quantity_decimal="2")["code"] == "parameters_exclusive"
    assert world.refused(path, amount=1, pricing={"price": "price_x"})["code"] == "parameters_exclusive"
    invoice.does("finalize")
    assert world.refused(path, amount=1)["code"] == "invoice_not_editable"


def test_lines_are_removed_for_good_or_wait_again(world: World, anna: Customer) -> None:
    invoice = draft(anna)
    invoice.does("add_lines", lines=[{"amount": 1000}, {"amount": 500}, {"amount": 200}])
    gone, waits, _ = invoice.data["lines"]["data"]
    items = [one["parent"]["invoice_item_details"]["invoice_item"] for one in (gone, waits)]
    removed = [{"id": gone["id"], "behavior": "delete"}, {"id": waits["id"], "behavior": "unassign"}]
    world.forget()
    invoice.does("remove_lines", lines=removed)
    world.check_events(["invoiceitem.deleted", "invoice.updated"])
    assert (invoice.data["total"], len(invoice.data["lines"]["data"])) == (200, 1)
    assert world.api.get(f"/v1/invoiceitems/{items[0]}").status == 404
    assert world.get(f"/v1/invoiceitems/{items[1]}")["invoice"] is None
    assert draft(anna).data["total"] == 500
    error = world.refused(f"/v1/invoices/{invoice.data['id']}/remove_lines", lines=removed[:1])
    assert (error["code"], error["param"]) == ("resource_missing", "lines[0][id]")


def test_taxes_that_the_caller_calculated_are_taken_as_they_are(world: World, anna: Customer) -> None:
    invoice = draft(anna)
    given = {
        "amount": 89,
        "taxable_amount": 1000,
        "taxability_reason": "standard_rated",
        "tax_rate_data": RATE,
    }
    inside = {"amount": 50, "taxable_amount": 450, "tax_rate_data": {**RATE, "inclusive": True}}
    invoice.does(
        "add_lines",
        lines=[{"amount": 1000, "tax_amounts": [given]}, {"amount": 500, "tax_amounts": [inside]}],
    )
    assert (invoice.data["total"], invoice.data["total_excluding_tax"]) == (1589, 1450)
    first, second = invoice.data["total_taxes"]
    assert (first["amount"], first["taxability_reason"], first["tax_behavior"]) == (
        *(89, "standard_rated", "exclusive"),
    )
    assert (second["amount"], second["taxable_amount"], second["tax_behavior"]) == (50, 450, "inclusive")
    rate = world.get(f"/v1/tax_rates/{first['tax_rate_details']['tax_rate']}")
    assert (rate["active"], rate["percentage"], rate["state"]) == (False, 8.875, "NY")
    # The same description is the same rate, which cannot be attached to anything.
    invoice.does("add_lines", lines=[{"amount": 100, "tax_amounts": [given]}])
    assert len(invoice.data["total_taxes"]) == 2
    lines = [{"amount": 1, "tax_rates": [rate["id"]]}]
    assert "archived" in world.refused(f"/v1/invoices/{invoice.data['id']}/add_lines", lines=lines)["message"]
    line = invoice.data["lines"]["data"][0]["id"]
    world.post(f"/v1/invoices/{invoice.data['id']}/lines/{line}", tax_amounts="")
    assert invoice.now["total"] == 1589 - 89 + 189
    billed(invoice)


def test_taxes_are_given_or_calculated_and_never_both(world: World, anna: Customer) -> None:
    rate = world.tax(10)
    invoice = draft(anna, default_tax_rates=[rate])
    given = {"amount": 1, "taxable_amount": 10, "tax_rate_data": RATE}
    path = f"/v1/invoices/{invoice.data['id']}"
    refused = world.refused(f"{path}/add_lines", lines=[{"amount": 10, "tax_amounts": [given]}])
    assert refused["param"] == "lines[0][tax_amounts]"
    world.post(path, default_tax_rates="")
    invoice.does("add_lines", lines=[{"amount": 10, "tax_amounts": [given]}])
    assert world.refused(path, default_tax_rates=[rate])["param"] == "default_tax_rates"
    item = invoice.data["lines"]["data"][0]["parent"]["invoice_item_details"]["invoice_item"]
    assert world.refused(f"/v1/invoiceitems/{item}", tax_rates=[rate])["param"] == "tax_rates"
    new = {"customer": anna.id, "invoice": invoice.data["id"], "amount": 5, "currency": "usd"}
    assert world.refused("/v1/invoiceitems", **new, tax_rates=[rate])["param"] == "tax_rates"
    more = {**given, "amount": 11, "tax_rate_data": {**RATE, "inclusive": True}}
    error = world.refused(f"{path}/add_lines", lines=[{"amount": 10, "tax_amounts": [more]}])
    assert "more than the amount" in error["message"]


def test_a_line_of_a_subscription_keeps_what_its_subscription_says(world: World, anna: Customer) -> None:
    anna.subscribes_to(world.plan("Pro", usd=20))
    world.at("2025-02-01 00:30")
    invoice = anna.last_invoice
    path = f"/v1/invoices/{invoice.data['id']}"
    line = invoice.data["lines"]["data"][0]
    for name, value in {"amount": 1, "quantity": 2, "period": {"start": 1, "end": 2}}.items():
        error = world.refused(f"{path}/lines/{line['id']}", **{name: value})
        assert (error["code"], error["param"]) == ("invoice_not_editable", name)
    removed = [{"id": line["id"], "behavior": "delete"}]
    assert world.refused(f"{path}/remove_lines", lines=removed)["code"] == "invoice_not_editable"
    given = {"amount": 100, "taxable_amount": 2000, "tax_rate_data": RATE}
    coupon = world.coupon(amount_off=500, currency="usd", duration="once")
    changed = world.post(
        f"{path}/lines/{line['id']}",
        description="February",
        metadata={"a": "1"},
        tax_amounts=[given],
        discounts=[{"coupon": coupon}],
    )
    assert (changed["description"], changed["metadata"]) == ("February", {"a": "1"})
    assert invoice.now["total"] == 1600
    billed(invoice)


def test_an_item_is_changed_in_everything_that_says_what_it_charges(world: World, anna: Customer) -> None:
    item = anna.owes(1000, "Work")
    product = world.post("/v1/products", name="Cable")["id"]
    path = f"/v1/invoiceitems/{item}"
    changed = world.post(
        path, price_data={"currency": "usd", "product": product, "unit_amount": 40}, quantity=3
    )
    assert (changed["amount"], changed["description"], changed["quantity"]) == (120, "Cable", 3)
    changed = world.post(path, unit_amount_decimal="0.25", quantity_decimal="10.5", invoicing_rules="")
    assert (changed["amount"], changed["pricing"], changed["quantity_decimal"]) == (3, None, "10.5")
    changed = world.post(path, period={"start": 1735689600, "end": 1738368000})
    assert changed["period"] == {"start": 1735689600, "end": 1738368000}
    assert world.refused(path, invoicing_rules="defer")["param"] == "invoicing_rules"
    assert world.refused(path, period={"start": 2, "end": 1})["param"] == "period[end]"
    price = {"currency": "usd", "product": product, "unit_amount_decimal": "2.5"}
    made = world.post("/v1/invoiceitems", customer=anna.id, price_data=price, quantity_decimal="3")
    assert (made["amount"], made["description"]) == (8, "Cable")


def test_a_proration_keeps_its_amount(world: World, anna: Customer) -> None:
    plan = anna.subscribes_to(world.plan("Pro", usd=30))
    world.at("2025-01-16 12:00")
    plan.update(items=[{"id": plan.now["items"]["data"][0]["id"], "quantity": 2}])
    item = world.get("/v1/invoiceitems", pending=True)["data"][0]["id"]
    for name, value in {"amount": 1, "quantity": 2, "unit_amount_decimal": "3"}.items():
        error = world.refused(f"/v1/invoiceitems/{item}", **{name: value})
        assert (error["code"], error["param"]) == ("invoice_not_editable", name)
    assert world.post(f"/v1/invoiceitems/{item}", description="More")["description"] == "More"
