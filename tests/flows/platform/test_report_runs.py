"""Are reports run through the API as the SDK expects, and do they agree with the balance?"""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.core.payouts import PaidOut
from billow.flows.payments import settle_payout
from billow.flows.platform import report_runs
from billow.flows.reporting import report_types
from billow.resources.charge import Charge
from tests.flows.conftest import do_what_is_due
from tests.support.world import World, flat

FAR = {"interval_start": 1_700_000_000, "interval_end": 2_000_000_000}


def ran(world: World, report_type: str, **parameters: Any) -> dict[str, Any]:
    run = begun(world, report_type, **(parameters or FAR))
    assert (run["status"], run["result"], run["error"], run["succeeded_at"]) == ("pending", None, None, None)
    world.work()
    return world.api.get(f"/v1/reporting/report_runs/{run['id']}")


def begun(world: World, report_type: str, **parameters: Any) -> dict[str, Any]:
    sent = {"report_type": report_type, "parameters": parameters}
    run: dict[str, Any] = world.api.post("/v1/reporting/report_runs", flat(sent))
    assert "id" in run, run
    return run


def rows_of(world: World, run: dict[str, Any]) -> list[dict[str, str]]:
    assert (run["status"], run["result"]["object"]) == ("succeeded", "file"), run
    path = "/v1/files/" + run["result"]["id"] + "/contents"
    text = world.api._client.get(path, headers={"Authorization": f"Bearer {world.api.key}"}).text
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def shop(world: World) -> World:
    anna = world.customer("Anna")
    anna.owes(5000)
    anna.bills().does("pay")
    charge = world.get("/v1/charges", customer=anna.id)["data"][0]
    world.post("/v1/refunds", charge=charge["id"], amount=1000)
    world.work()
    return world


def test_a_run_succeeds_with_a_file_and_an_event(shop: World) -> None:
    run = ran(shop, "balance.summary.1")
    assert run["parameters"] == FAR and run["succeeded_at"] >= run["created"]
    assert run["result"]["purpose"] == "finance_report_run" and run["result"]["url"]
    [event] = shop.get("/v1/events", type="reporting.report_run.succeeded")["data"]
    assert event["data"]["object"]["id"] == run["id"]
    assert [one["id"] for one in shop.get("/v1/reporting/report_runs")["data"]] == [run["id"]]
    rows = {row["category"]: Decimal(row["net_amount"]) for row in rows_of(shop, run)}
    assert rows["starting_balance"] == 0
    assert rows["activity_gross"] == 40 and rows["activity"] == rows["activity_gross"] + rows["activity_fee"]
    assert rows["starting_balance"] + rows["activity"] + rows["payouts"] == rows["ending_balance"]
    balance = shop.get("/v1/balance")
    held = sum(one["amount"] for part in ("available", "pending") for one in balance[part])
    assert rows["ending_balance"] * 100 == held


def test_what_is_itemized_adds_up_to_the_summary(shop: World) -> None:
    items = rows_of(shop, ran(shop, "balance_change_from_activity.itemized.1"))
    sums = rows_of(shop, ran(shop, "balance_change_from_activity.summary.1"))
    assert {row["reporting_category"] for row in sums} == {row["reporting_category"] for row in items}
    for row in sums:
        its = [one for one in items if one["reporting_category"] == row["reporting_category"]]
        assert int(row["count"]) == len(its)
        for name in ("gross", "fee", "net"):
            assert Decimal(row[name]) == sum(Decimal(one[name]) for one in its)
    ending = rows_of(shop, ran(shop, "ending_balance_reconciliation.itemized.1", interval_end=2_000_000_000))
    assert sum(Decimal(one["net"]) for one in ending) == sum(Decimal(one["net"]) for one in items)


