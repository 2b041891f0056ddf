"""Do the reports add up, and tie to the ledger, in every month of a scenario?"""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import pytest

from billow.core.errors import Refused
from billow.flows.reporting import meter_costs
from tests.flows.reporting.test_recurring_revenue import instant, report
from tests.ledger.test_sums import agree
from tests.support.world import World

BORDERS = ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"]


@pytest.fixture
def quarter(world: World) -> World:
    """Anna pays by the year; Bo owes, is credited in part and pays late; Carl's card declines; Dan uses."""
    world.at("2026-01-05")
    anna = world.customer("Anna")
    anna.subscribes_to(world.plan("Year", every="year", usd=1200))
    bo = world.customer("Bo")
    bo.owes(30000)
    invoice = bo.bills(collection_method="send_invoice", days_until_due=30)
    invoice.does("finalize")
    world.post("/v1/credit_notes", invoice=invoice.data["id"], amount=5000)
    meter = world.meter("calls")
    world.customer("Dan").subscribes_to(world.metered("Calls", meter, cents="2"))
    carl = world.customer("Carl")
    carl.subscribes_to(world.plan("Pro", usd=20))
    carl.pays_with("declining")
    world.at("2026-01-20")
    dan = world.get("/v1/customers", limit=100, test_clock=world.clock)["data"]
    used = next(one["id"] for one in dan if one["name"] == "Dan")
    world.post(
        "/v1/billing/meter_events",
        event_name="calls",
        timestamp=int(datetime(2026, 1, 15, tzinfo=UTC).timestamp()),
        payload={"stripe_customer_id": used, "value": 1000},
    )
    world.at("2026-02-20")
    invoice.does("pay", paid_out_of_band=True)
    world.at("2026-04-01")
    return world


def balance(app, world: World, at: str, *kinds: str) -> int:
    rows = report(app, world, "trial_balance", at, at)
    return sum(row["debit"] - row["credit"] for row in rows if row["account"].partition(":")[0] in kinds)


def test_each_report_ties_to_the_ledger_at_each_months_end(app, quarter):
    by_month = {
        name: {row["month"]: row for row in report(app, quarter, name, BORDERS[0], BORDERS[-1])}
        for name in ("deferred_by_month", "dso", "collections", "cash", "net_revenue")
    }
    for since, until in pairwise(BORDERS):
        month, last = since[:7], f"{until} 00:00:00"
        end = str(datetime.fromisoformat(last).replace(tzinfo=UTC) - datetime.resolution)[:26]
        receivables = balance(app, quarter, end, "receivable")
        assert sum(row["amount"] for row in report(app, quarter, "aging", since, end)) == receivables
        assert by_month["dso"][month]["receivables"] == receivables
        row = by_month["collections"][month]
        taken = row["collected"] + row["credited"] + row["written_off"] + row["otherwise"]
        assert row["opening"] + row["billed"] - taken == row["closing"] == receivables
        deferred = -balance(app, quarter, end, "deferred_revenue")
        assert by_month["deferred_by_month"][month]["closing"] == deferred
        assert sum(row["amount"] for row in report(app, quarter, "deferred_ahead", since, end)) == deferred
        [rpo] = report(app, quarter, "rpo", since, end)
        assert rpo["total"] == deferred + -balance(app, quarter, end, "prepaid")
        row = by_month["cash"][month]
        assert row["closing"] == balance(app, quarter, end, "bank", "clearing", "in_transit")
        moved = row["collected"] - row["refunded"] - row["fees"] - row["disputed"] + row["otherwise"]
        assert row["opening"] + moved == row["closing"]
        income = balance(app, quarter, end, "revenue", "breakage", "revenue_adjustments")
        known = [one for name, one in by_month["net_revenue"].items() if name <= month]
        assert sum(one["net"] for one in known) == -income


def test_reports_of_sums_are_those_of_all_transfers_in_every_interval(app, quarter):
    with app.db.transaction(quarter.api.tenant) as tx:
        for since, until in pairwise([*BORDERS, "2026-04-01 00:00:01", "2027-01-01"]):
            agree(tx, instant(since), instant(until))
        agree(tx, instant("2026-01-05 08:00"), instant("2026-02-20 12:00"))


def test_collections_say_what_was_billed_credited_and_collected(app, quarter):
    first, second = report(app, quarter, "collections", "2026-01-01", "2026-03-01")
    assert (first["billed"], first["credited"], first["collected"]) == (152000, 5000, 122000)
    assert (first["closing"], first["not_due"], first["effectiveness"]) == (25000, 25000, "100.0 %")
    assert second["collected"] >= 25000


@pytest.mark.parametrize("name", ["cash", "collections", "deferred_by_month", "dso"])
def test_a_month_in_which_nothing_moved_has_its_row(app, world, name):
    world.at("2026-01-05")
    world.customer("Anna").subscribes_to(world.plan("Year", every="year", usd=1200))
    bo = world.customer("Bo")
    bo.owes(30000)
    bo.bills(collection_method="send_invoice", days_until_due=30).does("finalize")
    world.at("2026-05-15")
    rows = report(app, world, name, "2026-02-01", "2026-05-01")
    assert [row["month"] for row in rows] == ["2026-02", "2026-03", "2026-04"]
    if name == "cash":
        paid = 120000 - 3510  # less the fee
        assert {(row["opening"], row["collected"], row["closing"]) for row in rows} == {(paid, 0, paid)}
    if name == "dso":
        assert {(row["receivables"], row["billed"], row["dso"]) for row in rows} == {(30000, 0, "n/a")}
    if name == "collections":
        assert {(row["opening"], row["billed"], row["closing"]) for row in rows} == {(30000, 0, 30000)}
        assert [row["not_due"] for row in rows] == [0, 0, 0]


def test_the_journal_has_every_entry_with_names(app, quarter):
    rows = report(app, quarter, "journal", "2026-01-01", "2026-02-01")
    assert {"Anna", "Bo", "Carl"} <= {row["name"] for row in rows}
    assert all(row["amount"] > 0 and row["debit"] != row["credit"] for row in rows)


def test_gross_margin_is_revenue_less_what_the_usage_costs(app, quarter):
    with app.db.transaction(quarter.api.tenant) as tx:
        meter_costs.set_cost(tx, "calls", "0.005", "usd", date(2026, 1, 1))
        assert meter_costs.costs(tx) == [["calls", date(2026, 1, 1), "usd", Decimal("0.005")]]
        with pytest.raises(Refused, match="no active meter"):
            meter_costs.set_cost(tx, "nothing", "1", "usd", date(2026, 1, 1))
        with pytest.raises(Refused, match="no amount"):
            meter_costs.set_cost(tx, "calls", "much", "usd", date(2026, 1, 1))
    rows = [
        row
        for row in report(app, quarter, "margin", *BORDERS[:: len(BORDERS) - 1])
        if row["product"] == "Calls"
    ]
    assert sum(row["revenue"] for row in rows) == 2000
    assert sum(row["cost"] for row in rows) == 500
    assert sum(row["margin"] for row in rows) == 1500
    assert [row["usage"] for row in rows if row["cost"]] == ["1000"]
