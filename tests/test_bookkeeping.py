"""Do the commands of `billow books` export the books, and keep the chart that they are given?"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billow import adjusting, bookkeeping, commands
from billow.app import App
from billow.core.books import periods
from billow.core.exchange import Rate
from billow.flows.taxes import national
from billow.ledger import customer_account, entries
from billow.ledger.post import Posting, post
from billow.reports.invariants.books import taxes_are_booked
from tests.conftest import Api
from tests.test_command_line import Run, here, run

__all__ = ["here", "run"]
SINCE = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def books(here: App, run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`billow books` with these words, about the account of the test."""

    @contextmanager
    def opened(*args: Any, **more: Any) -> Iterator[App]:
        yield here

    monkeypatch.setattr(bookkeeping, "open_installation", opened)
    monkeypatch.setattr(adjusting, "open_installation", opened)
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


def test_a_chart_renumbers_no_closed_month_unasked(books: Run, here: App, api: Api, tmp_path: Path) -> None:
    month = f"{here.db.wall() - timedelta(days=40):%Y-%m}"
    _, said = books("chart", "--write", "bas")
    own = tmp_path / "chart.csv"
    own.write_text(said.replace(",1510,", ",1511,"))
    assert books("chart", "--load", str(own))[0] == 0  # nothing is closed yet
    assert books("close", month)[0] == 0
    own.write_text(said.replace(",1510,", ",1512,"))
    assert books("chart", "--load", str(own))[0] == 0  # nothing is booked in that month
    with here.db.transaction(api.tenant) as tx:
        moved = entries.payment_succeeded("simulated", "cus_1", "usd", 500)
        at = tx.wall - timedelta(days=40)
        tx.notes[periods.INTO_CLOSED] = True
        post(tx, [Posting("payment.succeeded", "ch_1", at, moved, "cus_1")])
    for row in (said, said.replace(",1510,", ",1512,") + "receivable,cus_1,,,,,1517,One,\n"):
        own.write_text(row)
        status, refused = books("chart", "--load", str(own))
        assert status == 2 and "1512 to 151" in refused and "--renumber" in refused, refused
    own.write_text(said.replace(",1510,", ",1512,") + "revenue,prod_1,,,,,3999,A product,\n")
    assert books("chart", "--load", str(own))[0] == 0  # a product that has earned nothing there
    own.write_text(said)
    assert ",1510," in books("chart", "--load", str(own), "--renumber")[1]


def test_the_books_are_exported(books: Run, here: App, api: Api, tmp_path: Path) -> None:
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
    assert '  number: "1200"' in commands.journal_text(here, "test")  # as the exports have it
    for words, reason in (
        (["--format", "xls"], "no format xls"),
        (["--format", "csv", "--from", "soon"], "no month or day"),
        (["--format", "csv", "--from", "2026-05", "--to", "2026-04"], "is after"),
        (["--format", "sie", "--from", "2024-05", "--to", "2026-04"], "one fiscal year"),
    ):
        status, said = books("export", *words)
        assert status == 2 and reason in said, said
    month = here.db.wall().month
    status, said = books("set", "--first-month", str(month), "--client", "7")
    assert month == 1 or (status == 2 and "would not begin with 1" in said), said
    assert "-01-01 to " in books("set", "--first-month", "1", "--client", "7")[1]
    for wrong in (("--consultant", "x"), ("--consultant", "1000"), ("--client", "100000"), ("--client", "0")):
        assert books("set", *wrong)[0] == 2


def test_the_fiscal_year_begins_in_another_month_while_no_voucher_has_a_number(books: Run) -> None:
    assert "-07-01 to " in books("set", "--first-month", "7")[1]


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


