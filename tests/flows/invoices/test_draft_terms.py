"""Is what an invoice says of its papers, its shipping, its payment and its dates done as it says?"""

from typing import Any

import pytest

from billow.api import rows
from billow.flows.papers import einvoice, invoice_document
from billow.providers.documents import InvoiceDocument
from billow.resources.invoice import Invoice as Row
from tests.support.world import OPENED, Customer, Invoice, World, seconds

DAY = 86400
POST = {"display_name": "Post", "fixed_amount": {"amount": 500, "currency": "usd"}}


@pytest.fixture
def anna(world: World) -> Customer:
    world.at("2025-01-01")
    return world.customer("anna", address={"country": "US"})


def paper(world: World, invoice: Invoice) -> InvoiceDocument:
    with world.api.app.db.transaction(world.api.tenant) as tx:
        return invoice_document.document_of(tx, rows.find(tx, Row, invoice.data["id"]))


def billed(anna: Customer, amount: int = 10000, **more: Any) -> Invoice:
    anna.owes(amount)
    return anna.bills(**more)


def change(invoice: Invoice, **sent: Any) -> dict[str, Any]:
    invoice.data = invoice.world.post(f"/v1/invoices/{invoice.data['id']}", **sent)
    return invoice.data


# ------------------------------------------------------------------------------------- when


def test_an_invoice_is_finalized_at_the_time_that_is_set(world: World, anna: Customer) -> None:
    """Without `auto_advance` it is finalized then, and neither sent nor charged."""
    at = seconds("2025-02-01")
    invoice = billed(anna, automatically_finalizes_at=at)
    assert (invoice.data["automatically_finalizes_at"], invoice.data["auto_advance"]) == (at, False)
    world.forget()
    world.at("2025-01-31 23:59", expect=[])
    later = seconds("2025-02-02")
    assert change(invoice, automatically_finalizes_at=later)["automatically_finalizes_at"] == later
    world.forget()
    world.at("2025-02-01 12:00", expect=[])
    world.at("2025-02-02", expect=OPENED)
    assert (invoice.status, invoice.data["automatically_finalizes_at"]) == ("open", None)
    for wrong in (at, seconds("2031-01-01")):
        error = world.refused("/v1/invoices", customer=anna.id, automatically_finalizes_at=wrong)
        assert error["param"] == "automatically_finalizes_at"


def test_it_is_due_so_many_days_after_it_was_created(world: World, anna: Customer) -> None:
    invoice = billed(anna, collection_method="send_invoice", days_until_due=10)
    created = invoice.data["created"]
    assert invoice.data["due_date"] == created + 10 * DAY
    assert change(invoice, days_until_due=3)["due_date"] == created + 3 * DAY
    assert change(invoice, due_date=created + 5 * DAY)["due_date"] == created + 5 * DAY
    assert change(invoice, collection_method="charge_automatically")["due_date"] is None
    path = f"/v1/invoices/{invoice.data['id']}"
    assert world.refused(path, due_date=created + DAY)["param"] == "due_date"
    assert world.refused(path, collection_method="send_invoice")["param"] == "days_until_due"
    both = {"collection_method": "send_invoice", "days_until_due": 1, "due_date": created + DAY}
    assert world.refused(path, **both)["code"] == "parameters_exclusive"
    assert world.refused("/v1/invoices", customer=anna.id, **both)["code"] == "parameters_exclusive"
    change(invoice, collection_method="send_invoice", days_until_due=3)
    world.at("2025-01-02")
    assert invoice.does("finalize")["due_date"] == created + 3 * DAY
    # Days that are over when it is issued leave it due at once.
    late = billed(anna, collection_method="send_invoice", days_until_due=1)
    world.at("2025-01-09")
    assert late.does("finalize")["due_date"] == late.data["status_transitions"]["finalized_at"]


