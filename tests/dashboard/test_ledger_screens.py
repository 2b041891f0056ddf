"""The ledger on screens: what accounts hold, the postings behind it, and months closed and opened."""

import csv
import io
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from billow.app import App
from billow.core.exchange import Rate
from billow.flows.bank import import_statement as importing
from billow.flows.outside import closing
from billow.flows.taxes import national
from tests.dashboard.conftest import Person
from tests.support.bank_statements import Booking, statement
from tests.support.world import World

LAST = "2026-01"


def invoice_of(shop: World) -> dict[str, str]:
    found: dict[str, str] = next(one for one in shop.get("/v1/invoices")["data"] if one["total"] == 12345)
    return found


def test_the_trial_balance_leads_to_the_postings_of_an_account(shop: World, owner: Person) -> None:
    said = owner.reads("/ledger")
    assert "Accounts receivable 1200 USD" in said and "All accounts USD" in said
    assert said.split("All accounts USD")[1].split("US$0.00")[0].count("US$") == 2  # debits and credits
    kind = owner.reads("/ledger/accounts/receivable", currency="usd")
    assert "Bert" in kind and "US$123.45" in kind
    customer = invoice_of(shop)["customer"]
    moved = owner.reads("/ledger/accounts/receivable", of=customer, currency="usd")
    assert "Accounts receivable: Bert" in moved and "Invoice finalized" in moved
    assert invoice_of(shop)["number"] in moved and "Deferred revenue" in moved
    assert "Nothing is booked" in owner.reads("/ledger", at="2020-01")
    assert owner.opens("/ledger/accounts/nothing").status_code == 400
    assert owner.opens("/ledger", at="9999-12-31").status_code == 400


def test_the_journal_is_narrowed_and_an_entry_names_its_document(shop: World, owner: Person) -> None:
    invoice = invoice_of(shop)
    assert "Carl" in owner.reads("/ledger/journal")
    only = owner.reads("/ledger/journal", document=invoice["number"])
    assert "Bert" in only and "Carl" not in only and "Invoice finalized" in only
    assert "Nothing was posted" in owner.reads("/ledger/journal", account="bad_debt")
    assert "Payment succeeded" in owner.reads("/ledger/journal", account="clearing")
    assert "Nothing was posted" in owner.reads("/ledger/journal", to="2020-01-01")
    [id] = re.findall(
        r"/ledger/entries/(ltr_\w+)", owner.opens("/ledger/journal", document=invoice["id"]).text
    )[:1]
    said = owner.reads(f"/ledger/entries/{id}")
    assert invoice["number"] in said and "Bert" in said and "US$123.45" in said
    assert owner.opens("/ledger/entries/ltr_none").status_code == 404


def test_the_exported_journal_is_the_books(shop: World, owner: Person) -> None:
    lines = list(csv.DictReader(io.StringIO(owner.opens("/ledger/journal.csv").text)))
    with shop.api.app.db.snapshot(shop.api.tenant) as tx:
        [(number,)] = tx.tuples("select count(*) from ledger_transfers")
    assert len(lines) == number > 0
    assert {"Bert", "Carl"} <= {line["customer"] for line in lines}