def paid_out(world: World, amount: int, status: str, automatic: bool, *sources: str) -> None:
    """A payout as its gateway reports it, with what it pays out where the gateway says so."""
    now = datetime.now(UTC)
    said = PaidOut(f"po_{amount}", amount, "usd", status, now, automatic)
    with world.api.app.db.transaction(world.api.tenant) as tx:
        made = settle_payout.record(tx, "simulated", said)
        settle_payout.reconcile(tx, made, sources)


@pytest.mark.parametrize(
    ("amount", "status", "automatic", "listed"),
    [
        (1000, "paid", False, {"charge", "refund", "payout"}),
        (1000, "in_transit", True, {"charge", "refund", "payout"}),
        (1000, "failed", False, {"charge", "refund"}),
        (4825, "paid", True, {"refund"}),
    ],
)
def test_the_ending_balance_is_what_no_payout_has_paid_out_whole(
    shop: World, amount: int, status: str, automatic: bool, listed: set[str]
) -> None:
    [charge] = shop.get("/v1/balance_transactions", type="charge")["data"]
    assert charge["net"] == 4825
    with shop.api.app.db.transaction(shop.api.tenant) as tx:
        reference = rows.find(tx, Charge, charge["source"]).reference or ""
    paid_out(shop, amount, status, automatic, reference)
    ending = rows_of(shop, ran(shop, "ending_balance_reconciliation.itemized.1", interval_end=2_000_000_000))
    balance = shop.get("/v1/balance")
    held = sum(one["amount"] for part in ("available", "pending") for one in balance[part])
    assert sum(Decimal(one["net"]) for one in ending) * 100 == held
    assert {one["reporting_category"] for one in ending} == listed


def test_columns_currencies_and_time_zones_are_those_that_were_asked_for(shop: World) -> None:
    wanted = {"columns": ["created", "net"], "timezone": "Asia/Tokyo", "currency": "usd"}
    rows = rows_of(shop, ran(shop, "balance_change_from_activity.itemized.1", **FAR, **wanted))
    assert rows and [*rows[0]] == ["created", "net"]
    other = ran(shop, "balance_change_from_activity.itemized.1", **FAR, currency="eur")
    assert rows_of(shop, other) == []


def test_our_own_reports_run_too(shop: World) -> None:
    rows = rows_of(shop, ran(shop, "billow.trial_balance.1", interval_end=2_000_000_000))
    assert sum(int(row["balance"]) for row in rows) == 0
    for kind in report_types.TYPES:
        asked = {name: FAR[name] for name in report_types.TYPES[kind].required if name in FAR}
        if asked:
            begun(shop, kind, **asked)
    shop.work()
    runs = shop.api.get("/v1/reporting/report_runs", {"limit": 100})["data"]
    assert {run["status"] for run in runs} == {"succeeded"}, runs


def test_types_are_listed_and_found(shop: World) -> None:
    listed = shop.get("/v1/reporting/report_types")
    assert {"balance.summary.1", "payouts.itemized.1", "billow.mrr.1"} <= {
        one["id"] for one in listed["data"]
    }
    one = shop.get("/v1/reporting/report_types/balance.summary.1")
    assert (one["object"], one["version"], one["default_columns"]) == ("reporting.report_type", 1, None)
    assert one["data_available_start"] <= one["data_available_end"]
    missing = shop.api.get("/v1/reporting/report_types/tax.summary.9")
    assert (missing.status, missing["error"]["code"]) == (404, "resource_missing")


