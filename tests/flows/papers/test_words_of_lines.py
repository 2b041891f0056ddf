"""Does a customer read lines, discounts and taxes in their language, on papers, pages and in mails?"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.flows.billing.labels import rate_labels
from billow.flows.papers import credit_note_document, invoice_document, letters, line_words
from billow.flows.papers.letter_lines import lines_of
from billow.providers.documents.languages import WORDS
from billow.providers.taxes import eu_vat
from billow.resources.credit_note import CreditNote
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.price import Price
from billow.resources.tax_rate import TaxRate
from tests.support.world import World

START = datetime(2026, 2, 15, tzinfo=UTC)
ENGLISH = re.compile(r"time on|Trial|trial for|every|Tier|previously|Prepaid| off\b|\bat\b")


def line(description: str, **more: Any) -> InvoiceLine:
    fields = {
        "kind": "licensed",
        "quantity_decimal": Decimal(2),
        "unit_amount_decimal": Decimal(1850),
        **more,
    }
    return InvoiceLine(
        amount=333,
        currency="eur",
        description=description,
        invoice="in_1",
        customer="cus_1",
        period_start=START,
        period_end=START,
        **fields,
    )


PRICE = Price(
    active=True,
    currency="eur",
    product="prod_1",
    type="recurring",
    unit_amount_decimal=Decimal(1850),
    recurring={"interval": "month", "interval_count": 3, "usage_type": "licensed", "meter": None},
)
LINES = (
    line("2 seat × Pro (at €18.50 / every 3 months)"),
    line("2 × Pro (Tier 2 at €18.50 / every 3 months)", tier=1),
    line("Unused time on 2 × Pro after 15 Feb 2026 (with 35.0% off)", proration=True),
    line("Remaining time on 2 × Pro after 15 Feb 2026", proration=True),
    line("Free trial for 2 × Pro"),
    line("Trial period for Pro"),
    line("Amount previously billed"),
    line("Prepaid credits: Pro", kind="prepaid"),
)


def test_every_text_of_ours_is_said_in_german() -> None:
    assert [line_words.whole(one, PRICE, "de-DE").replace("\N{NO-BREAK SPACE}", " ") for one in LINES] == [
        "2 seat × Pro (je 18,50 € alle 3 Monate)",
        "2 × Pro (Stufe 2, je 18,50 € alle 3 Monate)",
        "Nicht genutzte Zeit für 2 × Pro ab 15.02.2026 (mit 35 % Rabatt)",
        "Verbleibende Zeit für 2 × Pro ab 15.02.2026",
        "Kostenloser Testzeitraum für 2 × Pro",
        "Testzeitraum für Pro",
        "Bereits berechneter Betrag",
        "Vorausbezahltes Guthaben: Pro",
    ]


@pytest.mark.parametrize("locale", [one for one in WORDS if one != "en"])
def test_no_text_of_ours_stays_english(locale: str) -> None:
    for one in LINES:
        said = line_words.whole(one, PRICE, locale)
        assert not ENGLISH.search(said) and (
            one.description == "Amount previously billed" or "Pro" in said
        ), said


def test_english_papers_and_the_merchants_words_stay_as_they_are() -> None:
    assert [line_words.whole(one, PRICE, "en-GB") for one in LINES] == [one.description for one in LINES]
    own = line("2 × Pro, wie am Telefon besprochen")
    assert line_words.whole(own, PRICE, "sv") == own.description


@pytest.mark.parametrize(
    ("locale", "country", "percentage", "expected"),
    [
        ("de-DE", "DE", "19", "MwSt. DE (19 %)"),
        ("de-AT", "AT", "20", "USt. AT (20 %)"),
        ("sv", "DE", "19", "Moms DE (19 %)"),
        ("fr", "FR", "5.5", "TVA FR (5,5 %)"),
        ("en", "FI", "25.5", "VAT FI (25.5%)"),
        ("fi", "FI", "25.5", "ALV FI (25,5 %)"),
    ],
)
def test_an_automatic_rate_is_called_as_its_reader_calls_it(
    locale: str, country: str, percentage: str, expected: str
) -> None:
    fields = {"inclusive": False, "percentage": Decimal(percentage), "country": country}
    mine = TaxRate(id="a", display_name=eu_vat.name_of(country), treatment="oss", **fields)
    own = TaxRate(id="b", display_name=eu_vat.name_of(country), treatment=None, **fields)
    found = rate_labels({"a": mine, "b": own}, locale)
    assert re.sub(r"\s", " ", found["a"]) == expected
    assert found["b"].startswith(eu_vat.name_of(country))


def test_a_mail_and_a_credit_note_say_it_as_the_invoice_does(app: App, world: World) -> None:
    world.at("2026-01-01")
    anna = world.customer("anna", preferred_locales=["sv"])
    off = world.coupon(percent_off=10, duration="forever", name="Partner")
    seats = {"price": world.plan("Plats", usd=20), "quantity": 3}
    anna.subscribes_to(seats, trial_period_days=14, discounts=[{"coupon": off}])
    world.at("2026-01-16")
    [paid, trial] = [one.data["id"] for one in sorted(anna.invoices, key=lambda one: -one.data["total"])]
    billed = world.get(f"/v1/invoices/{paid}")["lines"]["data"][0]
    credited = {"type": "invoice_line_item", "invoice_line_item": billed["id"], "quantity": 1}
    note = world.post("/v1/credit_notes", invoice=paid, lines=[credited], credit_amount=1800)
    with app.db.transaction(world.api.tenant) as tx:
        free, dear = (rows.find(tx, Invoice, id) for id in (trial, paid))
        shown = invoice_document.document_of(tx, free).lines[0].description
        assert shown == "Gratis provperiod för 3 × Plats"
        own = rows.select(tx, InvoiceLine, "invoice = %(id)s", id=dear.id)
        mail = [one.text for one in lines_of(tx, dear, own, letters.spoken("sv-SE"))]
        assert mail == ["3 × Plats (à 20,00\xa0US$ per månad)", "Partner (10\xa0% rabatt)"]
        paper = credit_note_document.document_of(tx, rows.find(tx, CreditNote, note["id"]))
        assert (paper.lines[0].quantity, paper.lines[0].description) == ("1", "Plats")
    assert billed["description"] == "3 × Plats (at $20.00 / month)"