def test_currencies_without_a_rate_are_named_or_left_out(
    books: Run, here: App, api: Api, tmp_path: Path
) -> None:
    """One invoice without a rate stops the file, with what to do; else it is left out and listed."""
    numbers = {}
    for currency in ("usd", "kwd"):
        customer = api.post("/v1/customers", {"name": "Ann"})["id"]
        api.post("/v1/invoiceitems", {"customer": customer, "amount": "1000", "currency": currency})
        wanted = {"customer": customer, "pending_invoice_items_behavior": "include"}
        wanted["currency"] = currency
        invoice = api.post("/v1/invoices", wanted)["id"]
        numbers[currency] = api.post(f"/v1/invoices/{invoice}/finalize")["number"]
    path = tmp_path / "books.se"
    status, said = books("export", "--format", "sie", "--out", str(path))
    assert status == 2 and "no exchange rate in USD for KWD (" in said and "billow rates load" in said
    assert "--leave-out-unrated" in said and not path.exists()
    status, said = books("export", "--format", "sie", "--leave-out-unrated", "--out", str(path))
    assert status == 0 and f"{numbers['kwd']} Ann KWD" in said and numbers["usd"] not in said
    text = path.read_text("cp437")
    assert numbers["usd"] in text and numbers["kwd"] not in text
    assert all(words in text for words in ("Invoice", "Ann"))


def test_a_month_that_ends_without_a_rate_is_named_where_what_is_open_is_valued(
    books: Run, here: App, api: Api, tmp_path: Path
) -> None:
    """1000 kronor are received in January and go in March: all days have a rate, but the end of January."""
    days = [datetime(2026, month, day, 12, tzinfo=UTC) for month, day in ((1, 5), (3, 9))]
    received = entries.payment_succeeded("simulated", "cus_1", "sek", 100_000)
    returned = [replace(one, debit=one.credit, credit=one.debit) for one in received]
    with here.db.transaction(api.tenant) as tx:
        for event, day, moved in zip(("succeeded", "returned"), days, (received, returned), strict=True):
            post(tx, [Posting(f"payment.{event}", "ch_1", day, moved, "cus_1")])
        rated = [*days, datetime(2026, 2, 28, tzinfo=UTC)]
        for currency, rate in (("usd", 2), ("sek", 10)):
            national.load(tx, [Rate(currency, day.date(), Decimal(rate)) for day in rated])
    path = tmp_path / "books.se"
    asked = ("export", "--format", "sie", "--from", "2026-01", "--to", "2026-04", "--out", str(path))
    assert books(*asked)[0] == 0
    books("set", "--revalue")
    status, said = books(*asked)
    assert status == 2 and "USD for SEK (open at 2026-01-31). Load" in said, said
    status, said = books(*asked, "--leave-out-unrated")
    assert status == 0 and said.count("Left out: A") == 2, said


def taxed(api: Api, **more: str) -> str:
    """Finalize an invoice of 100.00 and 25 % tax, which is open; return its id."""
    rate = api.post(
        "/v1/tax_rates",
        {"display_name": "VAT", "percentage": "25", "inclusive": "false", "jurisdiction": "SE"},
    )["id"]
    customer = api.post("/v1/customers", {"name": "Ann"})["id"]
    api.post("/v1/invoiceitems", {"customer": customer, "amount": "10000", "currency": "usd"})
    wanted = {
        "customer": customer,
        "pending_invoice_items_behavior": "include",
        "default_tax_rates[0]": rate,
        "collection_method": "send_invoice",
        **more,
    }
    invoice = api.post("/v1/invoices", wanted)["id"]
    assert api.post(f"/v1/invoices/{invoice}/finalize")["amount_due"] == 12500
    return str(invoice)


def balances_of(here: App, api: Api) -> dict[str, int]:
    """Return the balance of each kind of account, debits positive, but of those that have none."""
    with here.db.transaction(api.tenant) as tx:
        found = tx.tuples(
            "select split_part(account, ':', 1), sum(amount)::bigint from (select debit as account, amount"
            " from ledger_transfers union all select credit, -amount from ledger_transfers) sides group by 1"
        )
    return {account: amount for account, amount in found if amount}


