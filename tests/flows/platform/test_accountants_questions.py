"""Do the reports answer an accountant's questions with the right amounts?"""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from billow import bookkeeping, reports
from billow.app import App
from billow.core.books.chart import written
from billow.flows.outside import books
from billow.flows.outside import seller as sellers
from billow.ledger import charts
from tests.support.world import World

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)


def asked(app: App, world: World, name: str, at: datetime = UNTIL) -> list[dict[str, Any]]:
    given = {"from": SINCE, "to": UNTIL, "at": at}
    with app.db.snapshot(world.api.tenant) as tx:
        table = reports.run(tx, name, **{param: given[param] for param in reports.reports()[name].params})
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def test_deferred_revenue_moves_from_month_to_month(app: App, world: World) -> None:
    world.at("2026-01-01")
    anna = world.customer("anna")
    anna.owes(36500, "A year", period={"start": 1767225600, "end": 1798761600})
    anna.bills().does("finalize")
    world.at("2026-03-01 01:00")
    world.post("/v1/credit_notes", invoice=anna.last_invoice.data["id"], amount=3650)
    found = asked(app, world, "deferred_by_month")
    assert [tuple(row.values()) for row in found] == [
        ("2026-01", "usd", 0, 36500, 3100, 0, 33400),
        ("2026-02", "usd", 33400, 0, 2800, 0, 30600),
        ("2026-03", "usd", 30600, 0, 0, -3060, 27540),
        *((month, "usd", 27540, 0, 0, 0, 27540) for month in ("2026-04", "2026-05", "2026-06")),
    ]


def test_deferred_revenue_is_earned_in_the_months_to_come(app: App, world: World) -> None:
    """A year from January, ninety days from mid-March, and a credit: the sums are the ledger's."""
    world.at("2026-01-01")
    anna, ben = world.customer("anna"), world.customer("ben")
    anna.owes(36500, "A year", period={"start": 1767225600, "end": 1798761600})
    anna.bills().does("finalize")
    world.at("2026-03-15 12:00")
    ben.owes(10001, "Ninety days", currency="eur", period={"start": 1773576000, "end": 1781352000})
    ben.bills(currency="eur").does("finalize")
    at = datetime(2026, 3, 16, tzinfo=UTC)

    def schedule(at: datetime) -> dict[tuple[str, str], int]:
        found = {(r["currency"], r["month"]): r["amount"] for r in asked(app, world, "deferred_ahead", at)}
        for currency in {currency for currency, _ in found}:
            due = sum(r["amount"] for r in asked(app, world, "deferred", at) if r["currency"] == currency)
            assert sum(of for (other, _), of in found.items() if other == currency) == due
        return found

    found = schedule(at)
    assert [found["usd", f"2026-{month:02d}"] for month in range(3, 13)] == [
        *(3100, 3000, 3100, 3000, 3100, 3100, 3000, 3100, 3000, 3100)
    ]
    assert [found["eur", f"2026-{month:02d}"] for month in range(3, 7)] == [1833, 3334, 3444, 1390]
    world.post("/v1/credit_notes", invoice=anna.last_invoice.data["id"], amount=3650)
    credited = schedule(datetime(2026, 3, 16, tzinfo=UTC))
    assert credited["usd", "2026-03"] == 2790 and sum(credited.values()) == 27540 + 10001
    world.at("2026-06-20")
    later = schedule(datetime(2026, 6, 20, tzinfo=UTC))
    assert {place: of for place, of in credited.items() if place[1] > "2026-06"} == {
        place: of for place, of in later.items() if place[1] > "2026-06"
    }


def test_gateways_credit_and_losses(app: App, world: World) -> None:
    world.at("2026-01-10")
    anna, ben = world.customer("anna", balance=-3000), world.customer("ben", card=None)
    anna.owes(1000)
    anna.bills().does("pay")
    anna.owes(10000)
    anna.bills().does("pay")
    ben.owes(500)
    ben.bills(collection_method="send_invoice", days_until_due=30).does("finalize")
    ben.last_invoice.does("mark_uncollectible")
    world.customer("eve", balance=-700)
    [gateway] = asked(app, world, "gateways")
    assert (gateway["gateway"], gateway["collected"], gateway["paid_out"]) == ("simulated", 8000, 0)
    assert gateway["fees"] > 0 and gateway["closing"] == 8000 - gateway["fees"]
    [credit] = asked(app, world, "customer_credit")
    assert (credit["name"], credit["credit"]) == ("eve", 700)
    [lost] = asked(app, world, "written_off")
    assert (lost["name"], lost["account"], lost["amount"]) == ("ben", "bad_debt", 500)


def test_what_is_unbilled_and_what_came_late(app: App, world: World) -> None:
    world.at("2026-01-01")
    calls = world.metered("Calls", world.meter("calls"), cents="10")
    anna = world.customer("anna")
    anna.subscribes_to(calls)
    anna.uses("calls", 80, "2026-01-01")
    world.at("2026-01-31")
    anna.owes(200)
    draft = anna.bills(auto_advance=False)
    world.at("2026-02-01 02:00")
    [one] = asked(app, world, "unbilled", datetime(2026, 1, 31, 23, 59, 59, 999999, tzinfo=UTC))
    assert (one["name"], one["amount"], one["number"]) == ("anna", 800, anna.last_invoice.data["number"])
    assert asked(app, world, "unbilled") == [] and asked(app, world, "late") == []
    with app.db.transaction(world.api.tenant) as tx:
        books.close(tx, "2026-02", hard=False)
    draft.does("finalize")
    late = asked(app, world, "late")
    assert late and {row["booked"] for row in late} == {datetime(2026, 3, 1, tzinfo=UTC)}
    with app.db.transaction(world.api.tenant) as tx:
        books.set_books(tx, chart=written(charts.ready("plain")))
        books.number_vouchers(tx, UNTIL.date())
        made = books.books_of(tx, SINCE.date(), UNTIL.date())
    lines = bookkeeping.statement(made, "1200")
    assert sum(float(line[5]) for line in lines) == float(lines[-1][6])
    assert {line[3] for line in lines} == {"anna"} and {line[7] for line in lines} == {"usd"}


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_revenue_is_reported_in_the_months_in_which_it_is_earned(app: App, world: World, zone: str) -> None:
    """January's half of two months that begin with the seller's January is January's, wherever that is."""
    with app.db.transaction(world.api.tenant) as tx:
        sellers.store(tx, tx.account, seller={"time_zone": zone})
    begins, middle, ends = (datetime(2026, month, 1, tzinfo=ZoneInfo(zone)) for month in (1, 2, 3))
    world.at("2025-12-31")
    anna = world.customer("anna")
    days = (ends - begins).days
    period = {"start": int(begins.timestamp()), "end": int(ends.timestamp())}
    anna.owes(100 * days, "Two months", period=period)
    anna.bills().does("finalize")
    world.at("2026-03-02")
    found = {row["month"]: row["amount"] for row in asked(app, world, "revenue")}
    assert found == {"2026-01": 100 * (middle - begins).days, "2026-02": 100 * (ends - middle).days}
