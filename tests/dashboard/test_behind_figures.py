"""Does each figure of a report that is a sum of transfers lead to them, and do they add up to it?"""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from billow import reports
from billow.app import App
from billow.flows.outside import seller as sellers
from billow.pages.dashboard import report_behind, report_charts, reports_page
from billow.reports import behind
from tests.conftest import Api
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


def test_more_transfers_are_on_other_pages_whatever_else_an_address_names(
    quarter: World, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_behind, "ON_A_PAGE", 1)
    asked = {"figure": "billed", "currency": "usd", "month": "2026-01", **DAYS}
    address = owner.address("/reports/collections/behind")
    html = owner.client.get(address, query_string={**asked, "path": "x", "self": "y"}).text
    [later] = [unescape(one) for one in re.findall(r'href="([^"]+)" rel="next"', html)]
    found = {name: value for name, [value] in parse_qs(urlsplit(later).query).items()}
    assert found == {**asked, "page": "2"}
    assert "Rows 2 to 2 of 5" in owner.reads("/reports/collections/behind", **found)


def test_days_that_are_none_in_utc_are_refused(app: App, api: Api, owner: Person) -> None:
    """The first day of all begins before it in Stockholm, and the last one has no end."""
    with app.db.transaction(api.tenant) as tx:
        sellers.store(tx, tx.account, seller={"time_zone": "Europe/Stockholm"})
    asked = {"figure": "collected", "currency": "usd", "gateway": "none"}
    for days in (("0001-01-01", "2026-01-31"), ("2026-01-01", "9999-12-31")):
        named = dict(zip(("from", "to"), days, strict=True))
        assert owner.opens("/reports/gateways/behind", **asked, **named).status_code == 400
        assert owner.opens("/reports/gateways", **named).status_code == 400
    assert owner.opens("/ledger/journal", to="9999-12").status_code == 400


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


def test_two_customers_of_one_name_have_a_column_each() -> None:
    table = reports.Table(
        ["customer", "name", "currency", "credit"],
        [["cus_1", "Anna", "usd", 500], ["cus_2", "Anna", "usd", 700]],
    )
    names = {"cus_1": "Anna", "cus_2": "Anna"}
    [chart] = report_charts.drawn("customer_credit", "Credit", table, names, "UTC")
    assert re.findall(r"<title>([^<]+)</title>", chart["svg"])[-2:] == ["Anna: 7", "Anna: 5"]


def test_a_chart_counts_months_where_the_seller_is_in_their_order() -> None:
    """The last evening of January in UTC is of February in Stockholm; rows are in another order."""
    times = [datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 1, 31, 23, 30, tzinfo=UTC)]
    table = reports.Table(["booked", "currency", "amount"], [[at, "usd", 500] for at in times])
    [chart] = report_charts.drawn("late", "Late postings", table, {}, "Europe/Stockholm")
    assert re.findall(r"<title>([^<]+)</title>", chart["svg"])[-2:] == ["2026-02: 5", "2026-03: 5"]