@pytest.mark.parametrize(("sent", "param", "code"), [
    ({}, "report_type", "parameter_missing"),
    ({"report_type": "sigma.1"}, "report_type", "resource_missing"),
    ({"report_type": "balance.summary.1"}, "parameters[interval_start]", "parameter_missing"),
    ({"report_type": "balance.summary.1", "parameters": {**FAR, "payout": "po_1"}}, "parameters[payout]",
        "parameter_unknown"),
    ({"report_type": "balance.summary.1", "parameters": {"interval_start": 9, "interval_end": 3}},
        "parameters[interval_start]", None),
    ({"report_type": "balance.summary.1", "parameters": {**FAR, "interval_end": 1_800_000_000_000}},
        "parameters[interval_end]", None),
    ({"report_type": "balance.summary.1", "parameters": {**FAR, "interval_start": -5}},
        "parameters[interval_start]", None),
    ({"report_type": "payouts.itemized.1", "parameters": {**FAR, "columns": ["name"]}}, "parameters[columns]",
        None),
    ({"report_type": "payouts.itemized.1", "parameters": {**FAR, "timezone": "Moon"}}, "parameters[timezone]",
        None),
    ({"report_type": "payout_reconciliation.by_id.summary.1", "parameters": {"payout": "po_1"}},
        "parameters[payout]", "resource_missing"),
])  # fmt: skip
def test_what_cannot_be_run_is_refused(
    world: World, sent: dict[str, Any], param: str, code: str | None
) -> None:
    refused = world.refused("/v1/reporting/report_runs", **sent)
    assert (refused["status"], refused["param"], refused.get("code")) == (400, param, code)


def test_a_run_that_is_refused_fails_and_says_why(app: App, shop: World) -> None:
    run = begun(shop, "balance.summary.1", **FAR)
    with app.db.transaction(shop.api.tenant) as tx:
        tx.run("update report_runs set report_type = 'gone.1' where id = %(id)s", id=run["id"])
    do_what_is_due(app)
    failed = shop.api.get(f"/v1/reporting/report_runs/{run['id']}")
    assert (failed["status"], failed["error"], failed["result"]) == (
        "failed",
        "No such report type: 'gone.1'",
        None,
    )
    assert shop.get("/v1/events", type="reporting.report_run.failed")["data"]


def test_dates_that_no_calendar_holds_fail_the_run(app: App, shop: World) -> None:
    """A run that was kept before its instants were bounded ends too, and the job is not tried for good."""
    run = begun(shop, "balance.summary.1", **FAR)
    with app.db.transaction(shop.api.tenant) as tx:
        stored = '{"interval_start": 1700000000000, "interval_end": 1800000000000}'
        tx.run("update report_runs set parameters = %(p)s::jsonb where id = %(id)s", p=stored, id=run["id"])
    do_what_is_due(app)
    failed = shop.api.get(f"/v1/reporting/report_runs/{run['id']}")
    assert (failed["status"], failed["error"]) == (
        "failed",
        "The report could not be made of these parameters.",
    )


def test_a_payout_is_reconciled_with_what_it_pays_out() -> None:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    common = {"created": at, "available_on": at, "currency": "usd", "source": "ch_1", "description": None}
    common |= {"customer": None, "payment_intent": None, "arrival_date": at, "status": "paid"}
    row = {**common, "id": "txn_1", "amount": 1000, "fee": 59, "net": 941, "reporting_category": "charge"}
    paid = {**row, "type": "charge", "payout": "po_1"}
    table = report_types.itemized_by_payout([paid], report_types.Asked(None, at))
    assert dict(zip(table.columns, table.rows[0], strict=True))["net"] == Decimal("9.41")
    assert report_runs.JOB == "report_run.answer"


def test_the_official_client_runs_and_finds_reports(sdk: Any, app: App) -> None:
    sent = {"report_type": "balance.summary.1", "parameters": FAR}
    run = sdk.v1.reporting.report_runs.create(params=sent)
    do_what_is_due(app)
    found = sdk.v1.reporting.report_runs.retrieve(run.id)
    assert (found.status, found.result.object) == ("succeeded", "file")
    assert [one.id for one in sdk.v1.reporting.report_runs.list().data] == [run.id]
    assert sdk.v1.reporting.report_types.retrieve("balance.summary.1").version == 1
    assert len(sdk.v1.reporting.report_types.list().data) > len(report_types.STRIPES)
