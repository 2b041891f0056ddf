"""Do the commands of `billow books` export the books, and keep the chart that they are given?"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billow import bookkeeping
from billow.app import App
from billow.core.exchange import Rate
from billow.flows.taxes import national
from tests.conftest import Api
from tests.test_command_line import Run, here, run

__all__ = ["here", "run"]


@pytest.fixture
def books(here: App, run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`billow books` with these words, about the account of the test."""

    @contextmanager
    def opened(*args: Any, **more: Any) -> Iterator[App]:
        yield here

    monkeypatch.setattr(bookkeeping, "open_installation", opened)
    return lambda *words: run("books", *words)


def test_a_chart_is_taken_changed_and_kept(books: Run, tmp_path: Path) -> None:
    status, said = books("chart", "--write", "skr04")
    assert status == 0 and "revenue,,domestic,,19,,4400,Erlöse 19 % USt,40" in said
    own = tmp_path / "chart.csv"
    own.write_text(said.replace(",4400,", ",4401,"))
    assert books("chart", "--load", str(own))[0] == 0
    assert ",4401,Erlöse 19 % USt,40" in books("chart")[1]
    own.write_text("kind,number,name\nbank,1000,Bank\n")
    for words, reason in (
        (["--load", str(own)], "needs a row"),
        (["--write", "skr99"], "There is no chart skr99"),
        (["--write", "bas", "--load", str(own)], "Take one chart"),
    ):
        status, said = books("chart", *words)
        assert status == 2 and reason in said, said
    assert ",4401," in books("chart")[1]


def test_the_books_are_exported(books: Run, api: Api, tmp_path: Path) -> None:
    customer = api.post("/v1/customers", {"name": "Ann", "payment_method": "pm_card_visa"})["id"]
    api.post("/v1/invoiceitems", {"customer": customer, "amount": "1000", "currency": "usd"})
    wanted = {"customer": customer, "pending_invoice_items_behavior": "include"}
    invoice = api.post("/v1/invoices", wanted)["id"]
    number = api.post(f"/v1/invoices/{invoice}/finalize")["number"]
    books("chart", "--write", "plain")
    for kind, expected in (
        ("csv", "10.00"),
        ("beancount", "Assets:1200"),
        ("hledger", "assets:1200"),
        ("sie", "#TRANS 1200"),
        ("datev", ";1200;"),
    ):
        path = tmp_path / kind
        status, said = books("export", "--format", kind, "--currency", "usd", "--out", str(path))
        assert status == 0, said
        text = path.read_text("latin-1")
        assert expected in text and number in text and "Ann" in text, text
    for words, reason in (
        (["--format", "xls"], "no format xls"),
        (["--format", "csv", "--from", "soon"], "no month or day"),
        (["--format", "csv", "--from", "2026-05", "--to", "2026-04"], "is after"),
        (["--format", "sie", "--from", "2024-05", "--to", "2026-04"], "one fiscal year"),
    ):
        status, said = books("export", *words)
        assert status == 2 and reason in said, said
    assert "-07-01 to " in books("set", "--first-month", "7", "--client", "7")[1]
    assert books("set", "--consultant", "x")[0] == 2


def test_differences_on_exchange_are_listed_and_exported(
    books: Run, here: App, api: Api, tmp_path: Path
) -> None:
    """10.00 EUR at two dollars each are 20.00 in the books of an account in dollars, and are still open."""
    with here.db.transaction(api.tenant) as tx:
        today = tx.wall.date()
        national.load(tx, [Rate("usd", today - timedelta(days=days), Decimal(2)) for days in range(3)])
    customer = api.post("/v1/customers", {"name": "Ann"})["id"]
    api.post("/v1/invoiceitems", {"customer": customer, "amount": "1000", "currency": "eur"})
    invoice = api.post("/v1/invoices", {"customer": customer, "pending_invoice_items_behavior": "include"})
    api.post(f"/v1/invoices/{invoice['id']}/finalize")
    status, said = books("exchange")
    assert status == 0 and "EUR" in said and "20.00" in said and "in all" in said, said
    path = tmp_path / "books"
    assert books("export", "--format", "hledger", "--home", "--out", str(path))[0] == 0
    assert "20.00 USD  ; treatment:untaxed, rate:0, was:10.00 EUR" in path.read_text()
    assert books("set", "--revalue")[0] == 0
    assert "Take one" in books("export", "--format", "sie", "--home", "--currency", "usd")[1]
