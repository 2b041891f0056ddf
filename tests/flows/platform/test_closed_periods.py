"""Do reports of a closed period stay as they are, whatever comes late?"""

from datetime import UTC, datetime
from typing import Any

import pytest

from billow import reports
from billow.app import App
from billow.flows.outside import books
from tests.flows.taxes.sellers import UNION, buyer, seller, standard, taxed
from tests.support.world import World

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = datetime(2026, 2, 1, tzinfo=UTC)
LAST = datetime(2026, 1, 31, 23, 59, 59, 999999, tzinfo=UTC)


def printed(app: App, world: World) -> dict[str, Any]:
    """Every report of January that is about the books, but the one that says what came late."""
    given = {"from": JANUARY, "to": ENDS, "at": LAST}
    with app.db.snapshot(world.api.tenant) as tx:
        return {
            name: reports.run(tx, name, **{param: given[param] for param in known.params})
            for name, known in reports.reports().items()
            if name not in ("recovery", "late")
        }


def closes(app: App, world: World, month: str, *, hard: bool = False) -> None:
    with app.db.transaction(world.api.tenant) as tx:
        books.close(tx, month, hard=hard)


@pytest.mark.parametrize("hard", [False, True])
def test_reports_of_a_closed_month_stay_as_they_are(app: App, world: World, hard: bool) -> None:
    """An invoice, a credit note, a refund and a voiding in January, which was closed before."""
    seller(world, standard("SE"), UNION)
    consumer = buyer(world, "DE")
    invoices = [taxed(world, consumer, amount)["id"] for amount in (10000, 5000, 3000, 2000)]
    sold, void, _, late = invoices
    for one in invoices[:3]:
        world.post(f"/v1/invoices/{one}/finalize")
    paid = world.post(f"/v1/invoices/{sold}/pay", expand=["payments"])["payments"]["data"][0]
    closes(app, world, "2026-01", hard=hard)
    before = printed(app, world)
    assert before["oss"].rows
    world.post(f"/v1/invoices/{late}/finalize")
    world.post("/v1/credit_notes", invoice=invoices[2], amount=1190)
    world.post("/v1/refunds", payment_intent=paid["payment"]["payment_intent"], amount=1190)
    world.post(f"/v1/invoices/{void}/void")
    assert printed(app, world) == before
    with app.db.snapshot(world.api.tenant) as tx:
        february = reports.run(tx, "oss", **{"from": ENDS, "to": datetime(2026, 3, 1, tzinfo=UTC)}).rows
        dated = tx.tuples("select distinct dated::date::text from ledger_transfers where dated is not null")
    assert [tuple(row)[4:] for row in february] == [(2000 - 1000 - 1000 - 5000, 380 - 190 - 190 - 950)]
    assert dated == [("2026-01-10",)]


def test_a_refund_of_a_closed_month_is_corrected_in_the_open_one(app: App, world: World) -> None:
    """A credit note takes over in February what a refund without one has declared in January."""
    seller(world, standard("SE"), UNION)
    sold = taxed(world, buyer(world, "DE"), 10000)["id"]
    world.post(f"/v1/invoices/{sold}/finalize")
    paid = world.post(f"/v1/invoices/{sold}/pay", expand=["payments"])["payments"]["data"][0]
    intent = paid["payment"]["payment_intent"]
    refund = world.post("/v1/refunds", payment_intent=intent, amount=1190)["id"]
    closes(app, world, "2026-01", hard=True)
    before = printed(app, world)
    world.post("/v1/credit_notes", invoice=sold, amount=1190, refunds=[{"refund": refund}])
    after = printed(app, world)
    assert {name: after[name] for name in ("vat", "oss")} == {name: before[name] for name in ("vat", "oss")}
    with app.db.snapshot(world.api.tenant) as tx:
        days = {"from": ENDS, "to": datetime(2026, 3, 1, tzinfo=UTC)}
        assert [tuple(row)[4:] for row in reports.run(tx, "oss", **days).rows] in ([], [(0, 0)])


