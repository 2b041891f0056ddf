"""Can every invoice be had in the machine formats, and is it the same invoice?"""

import re
from dataclasses import replace
from decimal import Decimal
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from billow import selling
from billow.api import rows
from billow.app import App
from billow.core.money import minor_digits
from billow.flows.papers import einvoice, invoice_document
from billow.providers.documents import text
from billow.providers.mail.outbox import Outbox
from billow.resources.invoice import Invoice
from tests.support import en16931
from tests.support.world import World

ACME = (
    "name=Acme Cloud AB", "line1=Storgatan 1", "postal_code=111 22", "city=Stockholm", "country=SE",
    "tax_id=eu_vat:SE556000475501", "company_number=5560004755", "contact=Ann", "phone=+46 8 123",
    "email=billing@acme.test", "iban=SE3550000000054910000003", "number_prefix=ACME",
    "statement=Godkänd för F-skatt",
)  # fmt: skip
GERMAN = (
    "RECHNUNG",
    "USt-IdNr. DE136695976",
    "USt-IdNr. SE556000475501",
    "Steuerschuldnerschaft",
    "Omvänd betalningsskyldighet",
    "Deutschland",
    "Schweden",
    "100,00 €",
    "Godkänd för F-skatt",
)


@pytest.fixture
def seller(app: App, world: World) -> None:
    class Built:
        db, account = app.db, world.api.tenant.partition("/")[0]

    selling.change(Built(), selling.read(list(ACME)))  # type: ignore[arg-type]


BERLIN = {"line1": "Hauptstr. 5", "postal_code": "10115", "city": "Berlin", "country": "DE"}


def customer(world: World, **more: Any) -> str:
    given = {"name": "Müller GmbH", "email": "ap@mueller.test", "address": BERLIN, **more}
    made = world.post("/v1/customers", **given)
    world.post(f"/v1/customers/{made['id']}/tax_ids", type="eu_vat", value="DE136695976")
    return str(made["id"])