def test_its_date_of_effect_is_the_date_of_issue_on_its_papers(world: World, anna: Customer) -> None:
    at = seconds("2024-12-24 12:00")
    invoice = billed(anna, effective_at=at)
    assert change(invoice, effective_at="")["effective_at"] is None
    change(invoice, effective_at=at)
    assert invoice.does("finalize")["effective_at"] == at
    assert paper(world, invoice).issued_on.isoformat() == "2024-12-24"
    with world.api.app.db.transaction(world.api.tenant) as tx:
        made = einvoice.einvoice_of(tx, rows.find(tx, Row, invoice.data["id"]))
    assert made.issued_on.isoformat() == "2024-12-24"
    error = world.refused(f"/v1/invoices/{invoice.data['id']}", effective_at=at + 1)
    assert error["code"] == "invoice_not_editable"


# ------------------------------------------------------------------------------------- shipping


def test_shipping_is_taxed_as_what_is_shipped_and_not_discounted(world: World, anna: Customer) -> None:
    invoice = billed(
        anna,
        default_tax_rates=[world.tax(25)],
        discounts=[{"coupon": world.coupon(percent_off=50, duration="once")}],
        shipping_cost={"shipping_rate_data": POST},
        shipping_details={"name": "Ann", "address": {"line1": "1 Main St", "city": "Troy", "country": "US"}},
    )
    assert (invoice.data["subtotal"], invoice.data["amount_shipping"], invoice.data["total"]) == (
        *(10000, 500, 6875),
    )
    cost = invoice.data["shipping_cost"]
    assert (cost["amount_subtotal"], cost["amount_tax"], cost["amount_total"]) == (500, 125, 625)
    assert invoice.data["total_taxes"][0]["taxable_amount"] == 5500
    assert len(invoice.data["lines"]["data"]) == 1 and len(invoice.text()) == 2
    anna.owes(1000, invoice=invoice.data["id"])
    assert (invoice.now["subtotal"], invoice.data["total"]) == (11000, 7500)
    invoice.does("finalize")
    document = paper(world, invoice)
    assert ("Shipping", "$5.00") in document.totals and len(document.lines) == 2
    assert ("Ship to", "Ann, 1 Main St, Troy, United States") in document.details
    invoice.does("pay")
    with world.api.app.db.transaction(world.api.tenant) as tx:
        accounts = {row["account"] for row in tx.all("select credit as account from ledger_transfers")}
    assert "revenue:shipping" in accounts


def test_shipping_that_includes_its_tax(world: World, anna: Customer) -> None:
    rate = world.post("/v1/shipping_rates", type="fixed_amount", **POST)["id"]
    taxed = world.tax(25, inclusive=True)
    invoice = billed(anna, default_tax_rates=[taxed], shipping_cost={"shipping_rate": rate})
    assert (invoice.data["total"], invoice.data["subtotal_excluding_tax"]) == (10500, 8000)
    cost = invoice.data["shipping_cost"]
    assert (cost["amount_subtotal"], cost["amount_tax"], cost["shipping_rate"]) == (400, 100, rate)
    invoice.does("finalize")


def test_shipping_is_replaced_and_removed_on_a_draft(world: World, anna: Customer) -> None:
    invoice = billed(anna, 1000)
    path = f"/v1/invoices/{invoice.data['id']}"
    assert change(invoice, shipping_cost={"shipping_rate_data": POST})["total"] == 1500
    dearer = {**POST, "fixed_amount": {"amount": 700, "currency": "usd"}}
    assert change(invoice, shipping_cost={"shipping_rate_data": dearer})["total"] == 1700
    gone = change(invoice, shipping_cost="")
    assert (gone["total"], gone["shipping_cost"], gone["amount_shipping"]) == (1000, None, 0)
    euros = {**POST, "fixed_amount": {"amount": 700, "currency": "eur"}}
    error = world.refused(path, shipping_cost={"shipping_rate_data": euros})
    assert "no amount in usd" in error["message"]
    both = {"shipping_rate": "shr_none", "shipping_rate_data": POST}
    assert world.refused(path, shipping_cost=both)["param"] == "shipping_cost"
    invoice.does("finalize")
    assert world.refused(path, shipping_cost="")["code"] == "invoice_not_editable"


