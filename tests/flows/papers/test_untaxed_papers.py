"""Do papers and mails say why a tax is not charged, in the reader's language, and when it was supplied?"""

from pathlib import Path

import pytest

from billow.api import rows
from billow.app import App
from billow.core.untaxed import NAMED, mention_of
from billow.flows.invoices.explain import explain
from billow.flows.papers import credit_note_einvoice, einvoice, invoice_document
from billow.providers.documents import text, wording
from billow.providers.documents.languages import WORDS
from billow.resources.credit_note import CreditNote
from billow.resources.invoice import Invoice
from tests.flows.papers.test_customer_mails import text_of
from tests.flows.papers.test_mail import letters, read
from tests.flows.platform.test_sellers import Of
from tests.flows.taxes.sellers import UNION, buyer, seller, standard, taxed
from tests.support import en16931
from tests.support.world import World

__all__ = ["letters"]
GOODS, SERVICE = "txcd_99999999", "txcd_10103001"
FRENCH = {"tax_id_data": [{"type": "eu_vat", "value": "FR40303265045"}]}


def paper_of(app: App, world: World, id: str) -> str:
    with app.db.transaction(world.api.tenant) as tx:
        document = invoice_document.document_of(tx, rows.find(tx, Invoice, id))
    return " ".join(text.render(document).replace("\N{NO-BREAK SPACE}", " ").replace("\u202f", " ").split())


def issued(app: App, world: World, place: str, code: str, locale: str, **more: object) -> str:
    """Bill a customer of a German seller, and return the invoice."""
    Of(app, world.api).sets(
        "name=Acme GmbH", "country=DE", "line1=Hauptstr. 5", "city=Berlin", "postal_code=10115"
    )
    Of(app, world.api).sets("tax_id=eu_vat:DE136695976", "email=kim@acme.example")
    seller(world, standard("DE"), UNION, country="DE")
    anna = buyer(world, place, preferred_locales=[locale], email="anna@example.com", **more)
    world.post("/v1/invoiceitems", customer=anna.id, currency="eur", amount=1000, tax_code=code)
    draft = taxed(world, anna)
    made = world.post(f"/v1/invoices/{draft['id']}/finalize")
    assert made["tax"] if "tax" in made else not sum(tax["amount"] for tax in made["total_taxes"])
    return str(made["id"])


@pytest.mark.parametrize(
    ("place", "code", "more", "locale", "label", "mention"),
    [
        (
            "FR", SERVICE, FRENCH, "fr", "Autoliquidation (0 %)",
            "Autoliquidation, taxe due par le preneur : articles 44 et 196 de la directive 2006/112/CE. /"
            " Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge): Art. 44 und 196 der Richtlinie"
            " 2006/112/EG (§ 3a Abs. 2 UStG).",
        ),
        (
            "FR", SERVICE, FRENCH, "de", "Reverse Charge (0 %)",
            "Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge): Art. 44 und 196 der Richtlinie"
            " 2006/112/EG (§ 3a Abs. 2 UStG).",
        ),
        (
            "FR", GOODS, FRENCH, "de", "Innergemeinschaftliche Lieferung (0 %)",
            "Art. 138 der Richtlinie 2006/112/EG (§ 4 Nr. 1 Buchst. b UStG)",
        ),
        (
            "US-CA", GOODS, {}, "en", "Export (0%)",
            "Art. 146 of Directive 2006/112/EC. / Steuerfreie Ausfuhrlieferung: Art. 146 der Richtlinie"
            " 2006/112/EG (§ 4 Nr. 1 Buchst. a UStG).",
        ),
        (
            "CH", SERVICE, {}, "de", "Nicht steuerbare Leistung (0 %)",
            "Art. 44 und 59 der Richtlinie 2006/112/EG",
        ),
    ],
)  # fmt: skip
def test_a_tax_that_is_not_charged_has_its_reason_for_a_name(
    app: App,
    world: World,
    place: str,
    code: str,
    more: dict[str, object],
    locale: str,
    label: str,
    mention: str,
) -> None:
    shown = paper_of(app, world, issued(app, world, place, code, locale, **more))
    assert f"{label}:" in shown or f"{label} on" in shown
    assert mention in shown and shown.count(mention) == 1
    for tax in ("MwSt. ", "TVA FR (", "VAT FR", "VAT US", "VAT CH", "Tax ("):
        assert tax not in shown, tax


def test_a_mail_and_a_credit_note_name_the_reason_too(app: App, world: World, letters: Path) -> None:
    id = issued(app, world, "FR", SERVICE, "de", **FRENCH)
    world.post(f"/v1/invoices/{id}/send")
    world.work()
    [mail] = read(letters)
    assert "Reverse Charge (0\N{NO-BREAK SPACE}%): 10,00" in text_of(mail) and "MwSt. FR" not in text_of(mail)


