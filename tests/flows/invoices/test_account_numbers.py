"""Are the invoices of an account numbered in one series without a gap, where they shall be?"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from billow import selling
from billow.api import rows
from billow.app import App
from billow.core.errors import Refused
from billow.flows.invoices import credit_case, credit_lines, credit_notes, numbers
from billow.resources.invoice import Invoice
from billow.store.ids import new_id
from tests.support.invariants import check_all
from tests.support.world import World


class Rollback(Exception):
    """Makes a transaction fail."""


@pytest.fixture
def account(app: App, world: World):
    """Set something of the account by the command line's words."""

    class Built:
        db, account = app.db, world.api.tenant.partition("/")[0]

    def sets(*what: str) -> None:
        selling.change(Built(), selling.read(list(what)))  # type: ignore[arg-type]

    return sets


def billed(world: World, name: str, **more: object) -> dict:
    customer = world.post("/v1/customers", name=name, **({"test_clock": world.clock} if world.clock else {}))
    world.post("/v1/invoiceitems", customer=customer["id"], amount=1000, currency="eur")
    made = world.post(
        "/v1/invoices", customer=customer["id"], pending_invoice_items_behavior="include", **more
    )
    return world.post(f"/v1/invoices/{made['id']}/finalize")


def test_a_seller_in_the_union_numbers_over_all_customers_x106(world, account):
    account("name=Acme GmbH", "country=DE", "number_prefix=P")
    found = [billed(world, name)["number"] for name in ("anna", "ben", "anna")]
    assert found == ["P-0001", "P-0002", "P-0003"]
    voided = billed(world, "eve")
    world.post(f"/v1/invoices/{voided['id']}/void")
    assert billed(world, "eve")["number"] == "P-0005"


def test_a_seller_elsewhere_numbers_by_customer_unless_it_is_told_otherwise(world, account):
    account("name=Acme Inc", "country=US")
    assert billed(world, "anna")["number"] != billed(world, "ben")["number"]
    account("numbers=account", "number_prefix=INC")
    assert [billed(world, "anna")["number"] for _ in range(2)] == ["INC-0001", "INC-0002"]
    account("numbers=customer")
    assert billed(world, "anna")["number"].endswith("-0001")


def test_a_country_that_is_set_after_the_first_invoice_changes_no_series(world, account):
    account("name=Acme", "country=US")
    first = billed(world, "anna")["number"]
    account("country=SE")
    assert first.endswith("-0001") and billed(world, "ben")["number"].endswith("-0001")


def test_a_series_with_the_year_begins_again_each_year_where_the_seller_is(world, account):
    account("name=Acme AB", "country=SE", "number_prefix=A", "number_format={prefix}{year}/{number:05}")
    account("time_zone=Europe/Stockholm")
    world.at("2025-12-31 22:30")
    assert billed(world, "anna")["number"] == "A2025/00001"
    world.at("2025-12-31 23:30")  # it is half past midnight in Stockholm
    assert [billed(world, "anna")["number"] for _ in range(2)] == ["A2026/00001", "A2026/00002"]


def test_numbers_have_no_letters_that_look_alike_unless_they_are_chosen(world, account):
    account("name=Acme AB", "country=SE")
    prefix = billed(world, "anna")["number"].partition("-")[0]
    assert not set(prefix) & set("01ILO") and len(prefix) == 6


def forget(app: App, world: World) -> None:
    """Forget numbers that no document has."""
    with app.db.transaction(world.api.tenant) as tx:
        tx.run("delete from number_series")


def test_what_is_rolled_back_leaves_no_gap(app: App, world: World, account):
    account("name=Acme AB", "country=SE", "number_prefix=R")
    given = []
    for fails in (False, True, True, False, True, False):
        try:
            with app.db.transaction(world.api.tenant) as tx:
                taken = numbers.take(tx, numbers.series_of(tx, "credit_note"), 2)
                if fails:
                    raise Rollback
                given += taken
        except Rollback:
            pass
    assert given == [f"R-CN-{n:04}" for n in range(1, 7)]
    forget(app, world)


def test_callers_at_the_same_time_get_each_number_once(app: App, world: World, account):
    account("name=Acme AB", "country=SE", "number_prefix=C")

    def take(turn: int) -> list[str]:
        try:
            with app.db.transaction(world.api.tenant) as tx:
                found = numbers.take(tx, numbers.series_of(tx, "credit_note"), 1 + turn % 3)
                if turn % 5 == 4:
                    raise Rollback
                return found
        except Rollback:
            return []

    with ThreadPoolExecutor(4) as threads:
        found = sorted(number for some in threads.map(take, range(40)) for number in some)
    assert found == [f"C-CN-{n:04}" for n in range(1, len(found) + 1)] and len(found) > 50
    forget(app, world)


