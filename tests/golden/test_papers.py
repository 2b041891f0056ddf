"""Do documents and books match their reviewed texts? `make golden` writes the changes for review."""

import difflib
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from billow.api import rows
from billow.app import App
from billow.flows.outside import books
from billow.flows.papers.invoice_document import document_of
from billow.flows.quotes import document
from billow.ledger.journal import journal
from billow.providers.documents import text
from billow.resources.invoice import Invoice
from billow.resources.quote import Quote as QuoteRow
from tests.support.world import Customer, World

FOLDER = Path(__file__).parent
ADDRESS = re.compile(r"http://\S+/i/\S+(\n/\S+)?")
"""Where an invoice is paid, which a paper may break into two lines."""
ID = re.compile(r"\b([a-z]+)_[0-9A-Za-z]{24}\b")


def agree(name: str, found: str) -> None:
    """The text is as the file has it; with BILLOW_GOLDEN=accept the file becomes as the text is."""
    file = FOLDER / f"{name}.txt"
    if os.environ.get("BILLOW_GOLDEN") == "accept":
        file.write_text(found)
    kept = file.read_text() if file.exists() else ""
    if kept != found:
        lines = difflib.unified_diff(
            kept.splitlines(), found.splitlines(), file.name, "now", lineterm="", n=2
        )
        pytest.fail("\n".join([*lines, "", "BILLOW_GOLDEN=accept takes this over."]), pytrace=False)


def named(text: str, names: dict[str, str]) -> str:
    """The same text in every run: known ids by their names, all others numbered as they appear."""
    for id, name in names.items():
        account = "".join(part[0].upper() + part[1:] for part in id.split("_"))
        text = text.replace(id, name).replace(account, name.title().replace(" ", ""))
    counts, numbers = Counter[str](), dict[str, str]()

    def number(found: re.Match[str]) -> str:
        kind = found.group(1)
        if found.group() not in numbers:
            counts[kind] += 1
            numbers[found.group()] = f"{kind}_{counts[kind]}"
        return numbers[found.group()]

    return ID.sub(number, ADDRESS.sub("http://…/i/…", text))


def compare(app: App, world: World, story: str, people: Sequence[Customer]) -> None:
    """Every invoice of these people, and the books of their merchant."""
    products = world.get("/v1/products", limit=100)["data"]
    names = {**{person.id: person.name for person in people}, **{one["id"]: one["name"] for one in products}}
    with app.db.transaction(world.api.tenant) as tx:
        papers = [
            text.render(document_of(tx, rows.find(tx, Invoice, invoice.data["id"])))
            for person in people
            for invoice in person.invoices
        ]
        entries = journal(tx, books.numbers_used(tx))
    agree(f"invoices/{story}_invoices", named("\n\n".join(paper.rstrip() + "\n" for paper in papers), names))
    agree(f"invoices/{story}_journal", named(entries, names))


def test_a_cloud_with_a_base_fee_and_metered_calls(app: App, world: World) -> None:
    world.at("2025-01-31")
    base = world.plan("Base", usd=20)
    calls = world.metered("Calls", world.meter("calls"), tiers=[(1000, "0.5"), ("inf", "0.25")])
    anna = world.customer(
        "anna", invoice_prefix="ANNA", address={"line1": "1 High St", "city": "Bath", "country": "GB"}
    )
    anna.subscribes_to(base, calls)
    world.at("2025-02-14")
    anna.uses("calls", 1500, "2025-02-13")
    world.at("2025-02-28 01:00")
    world.at("2025-03-31 01:00")
    compare(app, world, "cloud", [anna])


def test_a_trial_then_a_card_that_fails_and_one_that_pays(app: App, world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", invoice_prefix="ANNA")
    anna.subscribes_to({"price": world.plan("Seat", eur="9.90"), "quantity": 3}, trial_period_days=14)
    anna.pays_with("declining")
    world.at("2025-01-16 12:00")
    anna.pays_with("visa")
    world.at("2025-02-15 01:00")
    compare(app, world, "trial", [anna])


def test_invoices_by_hand_with_balances_losses_and_voids(app: App, world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", invoice_prefix="ANNA", balance=-3000)
    ben = world.customer("ben", invoice_prefix="BENC", card=None)
    anna.owes(5000, "Set-up")
    anna.bills(description="Thank you for your order.", footer="Nimbus Ltd, Bath").does("pay")
    anna.owes(-700, "Sorry for the delay")
    anna.bills().does("finalize")
    for end in ("void", "mark_uncollectible"):
        ben.owes(125000, "Server, one year, now", currency="jpy")
        ben.bills(collection_method="send_invoice", days_until_due=30).does("finalize")
        ben.last_invoice.does(end)
    world.at("2025-01-10")
    ben.last_invoice.does("pay", paid_out_of_band=True)
    compare(app, world, "by_hand", [anna, ben])


def test_discounts_taxes_and_a_reverse_charge(app: App, world: World) -> None:
    world.at("2025-01-01")
    vat = world.tax(19, "VAT", jurisdiction="DE", country="DE")
    levy = world.tax("2.5", "Cloud levy", inclusive=True, country="US", state="CA")
    launch = world.coupon(percent_off=20, duration="repeating", duration_in_months=2, name="Launch")
    loyal = world.coupon(amount_off=500, name="Thank you")
    anna = world.customer("anna", invoice_prefix="ANNA", address={"city": "Berlin", "country": "DE"})
    seats = {"price": world.plan("Seat", usd=12), "quantity": 5, "discounts": [{"coupon": launch}]}
    calls = {"price": world.plan("Calls", usd=30), "tax_rates": [vat, levy]}
    anna.subscribes_to(seats, calls, discounts=[{"coupon": loyal}], default_tax_rates=[vat])
    for when in ("2025-02-01 01:00", "2025-03-01 01:00"):
        world.at(when)
    ben = world.customer("ben", invoice_prefix="BENC", tax_exempt="reverse", address={"country": "SE"})
    ben.owes(10000, "Consulting")
    ben.owes(5000, "Support, tax included", tax_rates=[levy])
    ben.bills(default_tax_rates=[vat]).does("finalize")
    compare(app, world, "reduced", [anna, ben])


def test_a_quote_on_paper(app: App, world: World) -> None:
    """A trial, a discount for ever, a tax, and what is only known when it is used."""
    world.at("2025-01-01")
    address = {"line1": "1 High St", "city": "Bath", "country": "GB"}
    anna = world.customer("anna", invoice_prefix="ANNA", address=address)
    quote = anna.is_offered(
        {"price": world.plan("Seat", usd=20), "quantity": 12},
        world.once("Move of your data", usd=500),
        world.metered("Calls", world.meter("calls"), cents="0.5"),
        default_tax_rates=[world.tax(20)],
        description="As we discussed on the phone.",
        discounts=[{"coupon": world.coupon(percent_off=10, duration="forever", name="Partner")}],
        footer="Nimbus Ltd, Bath",
        header="An offer for Anna",
        subscription_data={"trial_period_days": 14},
    )
    quote.does("finalize")
    with app.db.transaction(world.api.tenant) as tx:
        paper = text.render(document.document_of(tx, rows.find(tx, QuoteRow, quote.id)))
    agree("quotes/quote_document", named(paper, {anna.id: anna.name}))
