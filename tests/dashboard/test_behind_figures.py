"""Does each figure of a report that is a sum of transfers lead to them, and do they add up to it?"""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from billow import reports
from billow.pages.dashboard import report_charts, reports_page
from billow.reports import behind
from tests.dashboard.conftest import Person
from tests.support.world import World

DAYS = {"from": "2026-01-10", "to": "2026-03-20"}


@pytest.fixture
def quarter(world: World) -> World:
    """Money comes, goes back, is disputed, written off and credited; revenue is earned day by day."""
    world.at("2026-01-05")
    anna = world.customer("Anna")
    anna.subscribes_to(world.plan("Year", every="year", usd=1200))
    bo = world.customer("Bo")
    bo.owes(30000)
    invoice = bo.bills(collection_method="send_invoice", days_until_due=30)
    invoice.does("finalize")
    world.post("/v1/credit_notes", invoice=invoice.data["id"], amount=5000)
    world.at("2026-01-20")
    dan = world.customer("Dan")
    dan.owes(7000)
    paid = dan.bills()
    paid.does("finalize")
    paid.does("pay")
    dan.owes(900)
    gone = dan.bills(collection_method="send_invoice", days_until_due=5)
    gone.does("finalize")
    lost = world.customer("Eva")
    lost.owes(4000)
    bad = lost.bills(collection_method="send_invoice", days_until_due=5)
    bad.does("finalize")
    world.at("2026-02-10")
    gone.does("void")
    bad.does("mark_uncollectible")
    [year] = world.get("/v1/invoices", customer=anna.id)["data"]
    world.post("/v1/credit_notes", invoice=year["id"], amount=10000, credit_amount=10000)
    payment = world.get("/v1/invoice_payments", invoice=paid.data["id"])["data"][0]["payment"]
    world.post("/v1/refunds", payment_intent=payment["payment_intent"], amount=2000)
    invoice.does("pay", paid_out_of_band=True)
    world.at("2026-04-01")
    return world


def instants(name: str, row: dict[str, str]) -> tuple[datetime, datetime]:
    first, end = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 3, 21, tzinfo=UTC)
    if "month" not in row:
        return first, end
    begun = datetime.fromisoformat(f"{row['month']}-01").replace(tzinfo=UTC)
    after = (begun + timedelta(days=32)).replace(day=1)
    return max(begun, first) if name in behind.CUT else begun, min(after, end)


@pytest.mark.parametrize("name", sorted(behind.FIGURES))
def test_transfers_behind_a_figure_add_up_to_it(app, quarter: World, name: str) -> None:
    nonzero = set()
    with app.db.transaction(quarter.api.tenant) as tx:
        first, end = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 3, 21, tzinfo=UTC)
        table = reports.run(tx, name, **{"from": first, "to": end})
        for values in table.rows:
            row = dict(zip(table.columns, values, strict=True))
            for figure in behind.FIGURES[name]:
                found = behind.transfers(tx, name, figure, row, instants(name, row), (0, 1000))
                assert sum(one.amount for one in found) == row[figure], (name, figure, row)
                assert {(one.rows, one.total) for one in found} in (set(), {(len(found), row[figure])})
                nonzero |= {figure} if row[figure] else set()
    rare = {"otherwise", "disputed", "paid_out", "fees"}
    assert nonzero >= set(behind.FIGURES[name]) - rare


def test_a_figure_leads_to_its_transfers_and_they_to_their_documents(quarter: World, owner: Person) -> None:
    page = owner.opens("/reports/collections", **DAYS).text
    links = [unescape(one) for one in re.findall(r'href="([^"]+/behind\?[^"]+)"', page)]
    credited = next(one for one in links if "figure=credited" in one)
    asked = {name: value for name, [value] in parse_qs(urlsplit(credited).query).items()}
    assert asked == {"figure": "credited", "currency": "usd", "month": "2026-01", **DAYS}
    said = owner.reads("/reports/collections/behind", **asked)
    assert "Bo" in said and "50.00" in said and "All of them" in said
    html = owner.opens("/reports/collections/behind", **asked).text
    assert "/ledger/entries/" in html and "/customers/" in html
    for wrong in ({"figure": "closing"}, {"month": "soon"}, {"from": ""}, {"month": "9999-12"}):
        assert owner.opens("/reports/collections/behind", **{**asked, **wrong}).status_code == 400
    assert owner.opens("/reports/nothing/behind", **asked).status_code == 400


def test_every_report_but_the_lists_has_a_chart() -> None:
    drawn = {*report_charts.CHARTS, "ltv", "cohorts"}
    assert {*reports_page.TITLES} - drawn == {"journal"}
    assert sorted(name for names in reports_page.GROUPS.values() for name in names) == sorted(
        reports_page.TITLES
    )


def test_charts_name_customers_and_not_their_ids(quarter: World, owner: Person) -> None:
    html = owner.opens("/reports/deferred", at="2026-03-01").text
    [svg] = re.findall(r"<svg .*?</svg>", html, re.DOTALL)
    assert "Anna" in svg and "cus_" not in svg
    said = owner.reads("/reports/trial_balance", at="2026-03-01")
    assert "Accounts receivable: Bo" in said and "receivable:cus_" not in said
    html = owner.opens("/reports/aging", at="2026-01-31").text
    assert re.search(r"<title>not due: [\d,.]+", html)