# ------------------------------------------------------------------------------------- papers


def test_papers_leave_out_the_tax_that_prices_include(world: World, anna: Customer) -> None:
    """Lines, discounts and subtotal are without tax; their total is what is due."""
    invoice = billed(
        anna,
        default_tax_rates=[world.tax(25, inclusive=True)],
        discounts=[{"coupon": world.coupon(percent_off=10, duration="once", name="Ten")}],
        rendering={"amount_tax_display": "exclude_tax", "pdf": {"page_size": "letter"}},
    )
    invoice.does("finalize")
    document = paper(world, invoice)
    assert document.page == "us-letter" and document.lines[0].amount == "$80.00"
    sums = [amount for _, amount in document.totals]
    assert sums == ["$80.00", "-$8.00", "$72.00", "$18.00", "$90.00", "US$90.00"]


def test_papers_look_as_their_customer_wants(world: World) -> None:
    world.at("2025-01-01")
    options = {"rendering_options": {"amount_tax_display": "exclude_tax"}}
    anna = world.customer("anna", invoice_settings=options)
    assert billed(anna).data["rendering"]["amount_tax_display"] == "exclude_tax"
    other = {"amount_tax_display": "include_inclusive_tax"}
    assert billed(anna, rendering=other).data["rendering"]["amount_tax_display"] == "include_inclusive_tax"


# ------------------------------------------------------------------------------------- payment


def test_its_payment_says_what_the_invoice_says(world: World, anna: Customer) -> None:
    source = world.post(f"/v1/customers/{anna.id}/sources", source="tok_mastercard")["id"]
    account = world.post("/v1/accounts", type="express", country="SE")["id"]
    invoice = billed(
        anna,
        application_fee_amount=300,
        default_source=source,
        on_behalf_of=account,
        statement_descriptor="ACME SHOP",
        transfer_data={"destination": account},
    )
    invoice.does("finalize")
    intent = invoice.intent
    assert (intent["payment_method"], intent["statement_descriptor"]) == (source, "ACME SHOP")
    assert (intent["application_fee_amount"], intent["on_behalf_of"]) == (300, account)
    assert intent["transfer_data"]["destination"] == account


def test_a_share_needs_somebody_to_have_it(world: World, anna: Customer) -> None:
    error = world.refused("/v1/invoices", customer=anna.id, application_fee_amount=1)
    assert error["param"] == "application_fee_amount"
    error = world.refused("/v1/invoices", customer=anna.id, transfer_data={"destination": "acct_none"})
    assert (error["param"], error["code"]) == ("transfer_data[destination]", "resource_missing")
    for text in ("1234", "ACME <1>"):
        error = world.refused("/v1/invoices", customer=anna.id, statement_descriptor=text)
        assert error["param"] == "statement_descriptor"
    other = world.customer("ben")
    card = world.get(f"/v1/customers/{other.id}/payment_methods")["data"][0]["id"]
    error = world.refused("/v1/invoices", customer=anna.id, default_source=card)
    assert error["param"] == "default_source"


def test_a_subscription_is_on_the_statement_as_its_first_product(world: World, anna: Customer) -> None:
    product = world.post("/v1/products", name="Pro", statement_descriptor="ACME PRO")["id"]
    monthly = {"currency": "usd", "unit_amount": 900, "recurring": {"interval": "month"}}
    price = world.post("/v1/prices", product=product, **monthly)["id"]
    anna.subscribes_to(price)
    assert anna.last_invoice.data["statement_descriptor"] == "ACME PRO"
    assert anna.last_invoice.intent["statement_descriptor"] == "ACME PRO"