def test_revenue_of_a_closed_month_is_booked_in_the_next_one(app: App, world: World) -> None:
    world.at("2026-01-15")
    calls = world.metered("Calls", world.meter("calls"), cents="10")
    anna = world.customer("anna")
    anna.subscribes_to(calls)
    anna.uses("calls", 310, "2026-01-15")
    world.at("2026-02-14")
    closes(app, world, "2026-01")
    before = printed(app, world)
    world.at("2026-02-15 02:00")
    assert printed(app, world) == before
    with app.db.snapshot(world.api.tenant) as tx:
        found = tx.tuples(
            "select created, amount from ledger_transfers where credit ^@ 'revenue:' order by created"
        )
    assert found[0][0] == ENDS and sum(amount for _, amount in found) == 3100


def test_revenue_is_earned_by_months_of_the_seller(app: App, world: World) -> None:
    """January ends at 23:00 UTC in Stockholm: the last hour of the period is earned in February."""
    with app.db.transaction(world.api.tenant) as tx:
        own = books.profile_of(tx).seller
        books.store(tx, tx.account, seller={**own, "time_zone": "Europe/Stockholm"})
    world.at("2026-01-01")
    anna = world.customer("anna")
    anna.owes(74400, "January", period={"start": 1767225600, "end": 1769904000})
    anna.bills().does("finalize")
    world.at("2026-02-01 01:00")
    with app.db.snapshot(world.api.tenant) as tx:
        found = tx.tuples(
            "select created, amount from ledger_transfers where credit ^@ 'revenue:' order by created"
        )
    assert [amount for _, amount in found] == [74300, 100]
    assert [at.hour for at, _ in found] == [22, 23]


def test_who_may_posts_into_a_softly_closed_month(app: App, world: World) -> None:
    world.at("2026-01-15")
    anna = world.customer("anna")
    anna.owes(1000)
    draft = anna.bills(auto_advance=False).data["id"]
    closes(app, world, "2026-01")
    answer = world.api.post(f"/v1/invoices/{draft}/finalize", Billow_Into_Closed="true")
    assert answer.status == 200
    with app.db.snapshot(world.api.tenant) as tx:
        assert tx.tuples("select created, dated from ledger_transfers")[0] == (
            datetime(2026, 1, 15, tzinfo=UTC),
            None,
        )


def test_periods_are_in_the_time_zone_of_the_account(app: App, world: World) -> None:
    world.at("2026-01-15")
    anna = world.customer("anna")
    anna.owes(1000)
    anna.bills().does("finalize")
    with app.db.transaction(world.api.tenant) as tx:
        own = books.profile_of(tx).seller
        books.store(tx, tx.account, seller={**own, "time_zone": "Europe/Stockholm"})
        books.close(tx, "2026-01", hard=False)
        [(ends,)] = tx.tuples("select ends from closed_periods")
        assert ends == datetime(2026, 1, 31, 23, tzinfo=UTC)
        assert books.periods_of(tx)[0][3] == "closed softly"
        books.reopen(tx, "2026-01")
        assert {state for *_, state in books.periods_of(tx)} == {"open"}


def test_vouchers_of_a_closed_month_have_their_numbers(app: App, world: World) -> None:
    """What comes late into the month that follows has the next ones."""
    world.at("2026-01-10")
    anna = world.customer("anna")
    for day in ("2026-01-12", "2026-01-15"):
        world.at(day)
        anna.owes(1000)
        anna.bills().does("finalize")
    closes(app, world, "2026-01")
    given = "select source, number from voucher_numbers order by number"
    with app.db.transaction(world.api.tenant) as tx:
        before = tx.tuples(given)
        assert [number for _, number in before] == list(range(1, len(before) + 1)) and before
        books.reopen(tx, "2026-01")
    anna.owes(1000)
    anna.bills().does("finalize")
    closes(app, world, "2026-01", hard=True)
    with app.db.snapshot(world.api.tenant) as tx:
        after = tx.tuples(given)
        booked = tx.all("select distinct source, event from ledger_transfers")
    assert after[: len(before)] == before and len(after) == len(booked) > len(before)