def test_the_allowance_follows_how_late_receivables_are(books: Run, here: App, api: Api) -> None:
    """100.00 without tax are not due yet: 2 % are 2.00, and half of that when it is asked again at 1 %."""
    taxed(api, days_until_due="30")
    status, said = books("allow", "2,5,10,20,50,100")
    assert status == 0 and "USD" in said and "2.00" in said
    assert books("allow", "2,5,10,20,50,100")[0] == 0
    assert balances_of(here, api)["allowance"] == -200
    books("allow", "1,5,10,20,50,100")
    after = balances_of(here, api)
    assert (after["allowance"], after["bad_debt"]) == (-100, 100)
    for wrong in ("1,2,3", "1,2,3,4,5,101", "1,2,3,4,5,x"):
        assert books("allow", wrong)[0] == 2


def test_the_tax_of_what_is_written_off_is_claimed_back_until_it_is_paid(
    books: Run, here: App, api: Api
) -> None:
    invoice = taxed(api, days_until_due="1")
    api.post(f"/v1/invoices/{invoice}/mark_uncollectible")
    assert balances_of(here, api)["bad_debt"] == 12500
    assert "25.00" not in books("relieve", "--months", "6")[1]
    assert "25.00" in books("relieve")[1] and "25.00" not in books("relieve")[1]
    after = balances_of(here, api)
    assert (after["bad_debt"], "tax_payable" in after) == (10000, False)
    api.post(f"/v1/invoices/{invoice}/pay", {"paid_out_of_band": "true"})
    assert "-25.00" in books("relieve")[1]
    after = balances_of(here, api)
    assert (after["bank"], after["tax_payable"], "bad_debt" in after) == (12500, -2500, False)


def test_entries_about_an_invoice_name_its_customer_and_voiding_leaves_nothing_with_anybody(
    books: Run, here: App, api: Api
) -> None:
    """What was relieved, and what voiding takes back of it, stand with one customer, and add to nothing."""
    invoice, paid = taxed(api, days_until_due="1"), taxed(api, days_until_due="1")
    customer = api.get(f"/v1/invoices/{invoice}")["customer"]
    api.post(f"/v1/invoices/{invoice}/mark_uncollectible")
    books("relieve")
    with here.db.snapshot(api.tenant) as tx:
        assert list(taxes_are_booked(tx, [customer])) == []
    api.post(f"/v1/invoices/{invoice}/void")
    api.post(f"/v1/invoices/{paid}/pay", {"paid_out_of_band": "true"})
    books("withheld", paid, "15.00")
    with here.db.snapshot(api.tenant) as tx:
        nobody = tx.all("select event from ledger_transfers where invoice is not null and customer is null")
        left = tx.all(
            "select account, customer, sum(amount) from"
            " (select debit as account, customer, amount, invoice from ledger_transfers"
            " union all select credit, customer, -amount, invoice from ledger_transfers) as sides"
            " where invoice = %(id)s group by 1, 2 having sum(amount) <> 0",
            id=invoice,
        )
        owed = customer_account.movements(tx, customer, SINCE, here.db.wall())
        wrong = list(taxes_are_booked(tx, [customer]))
    assert nobody == [] and left == [] and wrong == []
    assert sum(one.owed for one in owed) == 0 and sum(one.given for one in owed) == 0


def test_tax_that_a_payer_withheld_is_no_money_in_the_bank(books: Run, here: App, api: Api) -> None:
    invoice = taxed(api, days_until_due="1")
    assert "paid outside" in books("withheld", invoice, "15.00")[1]
    api.post(f"/v1/invoices/{invoice}/pay", {"paid_out_of_band": "true"})
    assert books("withheld", invoice, "15.00")[0] == 0
    after = balances_of(here, api)
    assert (after["bank"], after["withholding_tax"]) == (11000, 1500)
    assert books("withheld", invoice, "110.01")[0] == 2


def test_tax_is_paid_to_a_state(books: Run, here: App, api: Api) -> None:
    taxed(api, days_until_due="1")
    assert "SE is owed 5.00 USD now." in books("remit", "SE", "20", "--currency", "usd")[1]
    books("remit", "--currency", "usd", "--", "SE", "-1.50")
    assert balances_of(here, api)["tax_payable"] == -650
    for words, reason in (
        (["NO", "5"], "ever owed to NO"),
        (["SE", "x"], "no amount"),
        (["SE", "0"], "paid"),
    ):
        status, said = books("remit", *words, "--currency", "usd")
        assert status == 2 and reason in said, said