def billed(world: World, who: str, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    for item in items:
        world.post("/v1/invoiceitems", customer=who, **{"currency": "eur", **item})
    how = {"collection_method": "send_invoice", "days_until_due": 30, **more}
    draft = world.post("/v1/invoices", customer=who, pending_invoice_items_behavior="include", **how)
    return world.post(f"/v1/invoices/{draft['id']}/finalize")


def formats(app: App, world: World, invoice: dict[str, Any]) -> dict[str, bytes]:
    with app.db.transaction(world.api.tenant) as tx:
        found = rows.find(tx, Invoice, invoice["id"])
        return {one: einvoice.written(tx, found, one) for one in ("ubl", "cii")}


def checked(app: App, world: World, invoice: dict[str, Any]) -> etree._Element:
    """Both formats keep the rules and say the same as the API and the paper."""
    made = formats(app, world, invoice)
    for xml in made.values():
        assert en16931.failed(xml) == [] and en16931.schema_errors(xml) == []
    ubl, cii = (etree.fromstring(made[one]) for one in ("ubl", "cii"))
    digits = minor_digits(invoice["currency"])
    total = Decimal(invoice["total"]).scaleb(-digits)
    assert Decimal(ubl.findtext(".//{*}TaxInclusiveAmount")) == total
    assert Decimal(cii.findtext(".//{*}GrandTotalAmount")) == total
    due = Decimal(invoice["amount_remaining"]).scaleb(-digits)
    assert Decimal(ubl.findtext(".//{*}PayableAmount")) == due
    assert Decimal(cii.findtext(".//{*}DuePayableAmount")) == due
    taxes = sum(tax["amount"] for tax in invoice["total_taxes"])
    assert Decimal(ubl.findtext("{*}TaxTotal/{*}TaxAmount")) == Decimal(taxes).scaleb(-digits)
    with app.db.transaction(world.api.tenant) as tx:
        paper = invoice_document.document_of(tx, rows.find(tx, Invoice, invoice["id"]))
    assert re.sub(r"[^\d-]", "", dict(paper.totals)["Total"]) == f"{invoice['total']:0{digits + 1}}"
    assert invoice["number"] in text.render(paper)
    return ubl


def test_a_domestic_invoice_with_discounts_and_two_rates(app: App, world: World, seller: None) -> None:
    high, low = world.tax(25, "Moms"), world.tax(6, "Moms")
    who = customer(world, metadata={"buyer_reference": "REF-1", "po_number": "4711"})
    off = world.coupon(percent_off=10, duration="forever", name="Partner")
    made = billed(
        world,
        who,
        {"unit_amount_decimal": "12.5", "quantity": 17, "tax_rates": [high]},
        {"amount": 999, "tax_rates": [low], "description": "Book & <more>"},
        {"amount": -120, "tax_rates": [high], "description": "Credit"},
        discounts=[{"coupon": off}],
    )
    ubl = checked(app, world, made)
    assert {one.text for one in ubl.findall(".//{*}TaxSubtotal//{*}Percent")} == {"25", "6"}
    assert (
        ubl.findtext("{*}BuyerReference") == "REF-1" and ubl.findtext(".//{*}OrderReference/{*}ID") == "4711"
    )
    assert ubl.findtext(".//{*}PayeeFinancialAccount/{*}ID") == "SE3550000000054910000003"


def test_a_reverse_charge_names_both_numbers_and_its_reason(app: App, world: World, seller: None) -> None:
    who = customer(world, tax_exempt="reverse", preferred_locales=["de"])
    made = billed(world, who, {"amount": 10000}, default_tax_rates=[world.tax(25, "Moms")])
    ubl = etree.fromstring(formats(app, world, made)["ubl"])
    assert en16931.failed(etree.tostring(ubl)) == []
    assert ubl.findtext(".//{*}TaxExemptionReasonCode") == "VATEX-EU-AE"
    with app.db.transaction(world.api.tenant) as tx:
        paper = invoice_document.document_of(tx, rows.find(tx, Invoice, made["id"]))
    shown = " ".join(text.render(paper).split())
    for words in GERMAN:
        assert words in shown, words


@pytest.mark.parametrize("inclusive", [False, True])
def test_tax_inside_a_price_is_taken_out_of_the_lines(
    app: App, world: World, seller: None, inclusive: bool
) -> None:
    rate = world.tax(25, "Moms", inclusive=inclusive)
    made = billed(
        world,
        customer(world),
        {"unit_amount_decimal": "333", "quantity": 3},
        {"amount": 1001},
        default_tax_rates=[rate],
    )
    checked(app, world, made)


def test_yen_and_no_tax_at_all(app: App, world: World, seller: None) -> None:
    checked(app, world, billed(world, customer(world), {"amount": 125000, "currency": "jpy"}))


def test_tiers_are_a_line_each_with_their_flat_fee_apart(app: App, world: World, seller: None) -> None:
    world.at("2025-01-31")
    tiers = [(1000, "0.5", "300"), ("inf", "0.25")]
    calls = world.metered("Calls", world.meter("calls"), tiers=tiers)
    anna = world.customer("anna", address=BERLIN)
    anna.subscribes_to(calls, default_tax_rates=[world.tax(25, "Moms")])
    world.at("2025-02-14")
    anna.uses("calls", 1500, "2025-02-13")
    world.at("2025-02-28 01:00")
    made = world.get("/v1/invoices", customer=anna.id, limit=1)["data"][0]
    ubl = checked(app, world, made)
    assert len(ubl.findall("{*}InvoiceLine")) >= 2


def test_what_was_paid_is_prepaid(app: App, world: World, seller: None) -> None:
    made = billed(world, customer(world), {"amount": 5000}, default_tax_rates=[world.tax(25, "Moms")])
    paid = world.post(f"/v1/invoices/{made['id']}/pay", paid_out_of_band=True)
    ubl = checked(app, world, paid)
    assert ubl.findtext(".//{*}PrepaidAmount") == "62.50"


@pytest.mark.parametrize("currency", ["kwd", "stn"])
def test_the_paper_goes_without_what_cannot_be_said(
    app: App, world: World, seller: None, currency: str
) -> None:
    who = customer(world, metadata={"e_invoice": "ubl"})
    made = billed(world, who, {"amount": 12340, "currency": currency}, auto_advance=True)
    page = made["hosted_invoice_url"].partition("/i/")[2]
    answer = app.wsgi.test_client().get(f"/i/{page}/ubl")
    assert answer.status_code == 422 and "EN 16931" in answer.text
    assert app.wsgi.test_client().get(f"/i/{page}/pdf").status_code == 200


def test_a_swedish_buyer_is_reached_by_the_organisation_number_in_its_vat_number(
    app: App, world: World, seller: None
) -> None:
    """Sweden's VAT numbers have no scheme of their own among the codes for electronic addresses."""
    address = {"line1": "Storgatan 1", "postal_code": "22350", "city": "Lund", "country": "SE"}
    metadata = {"buyer_reference": "4711"}
    who = world.post("/v1/customers", name="Berg AB", address=address, metadata=metadata)["id"]
    world.post(f"/v1/customers/{who}/tax_ids", type="eu_vat", value="SE556000475501")
    made = billed(world, who, {"amount": 5000}, default_tax_rates=[world.tax(25, "Moms")])
    page = made["hosted_invoice_url"].partition("/i/")[2]
    answer = app.wsgi.test_client().get(f"/i/{page}/peppol")
    assert answer.status_code == 200, answer.text
    [buyer] = etree.fromstring(answer.data).findall("{*}AccountingCustomerParty//{*}EndpointID")
    assert (buyer.get("schemeID"), buyer.text) == ("0007", "5560004755")


def test_the_formats_are_files_of_the_invoice(app: App, world: World, seller: None) -> None:
    made = billed(world, customer(world), {"amount": 5000}, default_tax_rates=[world.tax(25, "Moms")])
    page = made["hosted_invoice_url"].partition("/i/")[2]
    client = app.wsgi.test_client()
    for one in ("ubl", "cii"):
        answer = client.get(f"/i/{page}/{one}")
        assert (answer.status_code, answer.mimetype) == (200, "application/xml")
        assert en16931.failed(answer.data) == []
    hybrid = client.get(f"/i/{page}/factur-x")
    assert hybrid.data.startswith(b"%PDF-1.7") and b"urn:factur-x" in hybrid.data
    refused = client.get(f"/i/{page}/xrechnung")
    assert refused.status_code == 422 and "buyer_reference" in refused.text


@pytest.fixture
def letters(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder to which this test's mail is written."""
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, mailer=Outbox(tmp_path)))
    return tmp_path


