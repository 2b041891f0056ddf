"""Do the papers of hard cases read as they were reviewed? BILLOW_PAPERS=FOLDER writes their PDFs there.

Billing credits, tax inside, long addresses, names from right to left, currencies of none and three decimals.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from billow import selling
from billow.api import rows
from billow.app import App
from billow.core.errors import Refused
from billow.flows.papers import einvoice
from billow.flows.papers.invoice_document import document_of, issued_at
from billow.flows.quotes import document as quote_document
from billow.providers.documents import InvoiceDocument, pdf, text
from billow.resources.invoice import Invoice
from billow.resources.quote import Quote
from tests.golden.test_papers import agree, named
from tests.support import en16931
from tests.support.world import Customer, World

SELLER = (
    "name=Nordvärmländska Molntjänster och Datalagring Aktiebolag (publ)",
    "line1=Kungsträdgårdsgatan 12 B, 4 tr",
    "line2=Box 16 345", "postal_code=103 26", "city=Stockholm", "country=SE", "tax_id=eu_vat:SE556000475501",
    "company_number=5560004755", "statement=Godkänd för F-skatt", "statement=Styrelsens säte: Stockholm",
    "iban=SE3550000000054910000003", "number_prefix=NORD", "email=faktura@nord.example", "color=#0F766E",
)  # fmt: skip
REFERENCE = re.compile(r"\bRF\d\d[\d ]+\b")
"""By what a transfer names an invoice, which is drawn by chance."""
LONG = {
    "line1": "Donaudampfschifffahrtsgesellschaftsstraße 123–125, Hinterhaus, 3. Obergeschoss links",
    "line2": "c/o Rindfleischetikettierungsüberwachungsaufgabenübertragungsamt",
    "postal_code": "17235",
    "city": "Neustrelitz, Ortsteil Klein Trebbow",
    "state": "Mecklenburg-Vorpommern",
    "country": "DE",
}


@pytest.fixture
def seller(app: App, world: World) -> None:
    class Built:
        db, account = app.db, world.api.tenant.partition("/")[0]

    selling.change(Built(), selling.read(list(SELLER)))  # type: ignore[arg-type]


def billed(anna: Customer, *lines: tuple[int, str], currency: str, **more: Any) -> None:
    for amount, description in lines:
        anna.owes(amount, description, currency=currency)
    anna.bills(collection_method="send_invoice", days_until_due=30, **more).does("finalize")


def compare(app: App, world: World, name: str, anna: Customer) -> None:
    """The paper of the last invoice agrees, and its machine formats keep the official rules."""
    with app.db.transaction(world.api.tenant) as tx:
        found = rows.find(tx, Invoice, anna.last_invoice.data["id"])
        paper, at = document_of(tx, found), issued_at(found)
        written = (
            [] if found.currency == "kwd" else [einvoice.written(tx, found, one) for one in ("ubl", "cii")]
        )
    for xml in written if en16931.is_there() else ():
        assert en16931.failed(xml) == [] and en16931.schema_errors(xml) == []
    keep(name, paper, at)
    parts = [text.render(paper), *(xml.decode().replace("><", ">\n<") + "\n" for xml in written[:1])]
    shown = REFERENCE.sub("RF…", named("\n".join(parts), {anna.id: anna.name}))
    agree(f"papers/{name}", shown)


def keep(name: str, paper: InvoiceDocument, at: Any) -> None:
    if folder := os.environ.get("BILLOW_PAPERS"):
        Path(folder, f"{name}.pdf").write_bytes(pdf.render(paper, at))


def test_billing_credits_are_a_row_of_the_paper_and_an_allowance(
    app: App, world: World, seller: None
) -> None:
    world.at("2025-01-01")
    calls = world.metered("API-anrop", world.meter("calls"), cents="2")
    anna = world.customer("anna", address=LONG, preferred_locales=["sv-SE"], invoice_prefix="ANNA")
    world.post(
        "/v1/billing/credit_grants",
        customer=anna.id,
        amount={"type": "monetary", "monetary": {"value": 1000, "currency": "usd"}},
        applicability_config={"scope": {"price_type": "metered"}},
        category="promotional",
        name="Välkommen",
    )
    anna.subscribes_to(calls, default_tax_rates=[world.tax(25, "Moms")])
    world.at("2025-01-20")
    anna.uses("calls", 1234, "2025-01-19")
    world.at("2025-02-01 02:00")
    compare(app, world, "billing_credits", anna)


def test_a_tax_inside_of_prices_with_long_addresses_in_german(app: App, world: World, seller: None) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", address=LONG, preferred_locales=["de"], invoice_prefix="ANNA")
    vat = world.tax(25, "MwSt.", inclusive=True)
    lines = ((11900, "Einrichtung der Rechenzentrumsanbindung"), (2500, "Support"))
    billed(anna, *lines, currency="eur", default_tax_rates=[vat])
    compare(app, world, "inclusive_tax", anna)


@pytest.mark.parametrize(
    ("name", "currency", "country"),
    [("אנה כהן־לוי, שירותי ענן בע״מ", "jpy", "IL"), ("شركة آنا للخدمات السحابية ذ.م.م", "kwd", "KW")],
)
def test_names_from_right_to_left_and_other_decimals(
    app: App, world: World, seller: None, name: str, currency: str, country: str
) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", address={"line1": name[:12], "country": country}, invoice_prefix="ANNA")
    world.post(f"/v1/customers/{anna.id}", name=name)
    billed(anna, (1234567, f"Server ({name[:3]})"), (-500, "Refund of a fee"), currency=currency)
    compare(app, world, currency, anna)
    if currency == "kwd":
        with app.db.transaction(world.api.tenant) as tx, pytest.raises(Refused, match="KWD has three"):
            einvoice.written(tx, rows.find(tx, Invoice, anna.last_invoice.data["id"]), "ubl")


@pytest.mark.parametrize(
    ("locale", "name"), [("de-DE", "prorations_in_german"), ("sv-SE", "prorations_in_swedish")]
)
def test_prorations_tiers_and_a_trial_in_the_customers_language(
    app: App, world: World, seller: None, locale: str, name: str
) -> None:
    """Seats are added in mid-month, calls fall into two tiers, and a sentence of the merchant's stays."""
    world.at("2025-01-01")
    seats = world.plan("Arbeitsplatz" if locale == "de-DE" else "Arbetsplats", usd=20)
    calls = world.metered("API", world.meter("calls"), tiers=[(1000, "0.5", 200), ("inf", "0.25")])
    anna = world.customer("anna", address=LONG, preferred_locales=[locale], invoice_prefix="ANNA")
    off = world.coupon(percent_off=10, duration="forever", name="Partner")
    bought = anna.subscribes_to(
        {"price": seats, "quantity": 2},
        calls,
        discounts=[{"coupon": off}],
        default_tax_rates=[world.tax(25, "Moms")],
        billing_mode={"type": "flexible"},
    )
    world.at("2025-01-16")
    first = bought.now["items"]["data"][0]["id"]
    bought.update(items=[{"id": first, "quantity": 5}])
    anna.owes(1500, "Unused time, as agreed on the phone")
    anna.uses("calls", 1600, "2025-01-15")
    world.at("2025-02-01 02:00")
    compare(app, world, name, anna)


def test_a_quote_says_its_tiers_and_packages(app: App, world: World, seller: None) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", address=LONG, invoice_prefix="ANNA")
    calls = world.metered("Calls", world.meter("calls"), tiers=[(1000, "0.5", 200), ("inf", "0.25")])
    seats = world.post(
        "/v1/prices",
        currency="usd",
        product_data={"name": "Seats"},
        recurring={"interval": "month"},
        billing_scheme="tiered",
        tiers_mode="volume",
        tiers=[{"up_to": 10, "unit_amount": 2000}, {"up_to": "inf", "unit_amount": 1500, "flat_amount": 500}],
    )["id"]
    mails = world.metered("Mails", world.meter("mails"), cents="150", per=10000)
    quote = anna.is_offered(calls, {"price": seats, "quantity": 12}, mails)
    quote.does("finalize")
    with app.db.transaction(world.api.tenant) as tx:
        row = rows.find(tx, Quote, quote.id)
        paper = quote_document.document_of(tx, row)
    keep("quote", paper, row.finalized_at)
    agree("quotes/quote_of_tiers", named(text.render(paper), {anna.id: anna.name}))
