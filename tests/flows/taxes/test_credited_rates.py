"""Is what is credited of several tax rates split over them alike in reports, books, papers and formats?"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.core.books.chart import written
from billow.flows.outside import seller as sellers
from billow.flows.outside.books import books_of, number_vouchers, set_books
from billow.flows.papers import credit_note_document, credit_note_einvoice
from billow.ledger import charts
from billow.ledger.exports import datev
from billow.providers.documents import text
from billow.resources.credit_note import CreditNote
from tests.flows.platform.test_sellers import Of
from tests.flows.taxes.sellers import seller, standard
from tests.flows.taxes.test_returns import rows_of
from tests.support import en16931
from tests.support.world import World


def sold(app: App, world: World, *amounts: tuple[int, int], inclusive: bool = False) -> dict[str, Any]:
    """Bill amounts at German rates; 33.33 at 19 % and 14.99 at 7 %, say."""
    own = ("name=Acme GmbH", "country=DE", "line1=Hauptstr. 5", "city=Berlin", "postal_code=10115")
    Of(app, world.api).sets(*own, "tax_id=eu_vat:DE136695976", "email=kim@acme.example")
    seller(world, standard("DE"), country="DE")
    anna = world.customer("anna", address={"country": "DE", "city": "Köln", "postal_code": "50667"})
    rates = {
        percent: world.tax(percent, country="DE", display_name="USt", inclusive=inclusive)
        for percent in dict.fromkeys(percent for _, percent in amounts)
    }
    for amount, percent in amounts:
        anna.owes(amount, currency="eur", tax_rates=[rates[percent]])
    return anna.bills(currency="eur").does("finalize")


def balances(app: App, world: World) -> dict[str, int]:
    """The balances of the accounts of revenue, its reductions and tax, by number, after DATEV has them."""
    with app.db.transaction(world.api.tenant) as tx:
        sellers.store(tx, tx.account, country="DE", default_currency="eur")
        set_books(tx, chart=written(charts.ready("skr03")))
        number_vouchers(tx, date(2026, 12, 31))
        books = books_of(tx, date(2026, 1, 1), date(2026, 12, 31))
    found = Counter[str]()
    for booking in books.bookings:
        for one in booking.entries:
            found[one.row.number] += one.amount
    assert read(datev.write(books)) == {number: amount for number, amount in found.items() if amount}
    return {number: -found[number] for number in sorted(found) if number[:2] in ("17", "83", "84", "87")}


def read(files: Sequence[bytes]) -> dict[str, int]:
    """The balances in files of DATEV."""
    found = Counter[str]()
    for line in b"".join(files).decode("cp1252").splitlines():
        fields = line.split(";")
        if fields[1] in ('"S"', '"H"'):
            amount = int(fields[0].replace(",", "")) * (1 if fields[1] == '"S"' else -1)
            found[fields[6]] += amount
            found[fields[7]] -= amount
    return {number: amount for number, amount in found.items() if amount}


RATES = {"19": ("8400", "8720", "1776"), "7": ("8300", "8710", "1771")}
"""The accounts of revenue, of what is credited of it, and of tax, by rate."""


def declared(app: App, world: World) -> dict[str, tuple[int, int]]:
    """Base and tax by rate, in the VAT report and in the books alike."""
    found = {row[3]: (row[5], row[6]) for row in rows_of(app, world, "vat")}
    booked = balances(app, world)
    for rate, (revenue, credited, tax) in RATES.items():
        base = booked.get(revenue, 0) + booked.get(credited, 0)
        assert (base, booked.get(tax, 0)) == found.get(rate, (0, 0)), rate
    assert not booked.get("8700"), "nothing is on the general account"
    return found


def test_rates_of_a_line_that_credits_none_are_the_same_in_any_order(app: App, world: World) -> None:
    """10.00 come off what has both taxes, though the credit note names them the other way round."""
    world.at("2026-01-10")
    anna = world.customer("anna")
    one, two = world.tax(5, "GST", country="CA"), world.tax(10, "QST", country="CA")
    both, single = world.once("Both", eur=100), world.once("Single", eur=100)
    for price, rates in ((both, [one, two]), (single, [one])):
        world.post("/v1/invoiceitems", customer=anna.id, pricing={"price": price}, tax_rates=rates)
    invoice = anna.bills(currency="eur").does("finalize")
    custom = {"type": "custom_line_item", "unit_amount": 1000, "quantity": 1, "description": "Late"}
    world.post("/v1/credit_notes", invoice=invoice["id"], lines=[{**custom, "tax_rates": [two, one]}])
    [both_of] = [
        line["id"] for line in invoice["lines"]["data"] if line["pricing"]["price_details"]["price"] == both
    ]
    with app.db.transaction(world.api.tenant) as tx:
        moved = tx.tuples(
            "select line, sum(amount)::int from ledger_transfers where event = 'credit_note.issued'"
            " and line is not null group by 1"
        )
    assert moved == [(both_of, 1000)]


def documents(app: App, world: World, note: str) -> tuple[str, list[bytes]]:
    """The paper of a credit note, and its machine formats, which are valid."""
    with app.db.transaction(world.api.tenant) as tx:
        one = rows.find(tx, CreditNote, note)
        made = [credit_note_einvoice.written(tx, one, name) for name in ("ubl", "cii")]
        paper = text.render(credit_note_document.document_of(tx, one))
    for xml in made:
        assert en16931.failed(xml) == [] and en16931.schema_errors(xml) == []
    return paper, made


@pytest.mark.parametrize("inclusive", [False, True], ids=["on top", "inside"])
def test_credit_notes_of_amounts_are_split_over_rates(app: App, world: World, inclusive: bool) -> None:
    """33.33 and 0.01 at 19 %, 14.99 at 7 %: whatever rounding does, all of them take back all."""
    invoice = sold(app, world, (3333, 19), (1499, 7), (1, 19), inclusive=inclusive)
    assert declared(app, world).keys() == {"19", "7"}
    left = invoice["total"]
    for amount in (1000, 777, 1, 2, 1500):
        note = world.post("/v1/credit_notes", invoice=invoice["id"], amount=amount)
        left -= amount
        assert note["total"] == amount
        assert sum(base + tax for base, tax in declared(app, world).values()) == left
    last = world.post("/v1/credit_notes", invoice=invoice["id"], amount=left)
    assert last["total"] == left and declared(app, world) == {}
    with app.db.transaction(world.api.tenant) as tx:
        notes = rows.select(tx, CreditNote, "invoice = %(id)s", id=invoice["id"])
    of_notes = Counter[str]()
    for one in notes:
        for tax in one.total_taxes:
            of_notes[tax["tax_rate_details"]["tax_rate"]] += tax["amount"]
    billed = {tax["tax_rate_details"]["tax_rate"]: tax["amount"] for tax in invoice["total_taxes"]}
    assert of_notes == billed


def test_a_credit_note_of_an_amount_says_the_same_everywhere(app: App, world: World) -> None:
    """Of 100.00 at 19 % and 50.00 at 7 %, 172.50 with tax, 50.00 is credited."""
    invoice = sold(app, world, (10000, 19), (5000, 7))
    note = world.post("/v1/credit_notes", invoice=invoice["id"], amount=5000)
    taxes = sorted(((tax["taxable_amount"], tax["amount"]) for tax in note["total_taxes"]), reverse=True)
    assert taxes == [(2899, 551), (1449, 101)]
    assert declared(app, world) == {"19": (10000 - 2899, 1900 - 551), "7": (5000 - 1449, 350 - 101)}
    assert balances(app, world)["8720"] == -2899 and balances(app, world)["8710"] == -1449
    paper, made = documents(app, world, note["id"])
    for amount in ("28.99", "5.51", "14.49", "1.01", "50.00"):
        assert amount in paper
        assert all(amount.encode() in xml for xml in made)


def test_a_line_that_credits_no_line_lowers_the_base_of_its_own_rate(app: App, world: World) -> None:
    """10.00 at 7 % come off what was sold at 7 %, not off all lines."""
    invoice = sold(app, world, (10000, 19), (5000, 7))
    seven = next(
        tax["tax_rate_details"]["tax_rate"] for tax in invoice["total_taxes"] if tax["amount"] == 350
    )
    custom = {"type": "custom_line_item", "unit_amount": 1000, "quantity": 1, "description": "Late"}
    world.post("/v1/credit_notes", invoice=invoice["id"], lines=[{**custom, "tax_rates": [seven]}])
    assert declared(app, world) == {"19": (10000, 1900), "7": (4000, 280)}


def test_taxes_inside_and_on_top_with_a_discount_are_credited_to_nothing(app: App, world: World) -> None:
    """100.00 with 19 % inside and 49.99 with 7 % on top, 12.5 % off the invoice; credited in odd parts."""
    own = ("name=Acme GmbH", "country=DE", "line1=Hauptstr. 5", "city=Berlin", "postal_code=10115")
    Of(app, world.api).sets(*own, "tax_id=eu_vat:DE136695976", "email=kim@acme.example")
    seller(world, standard("DE"), country="DE")
    anna = world.customer("anna", address={"country": "DE", "city": "Köln", "postal_code": "50667"})
    coupon = world.post("/v1/coupons", percent_off="12.5", duration="forever")["id"]
    for amount, percent, inside in ((10000, 19, True), (4999, 7, False), (-333, 7, False)):
        rate = world.tax(percent, country="DE", display_name="USt", inclusive=inside)
        anna.owes(amount, currency="eur", tax_rates=[rate])
    draft = world.post(
        "/v1/invoices",
        customer=anna.id,
        currency="eur",
        pending_invoice_items_behavior="include",
        discounts=[{"coupon": coupon}],
    )
    invoice = world.post(f"/v1/invoices/{draft['id']}/finalize")
    left = invoice["total"]
    assert sum(base + tax for base, tax in declared(app, world).values()) == left
    for amount in (1, 3333, 7, 2500, 777):
        world.post("/v1/credit_notes", invoice=invoice["id"], amount=amount)
        left -= amount
        assert sum(base + tax for base, tax in declared(app, world).values()) == left
    world.post("/v1/credit_notes", invoice=invoice["id"], amount=left)
    assert declared(app, world) == {}