@pytest.mark.parametrize(
    ("profile", "kinds"), [("cii", ["application/pdf", "application/xml"]), ("factur-x", ["application/pdf"])]
)
def test_a_customer_gets_the_format_that_they_want_by_mail(
    world: World, seller: None, letters: Path, profile: str, kinds: list[str]
) -> None:
    who = customer(world, metadata={"e_invoice": profile})
    made = billed(world, who, {"amount": 5000}, default_tax_rates=[world.tax(25, "Moms")])
    world.post(f"/v1/invoices/{made['id']}/send")
    world.work()
    [file] = letters.glob("*.eml")
    mail = message_from_bytes(file.read_bytes())
    assert [part.get_content_type() for part in mail.walk() if part.get_filename()] == kinds


def test_a_credit_note_is_a_document_of_its_own_that_names_its_invoice(
    app: App, world: World, seller: None, letters: Path
) -> None:
    """Type 381, positive amounts, and the same amounts as in the API; mailed as the customer wants it."""
    who = customer(world, metadata={"e_invoice": "ubl"})
    made = billed(world, who, {"amount": 10000}, default_tax_rates=[world.tax(25, "Moms")])
    note = world.post("/v1/credit_notes", invoice=made["id"], amount=5000, memo="Half of it")
    page = note["pdf"].partition("/n/")[2].removesuffix("/pdf")
    client = app.wsgi.test_client()
    for one in ("ubl", "cii"):
        answer = client.get(f"/n/{page}/{one}")
        assert (answer.status_code, answer.mimetype) == (200, "application/xml"), answer.text
        assert en16931.failed(answer.data) == []
    ubl = etree.fromstring(client.get(f"/n/{page}/ubl").data)
    assert etree.QName(ubl).localname == "CreditNote"
    said = {name: ubl.findtext(f".//{{*}}{name}") for name in ("CreditNoteTypeCode", "PayableAmount", "Note")}
    assert said == {"CreditNoteTypeCode": "381", "PayableAmount": "50.00", "Note": "Half of it"}
    assert ubl.findtext(".//{*}BillingReference//{*}ID") == made["number"]
    assert ubl.findtext("{*}TaxTotal/{*}TaxAmount") == "10.00"
    assert client.get(f"/n/{page}/factur-x").data.startswith(b"%PDF-1.7")
    world.work()
    names = [
        part.get_filename()
        for file in letters.glob("*.eml")
        for part in message_from_bytes(file.read_bytes()).walk()
        if part.get_filename() and part.get_content_type() == "application/xml"
    ]
    assert names == [f"{note['number']}.xml"]


def test_whom_it_is_shipped_to_is_in_the_machine_format(app: App, world: World) -> None:
    anna = world.customer("anna", address={"country": "DE", "city": "Berlin"})
    anna.owes(1000)
    to = {"name": "Bo", "address": {"line1": "Way 1", "city": "Lund", "country": "SE"}}
    anna.bills(shipping_details=to).does("finalize")
    with app.db.transaction(world.api.tenant) as tx:
        made = einvoice.einvoice_of(tx, rows.find(tx, Invoice, anna.last_invoice.data["id"]))
    assert made.ship_to and (made.ship_to.name, made.ship_to.city, made.ship_to.country) == (
        "Bo",
        "Lund",
        "SE",
    )