def test_credit_notes_have_a_series_of_their_own(world, account):
    """Over all customers, and the note of a voided invoice is one of them."""
    account("name=Acme AB", "country=SE", "number_prefix=K")
    sold = [billed(world, name) for name in ("anna", "ben", "eve")]
    found = [world.post("/v1/credit_notes", invoice=one["id"], amount=300)["number"] for one in sold]
    found.append(world.post("/v1/credit_notes", invoice=sold[0]["id"], amount=300)["number"])
    world.post(f"/v1/invoices/{sold[1]['id']}/void")
    listed = world.get("/v1/credit_notes", invoice=sold[1]["id"])["data"]
    assert found == [f"K-CN-{n:04}" for n in range(1, 5)]
    assert sorted(one["number"] for one in listed) == ["K-CN-0002", "K-CN-0005"]
    assert billed(world, "anna")["number"] == "K-0004"


def test_an_invoice_that_is_revised_is_credited_in_the_union(world, account):
    """All of it, by a credit note with a number of its own; what has a credit note already is not revised."""
    account("name=Acme AB", "country=SE", "number_prefix=R")
    sold = billed(world, "anna")
    wanted = {"action": "revision", "invoice": sold["id"]}
    draft = world.post("/v1/invoices", from_invoice=wanted)
    revision = world.post(f"/v1/invoices/{draft['id']}/finalize")
    [note] = world.get("/v1/credit_notes", invoice=sold["id"])["data"]
    assert (note["number"], note["total"], revision["number"]) == ("R-CN-0001", 1000, "R-0002")
    world.post("/v1/credit_notes", invoice=revision["id"], amount=300)
    wanted["invoice"] = revision["id"]
    assert "has a credit note" in world.refused("/v1/invoices", from_invoice=wanted)["message"]


def test_credit_notes_of_a_seller_elsewhere_follow_their_invoice(world, account):
    account("name=Acme Inc", "country=US")
    sold = billed(world, "anna")
    numbers = [world.post("/v1/credit_notes", invoice=sold["id"], amount=100)["number"] for _ in range(2)]
    assert numbers == [f"{sold['number']}-CN-01", f"{sold['number']}-CN-02"]


def test_credit_notes_are_numbered_per_year_where_invoices_are_or_as_configured(world, account):
    account("name=Acme AB", "country=SE", "number_prefix=Y", "number_format={prefix}{year}-{number}")
    world.at("2025-12-31 12:00")
    sold = billed(world, "anna")
    credit = lambda: world.post("/v1/credit_notes", invoice=sold["id"], amount=100)["number"]  # noqa: E731
    assert credit() == "Y-CN-2025-0001"
    world.at("2026-01-01 12:00")
    assert [credit(), credit()] == ["Y-CN-2026-0001", "Y-CN-2026-0002"]
    account("credit_note_format=GS{number:05}")
    assert credit() == "GS00001"
    with pytest.raises(Refused, match="different formats"):
        account("credit_note_format={prefix}{year}-{number}")


def test_credit_notes_that_are_refused_leave_no_gap_also_at_the_same_time(app: App, world: World, account):
    """Each of 12 callers credits an invoice of its own; a third is rolled back after its number was taken."""
    account("name=Acme AB", "country=SE", "number_prefix=T")
    sold = [billed(world, f"c{place}")["id"] for place in range(12)]

    def credit(place: int) -> str | None:
        try:
            with app.db.transaction(world.api.tenant) as tx:
                invoice = rows.lock(tx, Invoice, sold[place])
                case = credit_case.load(tx, invoice)
                lines = credit_lines.whole_lines(case)
                settled = credit_notes.settled_of(invoice, lines)
                made = credit_notes.issue(tx, credit_notes.Issue(new_id("cn_"), case, lines, settled))
                if place % 3 == 2:
                    raise Rollback
                return made.number
        except Rollback:
            return None

    with ThreadPoolExecutor(4) as threads:
        found = sorted(number for number in threads.map(credit, range(12)) if number)
    assert found == [f"T-CN-{n:04}" for n in range(1, 9)]


def test_a_number_that_the_series_will_reach_cannot_be_given_by_hand(world, account):
    account("name=Acme AB", "country=SE", "number_prefix=H")
    customer = world.post("/v1/customers", name="Anna")["id"]
    assert billed(world, "ben")["number"] == "H-0001"
    refused = world.refused("/v1/invoices", customer=customer, number="H-0007")
    assert refused["param"] == "number" and "series of your account" in refused["message"]
    assert world.post("/v1/invoices", customer=customer, number="X-0007")["number"] == "X-0007"


def test_a_gap_is_found(app: App, world: World, account):
    account("name=Acme AB", "country=SE", "number_prefix=G")
    for name in ("anna", "ben"):
        billed(world, name)
    world.post("/v1/credit_notes", invoice=world.get("/v1/invoices")["data"][0]["id"], amount=100)
    check_all(app.db, world.api.tenant)
    with app.db.transaction(world.api.tenant) as tx:
        tx.run("update invoices set number = 'G-0009' where number = 'G-0002'")
        from billow.reports.invariants import invoices

        [found] = invoices.series_have_no_gap(tx, ["G-{number:04}"])
        assert found.object == "G-{number:04}" and "G-0002" in found.found
        tx.run("update invoices set number = 'G-0002' where number = 'G-0009'")
        tx.run("update credit_notes set number = 'G-CN-0003'")
        [found] = invoices.series_have_no_gap(tx, ["G-CN-{number:04}"])
        assert "G-CN-0001" in found.found and "credit note" in found.expected
        tx.run("update credit_notes set number = 'G-CN-0001'")
