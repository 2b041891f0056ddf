"""Is an invoice of the same day and month wherever somebody reads of it: where the seller is, not in UTC?"""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from billow import commands
from billow.api import rows
from billow.app import App
from billow.core.errors import Refused
from billow.flows.outside import merchant
from billow.flows.outside import seller as sellers
from billow.flows.outside.books import books_of, number_vouchers
from billow.flows.outside.seller import profile_of
from billow.flows.papers import invoice_document
from billow.flows.quotes.document import document_of as quoted
from billow.resources.invoice import Invoice
from billow.resources.quote import Quote
from tests.conftest import Api
from tests.dashboard.conftest import Person, text_of
from tests.flows.papers.test_customer_mails import text_of as letter_text
from tests.flows.papers.test_mail import letters, read
from tests.flows.taxes.sellers import UNION, buyer, seller, standard, taxed
from tests.support.page_visits import path_of
from tests.support.world import World
from tests.test_command_line import here, run

__all__ = ["here", "letters", "run"]
LATE, DAY = "2026-01-31 23:30", date(2026, 2, 1)
"""An instant that is of January in UTC, and of February in Stockholm."""


@pytest.fixture
def sold(app: App, world: World, letters: Path) -> dict[str, Any]:
    """An invoice that a seller in Stockholm finalizes then, to a consumer in Germany."""
    with app.db.transaction(world.api.tenant) as tx:
        sellers.store(
            tx, tx.account, country="SE", seller={**profile_of(tx).seller, "time_zone": "Europe/Stockholm"}
        )
        merchant.store(tx, merchant.Merchant(mails={"receipt": True}))
    seller(world, standard("SE"), UNION)
    anna = buyer(world, "DE", preferred_locales=["en"])
    world.at(LATE)
    draft = taxed(world, anna, 10000)
    made = world.post(f"/v1/invoices/{draft['id']}/finalize")
    return world.post(f"/v1/invoices/{made['id']}/pay")


def report(app: App, api: Api, name: str, since: str, until: str) -> list[dict[str, Any]]:
    built = App(app.db, app.keys, app.server, api.account, None)
    table = commands.report(built, name, since, until, "test")
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def test_the_reports_of_the_command_line_and_of_the_dashboard_have_the_same_month(
    app: App, api: Api, owner: Person, sold: dict[str, Any]
) -> None:
    for name in ("vat", "oss"):
        assert report(app, api, name, "2026-01", "2026-01") == []
        assert report(app, api, name, "2026-01-01", "2026-01-31") == []
        [row] = report(app, api, name, "2026-02", "2026-02")
        assert (row["base"], row["tax"]) == (10000, 1900)
        assert report(app, api, name, "2026-02-01", "2026-02-01") == [row]
        days = {"from": "2026-02-01", "to": "2026-02-28"}
        assert "€19.00" in owner.reads(f"/reports/{name}", **days)
        days = {"from": "2026-01-01", "to": "2026-01-31"}
        assert "€19.00" not in owner.reads(f"/reports/{name}", **days)
    assert [row["month"] for row in report(app, api, "revenue", "2026-01-01", "")] == ["2026-02"]
    assert sold["number"] in owner.reads("/ledger/journal", **{"from": "2026-02", "to": "2026-02"})
    assert sold["number"] not in owner.reads("/ledger/journal", **{"from": "2026-01", "to": "2026-01"})
    assert "1 Feb 2026" in owner.reads(f"/invoices/{sold['id']}")


def test_the_books_have_it_on_that_day(app: App, api: Api, sold: dict[str, Any]) -> None:
    with app.db.transaction(api.tenant) as tx:
        number_vouchers(tx, date(2026, 12, 31))
        made = books_of(tx, date(2026, 1, 1), date(2026, 12, 31))
        booked = {one.voucher.booked for one in made.bookings if one.voucher.document == sold["number"]}
    assert booked == {DAY}


def test_the_paper_the_pages_and_the_mail_have_that_day(
    app: App, world: World, sold: dict[str, Any], letters: Path
) -> None:
    with app.db.snapshot(world.api.tenant) as tx:
        found = rows.find(tx, Invoice, sold["id"])
        assert invoice_document.document_of(tx, found).issued_on == DAY
    client = app.wsgi.test_client()
    page = text_of(client.get(path_of(sold["hosted_invoice_url"])).text)
    assert "1 Feb 2026" in page and "31 Jan" not in page
    world.post("/v1/billing_portal/configurations", features={"invoice_history": {"enabled": "true"}})
    session = world.post("/v1/billing_portal/sessions", customer=sold["customer"])
    for query in ("", "?show=papers"):
        portal = text_of(client.get(path_of(session["url"]) + query).text)
        assert "1 Feb 2026" in portal and "31 Jan" not in portal
    world.work()  # without it, only letters of tests before this one are there
    [said] = [text for text in map(letter_text, read(letters)) if sold["number"] in text]
    assert "1 February 2026" in said and "31 January" not in said


def test_a_quote_is_dated_where_the_seller_is(app: App, world: World, sold: dict[str, Any]) -> None:
    customer = world.customer("bert")
    quote = customer.is_offered(world.plan("Pro", eur=20))
    quote.does("finalize")
    with app.db.snapshot(world.api.tenant) as tx:
        assert quoted(tx, rows.find(tx, Quote, quote.id)).issued_on == DAY


def test_the_rate_of_a_tax_is_that_of_the_seller_s_day(sold: dict[str, Any], world: World, app: App) -> None:
    with app.db.snapshot(world.api.tenant) as tx:
        [decided] = rows.find(tx, Invoice, sold["id"]).tax_decision["decisions"]
    assert decided["on"] == "2026-02-01"


def test_a_time_is_an_instant_and_what_is_neither_is_refused(
    app: App, api: Api, sold: dict[str, Any]
) -> None:
    assert report(app, api, "vat", "2026-01-31T23:30:00Z", "2026-01-31T23:31:00Z")
    assert report(app, api, "vat", "2026-02-01T00:30", "2026-02-01 00:31")  # where the seller is
    assert not report(app, api, "vat", "2026-01-31T23:30", "2026-01-31T23:31")
    for wrong in ("soon", "2026-13", "2026-01-31T25:00", "9999-12-31"):
        with pytest.raises(Refused, match=r"no month or day|no date or time|no such day"):
            report(app, api, "vat", "2026-01", wrong)
