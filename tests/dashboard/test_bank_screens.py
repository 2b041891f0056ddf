"""The bank queue on screens: what a payment may be for and why, applied by hand in parts, and taken back."""

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.core.bank.matching import Part
from billow.core.bank.suggestions import Open, Paid, suggest
from billow.core.errors import Refused
from billow.flows.bank import queue
from billow.resources.bank_entry import BankEntry
from tests.dashboard.conftest import Person
from tests.flows.bank.conftest import Bank
from tests.support.bank_statements import Booking, statement
from tests.support.world import World


@pytest.fixture
def bank(app: App, world: World) -> Iterator[Bank]:
    before = app.db.outside
    yield Bank(app, world)
    app.db.outside = before


def number_of(bank: Bank, invoice: str) -> str:
    return str(bank.world.get(f"/v1/invoices/{invoice}")["number"])


def uploads(person: Person, content: bytes, **more: Any) -> Any:
    hidden = person.hidden("/bank/statements")
    given = {**hidden, "file": (io.BytesIO(content), "march.xml"), **more}
    return person.client.post(person.address("/bank/statements"), data=given)


def test_a_statement_is_uploaded_once_and_what_does_not_add_up_is_set_aside(
    bank: Bank, owner: Person, hire: Callable[..., Person]
) -> None:
    content = statement([Booking(500, "R1", name="Nobody <b>")])
    assert "1 new payments" in uploads(owner, content).text
    assert "0 new payments, 1 known before" in uploads(owner, content).text
    wrong = uploads(owner, statement([Booking(700, "R2")], closing="1"))
    assert wrong.status_code == 422 and "is set aside; nothing of it was booked" in wrong.text
    assert uploads(owner, b"").status_code == 422
    assert len(bank.entries()) == 1
    said = owner.reads("/bank/statements")
    assert "march.xml" in said and "Set aside" in said and "Imported" in said
    assert "bank.import" in owner.reads("/audit")
    waits = owner.opens("/bank").text
    assert "Nobody &lt;b&gt;" in waits and "<b>" not in waits.split("<table")[1]
    auditor = hire("auditor")
    assert "Import" not in auditor.reads("/bank") and uploads(auditor, content).status_code == 403


def test_the_queue_suggests_by_number_amount_account_and_name(bank: Bank, owner: Person) -> None:
    anna, invoice = bank.customer("Anna Berg"), ""
    invoice = bank.invoice(anna, 12500)
    bank.statement(
        Booking(12000, "R1", text=f"paid {number_of(bank, invoice).lower()} less bank fee", name="BERG, ANNA")
    )
    queued = owner.reads("/bank")
    assert "1 · " in queued and f"Anna Berg: {number_of(bank, invoice)}" in queued
    assert "it names the invoice, the same name" in queued
    entry = bank.entry("R1")
    page = owner.opens(f"/bank/entries/{entry.id}").text
    assert re.search(
        rf'<mark><a href="[^"]+/invoices/{invoice}">{number_of(bank, invoice).lower()}</a></mark>', page
    )
    assert "5.00 stays open" in page
    answer = owner.sends(f"/bank/entries/{entry.id}", act="apply", **{f"part_{invoice}": "120"})
    assert answer.status_code == 303
    assert bank.paid(invoice)[:2] == ("open", 12000)
    assert "bank.apply" in owner.reads("/audit")


