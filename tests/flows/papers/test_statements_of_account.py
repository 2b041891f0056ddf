"""Does a statement of account say what the books say: every movement, the balance, and what is open?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billow.app import App
from billow.core import ageing
from billow.core.errors import Refused
from billow.flows.outside import merchant
from billow.flows.papers import monthly_statements, statement
from billow.ledger import balances
from billow.providers.documents import InvoiceDocument, html, pdf, text
from tests.conftest import Api
from tests.flows.papers.test_mail import letters, read
from tests.golden.test_papers import agree
from tests.support.world import Customer, World
from tests.test_command_line import Run, here, run

__all__ = ["here", "letters", "run"]


def day(when: str) -> datetime:
    return datetime.fromisoformat(when).replace(tzinfo=UTC)


def account(app: App, world: World, customer: str, start: str, end: str) -> statement.Account:
    with app.db.transaction(world.api.tenant) as tx:
        return statement.account_of(tx, customer, day(start), day(end))


def paper(app: App, world: World, customer: str, start: str, end: str) -> InvoiceDocument:
    with app.db.transaction(world.api.tenant) as tx:
        return statement.document_of(tx, statement.account_of(tx, customer, day(start), day(end)))


def billed(anna: Customer, amount: int, **more: Any) -> Any:
    anna.owes(amount)
    invoice = anna.bills(collection_method="send_invoice", days_until_due=14, **more)
    invoice.does("finalize")
    return invoice


def a_busy_quarter(world: World, **more: Any) -> Customer:
    """Invoices paid, credited before and after, refunded, void and left open."""
    world.at("2025-01-01")
    anna = world.customer("anna", invoice_prefix="ANNA", **more)
    first = billed(anna, 10000, default_tax_rates=[world.tax(25)])
    world.at("2025-01-10")
    first.does("pay")
    world.at("2025-01-20")
    world.post("/v1/credit_notes", invoice=first.data["id"], amount=5000, refund_amount=5000)
    [charge] = world.get("/v1/charges", customer=anna.id)["data"]
    world.post("/v1/refunds", charge=charge["id"], amount=1000)
    world.post("/v1/credit_notes", invoice=first.data["id"], amount=600, credit_amount=600)
    second = billed(anna, 20000)
    world.post("/v1/credit_notes", invoice=second.data["id"], amount=2000)
    billed(anna, 700).does("void")
    world.at("2025-02-10")
    lost = billed(anna, 300)
    lost.does("mark_uncollectible")
    third = billed(anna, 4000)
    third.does("pay", paid_out_of_band=True)
    return anna


def test_the_closing_balance_is_what_the_ledger_says_in_every_period(app: App, world: World) -> None:
    anna = a_busy_quarter(world)
    days = ["2025-01-01", "2025-01-10", "2025-01-11", "2025-01-21", "2025-02-01", "2025-03-01"]
    for place, end in enumerate(days[1:]):
        for start in days[: place + 1]:
            found = account(app, world, anna.id, start, end)
            with app.db.transaction(world.api.tenant) as tx:
                at = day(end) - timedelta(microseconds=1)
                owed = balances.balance(tx, f"receivable:{anna.id}", "usd", at)
            assert found.closing("usd") == owed, (start, end)
            assert sum(one.amount for one in found.open) == owed
    assert owed == 17400


def test_charges_less_credits_lead_from_the_opening_to_the_closing_balance(app: App, world: World) -> None:
    found = account(app, world, a_busy_quarter(world).id, "2025-01-15", "2025-03-01")
    sheet = statement.Sheet(found, "usd", "en", "UTC")
    moved = sum(charged - credited for charged, credited in map(sheet.split, found.movements))
    assert found.opening.get("usd", 0) + moved == found.closing("usd") == 17400


def test_what_happened_is_said_with_its_documents(app: App, world: World) -> None:
    anna = a_busy_quarter(world)
    said = text.render(paper(app, world, anna.id, "2025-01-01", "2025-03-01"))
    agree("statements/quarter", said)


def test_each_currency_has_tables_of_its_own(app: App, world: World) -> None:
    found = account(app, world, a_busy_quarter(world).id, "2025-01-01", "2025-03-01")
    both = replace(found, opening={**found.opening, "eur": 500, "jpy": 0})
    with app.db.transaction(world.api.tenant) as tx:
        made = statement.document_of(tx, both)
    assert [one.title for one in made.sections if "Movements" in one.title] == [
        "Movements, EUR",
        "Movements, USD",
    ]
    assert ("Closing balance", "€5.00 · US$174.00") in made.details


def test_what_is_open_is_sorted_by_its_age(app: App, world: World) -> None:
    anna = a_busy_quarter(world)
    said = text.render(paper(app, world, anna.id, "2025-03-01", "2025-04-01"))
    agree("statements/open", said)


@pytest.mark.parametrize(
    ("late", "bucket"),
    [(-1, 0), (0, 0), (1, 1), (30, 1), (31, 2), (60, 2), (61, 3), (90, 3), (91, 4), (1000, 4)],
)
def test_a_bucket_ends_on_its_last_day(late: int, bucket: int) -> None:
    due = day("2025-01-31").date()
    assert ageing.bucket(due, due + timedelta(days=late)) == ageing.BUCKETS[bucket]


@pytest.mark.parametrize(
    ("locale", "word"), [("de-AT", "Kontoauszug"), ("sv", "Kontoutdrag"), ("ja", "Stat")]
)
def test_it_is_in_the_customers_language_on_every_kind_of_paper(
    app: App, world: World, locale: str, word: str
) -> None:
    anna = a_busy_quarter(world, preferred_locales=[locale])
    made = paper(app, world, anna.id, "2025-01-01", "2025-03-01")
    assert word in html.render(made) and word.upper() in text.render(made)
    assert pdf.render(made, day("2025-03-01")).startswith(b"%PDF")


def test_a_customer_without_movements_has_an_empty_statement(app: App, world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", invoice_prefix="ANNA")
    made = paper(app, world, anna.id, "2025-01-01", "2025-02-01")
    assert [len(one.rows) for one in made.sections] == [2]


def test_the_command_writes_a_pdf_or_prints_the_text(
    here: App, run: Run, api: Api, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    from billow import stating

    anna = api.post("/v1/customers", {"name": "Ann", "invoice_prefix": "ANN"})
    monkeypatch.setattr(stating, "open_installation", lambda *args, **more: opened(here))
    file = tmp_path / "statement.pdf"
    status, said = run("statement", anna["id"], "--from", "2026-01-01", "--to", "2026-01-31", "-o", str(file))
    assert (status, said.strip().endswith("ANN-2026-01-31")) == (0, True)
    assert file.read_bytes().startswith(b"%PDF")
    assert "STATEMENT OF ACCOUNT" in run("statement", anna["id"])[1]
    assert run("statement", anna["id"], "--from", "2999-01-01", "--to", "2998-01-01")[0] == 2
    assert run("statement", "cus_none")[0] == 2


class opened:
    """An installation that is open already."""

    def __init__(self, app: App) -> None:
        self.app = app

    def __enter__(self) -> App:
        return self.app

    def __exit__(self, *error: object) -> None:
        """Leave it open."""


def test_the_month_that_is_over_is_mailed_once_where_the_account_wants_it(
    app: App, world: World, letters: Any
) -> None:
    with app.db.transaction(world.api.tenant) as tx:
        merchant.store(tx, merchant.Merchant(mails={"statement": True, "invoice": False}))
    world.at("2025-01-01")
    world.customer("ben", email="ben@x.example")
    anna = world.customer("anna", email="anna@x.example", preferred_locales=["sv"])
    billed(anna, 10000)
    world.at("2025-02-01 11:00")
    assert read(letters) == []
    world.at("2025-02-01 13:00")
    [mail] = read(letters)
    assert mail["To"] == "anna@x.example" and mail["Subject"] == "Kontoutdrag från Nimbus Ltd, januari 2025"
    assert [one.get_filename() for one in mail.iter_attachments()] == [
        f"{anna.now['invoice_prefix']}-2025-01-31.pdf"
    ]
    world.at("2025-03-02")
    assert len(read(letters)) == 2  # it is still open
    anna.pays_with("visa")
    anna.last_invoice.does("pay")
    for end in ("2025-04-02", "2025-05-02"):
        world.at(end)
    assert len(read(letters)) == 3  # of March, in which it was paid


def test_nothing_is_mailed_by_default(app: App, world: World, letters: Any) -> None:
    world.at("2025-01-01")
    billed(world.customer("anna", email="anna@x.example"), 10000)
    world.at("2025-02-02")
    assert "Statement" not in "".join(str(one["Subject"]) for one in read(letters))


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2025-01-31 23:00", "2025-02-01 12:00"),
        ("2025-02-01 11:59", "2025-02-01 12:00"),
        ("2025-02-01 12:00", "2025-03-01 12:00"),
        ("2025-12-05 00:00", "2026-01-01 12:00"),
    ],
)
def test_statements_are_ordered_when_the_month_is_over_everywhere(now: str, due: str) -> None:
    assert monthly_statements.due_after(day(now)) == day(due)
    zone = "America/Los_Angeles"
    start, end = monthly_statements.last_month(day(due), zone)
    assert (start.day, end.day, end.utcoffset()) == (1, 1, end.astimezone(end.tzinfo).utcoffset())


def test_a_statement_of_nobody_is_refused(app: App, world: World) -> None:
    with pytest.raises(Refused):
        account(app, world, "cus_none", "2025-01-01", "2025-02-01")