def test_pages_of_the_journal_hold_each_posting_once(
    shop: World, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billow.pages.dashboard.ledger.ON_A_PAGE", 2)
    seen, address = [], "/ledger/journal"
    while address:
        page = owner.opens(address).text
        seen += re.findall(r"/ledger/entries/(ltr_\w+)", page)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        address = found[1].replace("&amp;", "&") if found else ""
    with shop.api.app.db.snapshot(shop.api.tenant) as tx:
        [(number,)] = tx.tuples("select count(*) from ledger_transfers where sequence = 0")
    assert len(seen) == len(set(seen)) == number > 2
    account = owner.opens("/ledger/accounts/deferred_revenue", currency="usd").text
    assert 'rel="next"' in account and "Balance" in account


def test_a_month_is_closed_softly_and_opened_again_by_two(
    shop: World, owner: Person, hire: Callable[..., Person]
) -> None:
    path = f"/ledger/periods/{LAST}"
    assert "January 2026 01 to 31 Jan 2026 Open" in owner.reads("/ledger/periods")
    assert owner.sends(path, act="close").status_code == 303
    assert "Closed softly" in owner.reads(path)
    assert owner.sends(path, act="reopen").status_code == 422  # without a reason
    assert owner.sends(path, act="reopen", reason="A late credit note").status_code == 303
    assert "Closed softly" not in owner.reads("/ledger/periods")  # nobody else is there to ask
    finance, admin = hire("finance"), hire("admin")
    assert finance.sends(path, act="close").status_code == 303
    assert finance.sends(path, act="reopen", reason="Again").headers["Location"].endswith("/approvals")
    assert "Closed softly" in owner.reads(path)
    id = owner.opens("/approvals").text.split('name="about" value="')[1].split('"')[0]
    assert finance.sends("/approvals", act="agree", about=id).status_code == 422  # one's own
    assert admin.sends("/approvals", act="agree", about=id).status_code == 422  # closes no month
    assert "Open 2026-01 again" in owner.reads("/approvals")
    assert owner.sends("/approvals", act="agree", about=id).status_code == 303
    assert "Closed softly" not in owner.reads("/ledger/periods")
    log = owner.reads("/audit")
    assert all(word in log for word in ("periods.close", "periods.ask_reopen", "Again", "approvals.agree"))


def test_a_month_is_closed_for_good_by_typing_it(shop: World, owner: Person) -> None:
    path = f"/ledger/periods/{LAST}"
    assert owner.sends(path, act="close_hard", again="2026-02").status_code == 422
    assert owner.sends(path, act="close_hard", again=LAST).status_code == 303
    assert "Nothing is to be" not in owner.reads(path)
    again = owner.sends(path, act="reopen", reason="Oh")
    assert again.status_code == 422 and "for good" in again.text
    assert owner.opens("/ledger/periods/1999-01").status_code == 404
    assert owner.opens("/ledger/periods/soon").status_code == 404


def test_what_is_open_in_a_month_is_said_and_closed_only_anyway(
    app: App, shop: World, owner: Person, hire: Callable[..., Person]
) -> None:
    path = f"/ledger/periods/{LAST}"
    assert "No draft is left Done" in owner.reads(path)
    content = statement([Booking(500, "R1", name="Nobody", day="2026-01-30")])
    importing.import_statement(app.db, shop.api.tenant, "january.xml", content)
    with app.db.transaction(shop.api.tenant) as tx:
        assert [(one.key, one.open) for one in closing.checks(tx, LAST) if one.open] == [("bank", 1)]
        assert not any(one.open for one in closing.checks(tx, "2025-12"))
    assert "Payments in the bank queue: 1 Open" in owner.reads(path)
    refused = owner.sends(path, act="close")
    assert refused.status_code == 422 and "Something is open" in refused.text
    assert owner.sends(path, act="close", anyway="yes").status_code == 303
    assert "Gateway clearing" in owner.reads(path)
    auditor = hire("auditor")
    assert (
        "Closed softly" in auditor.reads(path)
        and "<form method" not in auditor.opens(path).text.split("<main")[1]
    )
    assert auditor.sends(path, act="close").status_code == 403


def test_rates_are_missing_where_several_currencies_are_posted(app: App, shop: World) -> None:
    emma = shop.customer("emma")
    emma.owes(500, currency="sek", text="Advice")
    emma.bills(currency="sek").does("finalize")
    with app.db.transaction(shop.api.tenant) as tx:
        found = {one.key: one for one in closing.checks(tx, "2026-02")}
        assert (found["rates"].open, found["rates"].about) == (2, "SEK, USD")
        national.load(tx, [Rate(name, date(2026, 2, 27), Decimal(11)) for name in ("sek", "usd")])
        assert not {one.key: one for one in closing.checks(tx, "2026-02")}["rates"].open