def test_a_number_of_which_only_the_format_is_known_is_not_called_validated(app: App, world: World) -> None:
    id = issued(app, world, "FR", SERVICE, "de", **FRENCH)
    with app.db.transaction(world.api.tenant) as tx:
        said = "\n".join(explain(tx, rows.find(tx, Invoice, id)))
    assert "tax numbers: FR40303265045 (format checked)" in said and "(valid)" not in said


def test_an_invoice_without_periods_names_its_day_of_supply(app: App, world: World) -> None:
    shown = paper_of(app, world, issued(app, world, "CH", SERVICE, "de"))
    assert "Leistungsdatum 10. Januar 2026" in shown


def test_an_export_of_goods_is_one_in_its_machine_format(app: App, world: World) -> None:
    id = issued(app, world, "US-CA", GOODS, "en")
    with app.db.transaction(world.api.tenant) as tx:
        xml = einvoice.written(tx, rows.find(tx, Invoice, id), "ubl").decode()
    assert "VATEX-EU-G" in xml and ">G<" in xml and ">Z<" not in xml


def test_goods_for_another_member_state_are_a_supply_to_it_in_machine_formats(app: App, world: World) -> None:
    id = issued(app, world, "FR", GOODS, "de", **FRENCH)
    note = world.post("/v1/credit_notes", invoice=id, amount=400)
    with app.db.transaction(world.api.tenant) as tx:
        invoice, credited = rows.find(tx, Invoice, id), rows.find(tx, CreditNote, note["id"])
        made = [einvoice.written(tx, invoice, name) for name in ("ubl", "cii")]
        made += [credit_note_einvoice.written(tx, credited, name) for name in ("ubl", "cii")]
    for xml in made:
        assert en16931.failed(xml) == [] and en16931.schema_errors(xml) == []
        assert b"VATEX-EU-IC" in xml and b">K<" in xml and b">AE<" not in xml


def test_a_machine_format_without_periods_names_the_day_of_supply(app: App, world: World) -> None:
    id = issued(app, world, "FR", SERVICE, "de", **FRENCH)
    with app.db.transaction(world.api.tenant) as tx:
        xml = einvoice.written(tx, rows.find(tx, Invoice, id), "ubl").decode()
    assert "<cbc:ActualDeliveryDate>2026-01-10<" in xml and "InvoicePeriod" not in xml


def test_lines_of_one_day_were_supplied_on_a_day(app: App, world: World) -> None:
    """Lines that were added one after the other are supplied at different times of a day."""
    anna = world.customer("Anna", preferred_locales=["de"])
    for at in (1_767_960_000, 1_767_960_060):
        item = {"amount": 1000, "currency": "usd", "period": {"start": at, "end": at}}
        world.post("/v1/invoiceitems", customer=anna.id, **item)
    made = world.post("/v1/invoices", customer=anna.id, pending_invoice_items_behavior="include")
    world.post(f"/v1/invoices/{made['id']}/finalize")
    assert "Leistungsdatum 9. Januar 2026" in paper_of(app, world, made["id"])


def test_each_reason_in_place_of_a_name_has_a_name_and_a_mention_in_each_language() -> None:
    for language, words in WORDS.items():
        for reason in NAMED:
            assert words[f"name_{reason}"] and words[reason], (language, reason)


def test_the_article_of_a_reverse_charge_is_said_in_each_language() -> None:
    for language, words in WORDS.items():
        said = words["eu_reverse_charge"]
        assert "196" in said and "2006/112" in said, language


@pytest.mark.parametrize(
    ("seller_in", "buyer_in", "said"),
    [
        ("DE", "FR", "Art. 44 and 196 of Directive 2006/112/EC. / Steuerschuldnerschaft"),
        ("SE", "GR", "/ Omvänd betalningsskyldighet: artiklarna 44 och 196 i direktiv 2006/112/EG."),
        ("DE", "DE", "Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge) (§ 13b UStG)."),
        ("SE", "SE", "Tax to be paid by the customer (reverse charge). / Omvänd betalningsskyldighet."),
        ("SE", "CH", "Tax to be paid by the customer (reverse charge). / Omvänd betalningsskyldighet."),
    ],
)
def test_a_reverse_charge_names_the_law_by_which_the_buyer_owes_it(
    seller_in: str, buyer_in: str, said: str
) -> None:
    found = wording.mention("en", mention_of("reverse_charge", seller_in, buyer_in), seller_in)
    assert said in found


def test_goods_go_where_the_invoice_ships_them_to(app: App, world: World) -> None:
    """BT-80 and the paper name the place of the shipment before that of the buyer."""
    where = {"line1": "Kärntner Str. 1", "city": "Wien", "postal_code": "1010", "country": "AT"}
    id = issued(app, world, "FR", GOODS, "de", shipping={"name": "Lager", "address": where}, **FRENCH)
    with app.db.transaction(world.api.tenant) as tx:
        made = [einvoice.written(tx, rows.find(tx, Invoice, id), name) for name in ("ubl", "cii")]
    for xml in made:
        assert en16931.failed(xml) == [] and b">AT<" in xml
    assert "Wien" in paper_of(app, world, id)
