"""Does an invoice in a foreign currency state its VAT in the seller's, by the rate of its day, for good?"""

import logging
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from billow import exchanging
from billow.api import rows
from billow.app import App
from billow.core.exchange import Rate
from billow.flows.papers import credit_note_document, invoice_document
from billow.flows.taxes import national
from billow.providers.documents import text
from billow.resources.credit_note import CreditNote
from billow.resources.invoice import Invoice
from tests.flows.papers.test_einvoices import checked, customer, formats, seller
from tests.support.world import World
from tests.test_command_line import Run, here, run

__all__ = ["here", "run", "seller"]


def loaded(app: App, world: World, **rates: str) -> None:
    with app.db.transaction(world.api.tenant) as tx:
        national.load(tx, [Rate(code, date(2026, 1, 30), Decimal(rate)) for code, rate in rates.items()])


def billed(world: World, currency: str = "eur", **more: Any) -> dict[str, Any]:
    world.at("2026-02-01")
    who = customer(world, test_clock=world.clock)
    world.post("/v1/invoiceitems", customer=who, currency=currency, amount=10000, description="Work")
    how = {"collection_method": "send_invoice", "days_until_due": 30, **more}
    draft = world.post("/v1/invoices", customer=who, pending_invoice_items_behavior="include", **how)
    return world.post(f"/v1/invoices/{draft['id']}/finalize")


def paper(app: App, world: World, invoice: dict[str, Any]) -> str:
    with app.db.transaction(world.api.tenant) as tx:
        return text.render(invoice_document.document_of(tx, rows.find(tx, Invoice, invoice["id"])))


def test_the_tax_is_stated_in_the_sellers_currency_on_paper_and_in_machine_formats(
    app: App, world: World, seller: None
) -> None:
    loaded(app, world, sek="10.5315", usd="1.1919")
    invoice = billed(world, default_tax_rates=[world.tax(25)])
    assert "Tax amount SEK (× 10.5315, Jan 30, 2026)" in paper(app, world, invoice)
    assert "263.29" in paper(app, world, invoice)
    checked(app, world, invoice)
    made = formats(app, world, invoice)
    ubl, cii = (etree.fromstring(made[one]) for one in ("ubl", "cii"))
    assert ubl.findtext("{*}TaxCurrencyCode") == "SEK"
    assert [(one.text, one.get("currencyID")) for one in ubl.findall("{*}TaxTotal/{*}TaxAmount")] == [
        ("25.00", "EUR"),
        ("263.29", "SEK"),
    ]
    assert [(one.text, one.get("currencyID")) for one in cii.iterfind(".//{*}TaxTotalAmount")] == [
        ("25.00", "EUR"),
        ("263.29", "SEK"),
    ]


def test_it_keeps_the_rate_of_its_day_and_a_credit_note_takes_it(
    app: App, world: World, seller: None
) -> None:
    loaded(app, world, sek="10.5315")
    invoice = billed(world, default_tax_rates=[world.tax(25)])
    before = paper(app, world, invoice)
    loaded(app, world, sek="99")
    assert paper(app, world, invoice) == before
    note = world.post("/v1/credit_notes", invoice=invoice["id"], amount=6250)
    with app.db.transaction(world.api.tenant) as tx:
        said = text.render(credit_note_document.document_of(tx, rows.find(tx, CreditNote, note["id"])))
    assert "SEK 131.65" in said.replace("\xa0", " ")  # 263.29 / 2 is 131.645


def test_where_a_rate_is_missing_nothing_is_said_and_the_operator_is_told(
    app: App, world: World, seller: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "billow.taxes"):
        invoice = billed(world, default_tax_rates=[world.tax(25)])
    assert "EUR of 2026-02-01 say no tax in SEK" in caplog.text
    assert "SEK" not in paper(app, world, invoice)
    assert etree.fromstring(formats(app, world, invoice)["ubl"]).find("{*}TaxCurrencyCode") is None
    with app.db.transaction(world.api.tenant) as tx:
        [row] = national.missing(tx)
    assert (row["currency"], row["invoices"]) == ("eur", 1)


def test_an_old_rate_is_none(app: App, world: World, seller: None) -> None:
    with app.db.transaction(world.api.tenant) as tx:
        national.load(
            tx, [Rate("sek", date(2026, 1, 25), Decimal(11)), Rate("nok", date(2026, 1, 26), Decimal(1))]
        )
        assert set(national.rates_on(tx, date(2026, 2, 1))) == {"nok"}
        assert set(national.rates_on(tx, date(2026, 1, 25))) == {"sek"}


@pytest.mark.parametrize(("currency", "percentage"), [("sek", 25), ("eur", 0)])
def test_nothing_is_stated_twice_nor_of_no_tax(
    app: App, world: World, seller: None, currency: str, percentage: int
) -> None:
    loaded(app, world, sek="10.5315")
    invoice = billed(world, currency, default_tax_rates=[world.tax(percentage)] if percentage else [])
    with app.db.transaction(world.api.tenant) as tx:
        assert rows.find(tx, Invoice, invoice["id"]).national_tax is None


def test_a_part_of_it_has_the_rate_of_the_whole() -> None:
    kept = {"currency": "sek", "amount": 26329, "rate": "10.5315", "on": "2026-01-30"}
    assert national.of_part(kept, 1250, 2500) == {**kept, "amount": 13165}
    assert national.of_part(kept, 2500, 2500) == kept
    assert national.of_part({"currency": "sek"}, 1, 2) is None and national.of_part(kept, 0, 2500) is None


def test_the_commands_load_rates_and_count_what_is_missing(
    here: App, run: Run, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    @contextmanager
    def opened(*args: Any, **more: Any) -> Any:
        yield here

    monkeypatch.setattr(exchanging, "open_installation", opened)
    file = tmp_path / "eurofxref.csv"
    file.write_text("Date,USD,SEK,\n2026-01-30,1.1919,10.5315,\n2026-01-29,1.1968,10.5555,\n")
    for _ in range(2):  # the same file twice changes nothing
        status, said = run("rates", "load", str(file))
        assert (status, said) == (
            0,
            "eurofxref.csv: 4 rates from 2026-01-29 to 2026-01-30; there are 4 now.\n",
        )
    status, said = run("rates")
    assert status == 0 and "10.5315" in said and "10.5555" not in said