def test_a_payment_is_split_on_two_invoices_and_the_rest_stays_or_goes_to_the_balance(
    bank: Bank, owner: Person
) -> None:
    anna = bank.customer("Anna")
    first, second = bank.invoice(anna, 1000), bank.invoice(anna, 2000)
    bank.statement(Booking(5000, "R1"), Booking(4000, "R2", name="Somebody"))
    path = f"/bank/entries/{bank.entry('R1').id}"
    assert "Anna" in owner.reads(path, q="anna") and "No open invoice" in owner.reads(path, q="zelda")
    for wrong in ({}, {f"part_{first}": "10.01"}, {f"part_{first}": "ten"}, {f"part_{first}": "0"}):
        refused = owner.sends(path, act="apply", **wrong)
        assert refused.status_code == 422, wrong
    assert bank.paid(first)[1] == 0
    parts = {f"part_{first}": "10", f"part_{second}": "15.50"}
    hidden = owner.hidden(path)
    assert [owner.sends(path, **hidden, act="apply", **parts).status_code for _ in range(2)] == [303, 303]
    assert (bank.paid(first)[:2], bank.paid(second)[:2]) == (("paid", 1000), ("open", 1550))
    entry = bank.entry("R1")
    assert (entry.state, entry.unapplied, entry.customer) == ("queued", 2450, anna)
    assert "A part is applied" in owner.reads("/bank") and "of €50.00" in owner.reads("/bank")
    assert "Anna" in owner.reads("/bank/entries", tab="part")
    rest = {f"part_{second}": "4.50", "rest": "balance"}
    assert owner.sends(path, act="apply", **rest).status_code == 303
    assert bank.world.get(f"/v1/customers/{anna}")["balance"] == -2000
    assert bank.entry("R1").state == "applied"
    assert owner.sends(path, act="undo").status_code == 303
    assert (bank.paid(first)[0], bank.entry("R1").unapplied) == ("open", 5000)
    assert bank.world.get(f"/v1/customers/{anna}")["balance"] == 0
    assert "Taken back" in owner.reads(path)


def test_what_is_left_of_one_customers_transfer_pays_no_other_customer(app: App, bank: Bank) -> None:
    anna, bert = bank.customer("Anna"), bank.customer("Bert")
    first, other = bank.invoice(anna, 1000), bank.invoice(bert, 1000)
    bank.rules(overpayment="unapplied")
    bank.statement(Booking(2500, "R1", end_to_end=first))
    entry = bank.entry("R1")
    assert (entry.unapplied, entry.customer) == (1500, anna)
    with app.db.transaction(bank.tenant) as tx, pytest.raises(Refused, match="Undo that"):
        queue.apply_to_invoice(tx, entry.id, other)
    bank.statement(Booking(2000, "R3", name="Both"), id="S2")
    parts = [Part(bank.invoice(anna, 1000), 1000), Part(other, 1000)]
    with app.db.transaction(bank.tenant) as tx, pytest.raises(Refused, match="several customers"):
        queue.apply_to_invoices(tx, bank.entry("R3").id, parts, keep=False)


def test_a_payment_is_kept_or_set_aside_with_a_reason(bank: Bank, owner: Person) -> None:
    anna = bank.customer("Anna")
    bank.statement(Booking(500, "R1"), Booking(700, "R2", name="Our other account"))
    kept, ours = (f"/bank/entries/{bank.entry(name).id}" for name in ("R1", "R2"))
    assert owner.sends(kept, act="keep").status_code == 422
    assert owner.sends(kept, act="keep", customer=anna).status_code == 303
    assert bank.world.get(f"/v1/customers/{anna}")["balance"] == -500
    assert owner.sends(ours, act="ignore").status_code == 422
    assert owner.sends(ours, act="ignore", reason="Our own transfer").status_code == 303
    assert "Our own transfer" in owner.reads("/bank/entries", tab="ignored")
    assert "The queue is empty" in owner.reads("/bank")
    assert owner.sends(ours, act="undo").status_code == 303 and bank.entry("R2").state == "queued"
    assert owner.opens("/bank/entries/bte_none").status_code == 404


def test_other_accounts_payments_are_not_there(
    app: App, bank: Bank, hire: Callable[..., Person], owner: Person
) -> None:
    bank.statement(Booking(500, "R1", name="Ours"))
    with app.db.transaction(bank.tenant) as tx:
        [entry] = rows.select(tx, BankEntry, "true")
    live = f"/dashboard/{owner.account}/live/bank"
    assert owner.opens(f"{live}/entries/{entry.id}").status_code == 404
    assert "Ours" not in owner.opens(live).text


def test_two_of_three_invoices_are_suggested_together() -> None:
    due = [Open(f"in_{amount}", "cus_1", "Anna", amount) for amount in (100, 250, 400)]
    paid = Paid(650, "", "", frozenset(["cus_1"]))
    first = suggest(paid, due)[0]
    assert (first.parts, first.why, first.left) == ((("in_250", 250), ("in_400", 400)), ("sum", "account"), 0)
    assert suggest(Paid(750, "", "anna"), due)[0].parts == tuple((one.id, one.remaining) for one in due)
    assert suggest(Paid(650, "nothing", "Somebody"), due) == []
