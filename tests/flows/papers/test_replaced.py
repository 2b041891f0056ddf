"""Do a revision and what it replaces name each other on paper, in mails, on pages and in machine formats?"""

from pathlib import Path

import pytest

from billow.api import rows
from billow.app import App
from billow.flows.papers import einvoice
from billow.resources.invoice import Invoice as Stored
from tests.flows.papers.test_customer_mails import by_time, text_of
from tests.flows.papers.test_mail import letters
from tests.flows.papers.test_untaxed_papers import paper_of
from tests.flows.platform.test_sellers import Of
from tests.support.page_visits import Visitor
from tests.support.world import Invoice, World

__all__ = ["letters"]


@pytest.fixture
def revised(app: App, world: World, letters: Path) -> tuple[Invoice, Invoice]:
    """An invoice of a German seller that was mailed, and the revision that has replaced it."""
    world.at("2026-11-30 12:00")
    of = Of(app, world.api)
    of.sets("name=Acme GmbH", "country=DE", "line1=Hauptstr. 5", "postal_code=10115", "city=Berlin")
    of.sets("tax_id=eu_vat:DE136695976", "email=kim@acme.example")
    anna = world.customer("anna", card=None, preferred_locales=["de"], address={"country": "DE"})
    anna.owes(5000, currency="eur")
    original = anna.bills(currency="eur", collection_method="send_invoice", days_until_due=14)
    original.does("send")
    world.work()
    world.at("2026-12-02 12:00")
    form = {"from_invoice": {"action": "revision", "invoice": original.data["id"]}}
    revision = Invoice(world, world.post("/v1/invoices", **form))
    revision.does("add_lines", lines=[{"amount": 1000, "description": "More"}])
    revision.does("send")
    world.work()
    return original, revision


def test_a_revision_names_the_number_and_the_date_of_what_it_replaces(
    app: App, world: World, revised: tuple[Invoice, Invoice], letters: Path
) -> None:
    original, revision = revised
    said = f"Ersetzt Rechnung {original.now['number']} vom 30. November 2026."
    assert said in paper_of(app, world, revision.data["id"])
    mails = {str(one["Subject"]).split(" von ")[0]: one for one in by_time(letters)}
    assert said in " ".join(text_of(mails[f"Rechnung {revision.now['number']}"]).split())
    assert said in Visitor(app).opens(revision.now["hosted_invoice_url"]).words()


def test_what_was_replaced_says_by_what_and_has_nothing_to_pay(
    app: App, world: World, revised: tuple[Invoice, Invoice]
) -> None:
    original, revision = revised
    said = f"Ersetzt durch Rechnung {revision.now['number']}."
    shown = paper_of(app, world, original.data["id"])
    assert said in shown and "Zu zahlen 0,00 €" in shown
    page = Visitor(app).opens(original.now["hosted_invoice_url"])
    assert f'<a href="{revision.now["hosted_invoice_url"]}">{said}</a>' in page.text
    assert "0,00 €" in page.words() and "<form" not in page.text and "IBAN" not in page.text


def test_the_credit_note_of_the_replaced_invoice_names_the_revision(
    world: World, revised: tuple[Invoice, Invoice], letters: Path
) -> None:
    original, revision = revised
    [note] = world.get("/v1/credit_notes", invoice=original.data["id"])["data"]
    assert note["memo"] == f"Ersetzt durch Rechnung {revision.now['number']}"
    [mail] = [text_of(one) for one in by_time(letters) if note["number"] in text_of(one)]
    assert f"{note['memo']}." in mail


@pytest.mark.parametrize(("profile", "name"), [("ubl", "BillingReference"), ("cii", "InvoiceReferenced")])
def test_a_machine_format_names_the_preceding_invoice(
    app: App, world: World, revised: tuple[Invoice, Invoice], profile: str, name: str
) -> None:
    original, revision = revised
    with app.db.transaction(world.api.tenant) as tx:
        xml = einvoice.written(tx, rows.find(tx, Stored, revision.data["id"]), profile).decode()
        first = einvoice.written(tx, rows.find(tx, Stored, original.data["id"]), profile).decode()
    assert name in xml and original.now["number"] in xml and name not in first
