"""Is monthly recurring revenue what subscriptions say, and do its movements add up, in every interval?"""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from billow.app import App
from billow.core import recurring
from billow.core.exchange import Rate
from billow.flows.reporting import answers, recurring_revenue
from billow.flows.taxes import national
from tests.flows.billing.test_discount_ends import granted
from tests.support import invariants
from tests.support.world import World


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def report(app: App, world: World, name: str, since: str, until: str) -> list[dict[str, Any]]:
    tenant = world.api.tenant
    answers.bring_up_to_date(app.db, tenant, name)
    wanted = {"from": instant(since), "to": instant(until), "at": instant(until)}
    with app.db.transaction(tenant) as tx:
        params = {each: wanted[each] for each in answers.reports.reports()[name].params}
        table = answers.answer(tx, name, **params)
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def moved(row: dict[str, Any]) -> dict[str, int]:
    return {kind: row[kind] for kind in (*recurring.KINDS, "fx") if row[kind]}


@pytest.fixture
def year(world: World) -> World:
    """Anna grows, leaves and comes back; Bo has a trial and a coupon; Cleo pays by the year in kronor."""
    world.at("2026-01-10")
    pro, year = world.plan("Pro", usd=20), world.plan("Year", every="year", sek=1200)
    anna = world.customer("Anna")
    first = anna.subscribes_to({"price": pro, "quantity": 2})
    bo = world.customer("Bo")
    half = world.coupon(percent_off=50, duration="repeating", duration_in_months=2)
    bo.subscribes_to(pro, trial_period_days=14, discounts=[{"coupon": half}])
    world.at("2026-02-03")
    item = first.now["items"]["data"][0]["id"]
    first.update(items=[{"id": item, "quantity": 5}])
    world.customer("Cleo").subscribes_to(year)
    world.at("2026-03-01")
    first.update(items=[{"id": item, "quantity": 1}])
    world.at("2026-03-15")
    first.cancels()
    world.at("2026-05-02")
    anna.subscribes_to(pro)
    world.at("2026-06-01")
    return world


def test_the_sums_of_days_are_those_of_the_movements_also_after_one_is_taken_back(app, year):
    report(app, year, "mrr", "2026-01-01", "2026-06-01")
    with app.db.transaction(year.api.tenant) as tx:
        assert list(invariants.recurring_days_are_sums(tx)) == []
        customers = [one for (one,) in tx.tuples("select distinct customer from recurring_movements")]
        tx.run(
            "delete from recurring_revenue where sequence > (select max(sequence) / 2 from recurring_revenue)"
        )
        before = tx.tuples("select count(*) from recurring_days")
        recurring_revenue.move(tx, customers)
        assert list(invariants.recurring_days_are_sums(tx)) == []
        assert tx.tuples("select count(*) from recurring_days") < before
        tx.run("update recurring_days set change = change + 1")
        assert list(invariants.recurring_days_are_sums(tx))
        tx.run("update recurring_days set change = change - 1")


def test_each_month_begins_where_the_last_one_ended_and_adds_up(app, year):
    rows = report(app, year, "mrr", "2026-01-01", "2026-06-01")
    assert [
        (row["month"], row["start"], moved(row), row["end"])
        for row in rows
        if row["currency"] == "usd" and not row["of"]
    ] == [
        ("2026-01", 0, {"new": 5000}, 5000),  # Bo's trial ends on 24 January; half of 20 dollars
        ("2026-02", 5000, {"expansion": 6000}, 11000),
        ("2026-03", 11000, {"expansion": 1000, "contraction": -8000, "churn": -2000}, 2000),
        ("2026-04", 2000, {}, 2000),
        ("2026-05", 2000, {"reactivation": 2000}, 4000),
    ]
    assert [(row["month"], moved(row)) for row in rows if row["currency"] == "sek"] == [
        ("2026-02", {"new": 10000}),
        ("2026-03", {}),
        ("2026-04", {}),
        ("2026-05", {}),
    ]


def test_the_figures_of_shorter_intervals_add_up_to_those_of_longer_ones(app, year):
    borders = [
        "2026-01-01",
        "2026-01-24",
        "2026-01-25",
        "2026-02-03",
        "2026-03-10",
        "2026-05-02",
        "2026-05-20",
    ]
    end = 0
    for since, until in pairwise(borders):
        for row in report(app, year, "mrr", since, until):
            if row["currency"] == "usd" and not row["of"]:
                assert row["start"] == end
                end += sum(moved(row).values())
                assert row["end"] == end
    assert end == 4000


def test_what_is_kept_equals_what_the_pure_rules_make_of_each_customer(app, year):
    recurring_revenue.catch_up(app.db, year.api.tenant)
    with app.db.transaction(year.api.tenant) as tx:
        changes = tx.tuples("select customer, currency, at, change from recurring_revenue order by sequence")
        kept = tx.tuples("select customer, currency, day, kind, change from recurring_movements")
        now = tx.all("select * from subscriptions")
        live = recurring_revenue.of_rows(
            tx, recurring_revenue.rows.select(tx, recurring_revenue.Subscription, "true")
        )
        known = recurring_revenue.known_of(tx, live)
        slow = {one.subscription: recurring_revenue.amount_of(tx, one, tx.now, known) for one in live}
        sums = dict(
            tx.tuples(
                "select subscription, sum(change)::int from recurring_revenue"
                " group by 1 having sum(change) <> 0"
            )
        )
    assert len(now) == len(live)
    pure = [
        (*owner, *movement)
        for owner in {(customer, currency) for customer, currency, _, _ in changes}
        for movement in recurring.movements(
            (at.date(), change) for customer, currency, at, change in changes if (customer, currency) == owner
        )
    ]
    assert sorted(kept) == sorted(pure)
    assert sums == {id: amount for id, amount in slow.items() if amount}


def test_nothing_is_read_twice_and_reading_late_changes_nothing(app, year):
    recurring_revenue.catch_up(app.db, year.api.tenant)
    once = report(app, year, "mrr_movements", "2026-01-01", "2026-06-01")
    with app.db.transaction(year.api.tenant) as tx:
        tx.run("delete from recurring_revenue")
        tx.run("delete from recurring_movements")
        tx.run("delete from recurring_revenue_read")
    assert report(app, year, "mrr_movements", "2026-01-01", "2026-06-01") == once
    assert report(app, year, "mrr_movements", "2026-01-01", "2026-06-01") == once


def test_subscriptions_older_than_the_oldest_event_count_from_their_start(app, year):
    with app.db.transaction(year.api.tenant) as tx:
        tx.run("delete from webhook_deliveries")
        tx.run("delete from events")
    ends = {row["currency"]: row["end"] for row in report(app, year, "mrr", "2026-05-01", "2026-06-01")}
    assert ends == {"usd": 4000, "sek": 10000}


def test_all_currencies_are_in_the_home_currency_with_exchange_apart(app, year):
    days = [date(2026, 1, 30), date(2026, 2, 27), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 29)]
    kronor = ["10", "11", "10.5", "12", "11.5"]
    with app.db.transaction(year.api.tenant) as tx:
        tx.run("update accounts set default_currency = 'eur' where id = %(id)s", id=tx.account)
        national.load(tx, [Rate("sek", day, Decimal(rate)) for day, rate in zip(days, kronor, strict=True)])
        national.load(tx, [Rate("usd", day, Decimal("1.25")) for day in days])
    rows = [r for r in report(app, year, "mrr", "2026-01-01", "2026-06-01") if r["of"] == "all, in EUR"]
    assert [(row["month"], row["start"], moved(row), row["end"]) for row in rows] == [
        ("2026-02", 4000, {"new": 1000, "expansion": 4800, "fx": -91}, 9709),
        ("2026-03", 9709, {"expansion": 800, "contraction": -6400, "churn": -1600, "fx": 43}, 2552),
        ("2026-04", 2552, {"fx": -119}, 2433),
        ("2026-05", 2433, {"reactivation": 1600, "fx": 37}, 4070),
    ]
    for row in rows:
        assert row["start"] + sum(moved(row).values()) == row["end"]


def test_movements_name_their_customers_and_add_up_to_the_months(app, year):
    rows = report(app, year, "mrr_movements", "2026-03-01", "2026-04-01")
    assert [(row["day"], row["kind"], row["name"], row["change"]) for row in rows] == [
        (date(2026, 3, 1), "contraction", "Anna", -8000),
        (date(2026, 3, 15), "churn", "Anna", -2000),
        (date(2026, 3, 24), "expansion", "Bo", 1000),
    ]
    now = report(app, year, "mrr_customers", "2026-01-01", "2026-06-01")
    assert [(row["name"], row["currency"], row["mrr"]) for row in now] == [
        ("Cleo", "sek", 10000),
        ("Anna", "usd", 2000),
        ("Bo", "usd", 2000),
    ]


def test_rates_of_churn_and_retention_are_of_those_who_paid_at_the_start(app, year):
    lost = [row for row in report(app, year, "churn", "2026-03-01", "2026-04-01") if row["currency"] == "usd"]
    assert [(r["customers"], r["lost"], r["logo_churn"], r["churned"], r["revenue_churn"]) for r in lost] == [
        ("2", "1", "50.0 %", 10000, "90.9 %")
    ]
    kept = [
        row for row in report(app, year, "retention", "2026-02-01", "2026-04-01") if row["currency"] == "usd"
    ]
    assert [(r["start"], r["expansion"], r["churn"], r["end"], r["nrr"], r["grr"]) for r in kept] == [
        (5000, 6000, 0, 11000, "220.0 %", "100.0 %"),
        (11000, 1000, 10000, 2000, "18.2 %", "9.1 %"),
    ]
    for row in kept:
        assert row["start"] + row["expansion"] - row["contraction"] - row["churn"] == row["end"]


def test_cohorts_never_see_the_future(app, year):
    rows = report(app, year, "cohorts", "2026-01-01", "2026-05-20")
    assert [
        (r["cohort"], r["age"], r["retained"], r["share"], r["mrr"]) for r in rows if r["currency"] == "usd"
    ] == [
        ("2026-01", "0", "2", "100.0 %", 5000),
        ("2026-01", "1", "2", "100.0 %", 11000),
        ("2026-01", "2", "1", "50.0 %", 2000),
        ("2026-01", "3", "1", "50.0 %", 2000),
    ]


def test_an_account_brings_in_so_much_on_average_until_it_is_lost(app, year):
    rows = [row for row in report(app, year, "arpa", "2026-05-01", "2026-06-01") if row["currency"] == "usd"]
    assert [(row["customers"], row["mrr"], row["arpa"], row["arr"]) for row in rows] == [
        ("2", 4000, 2000, 48000)
    ]
    [row] = [row for row in report(app, year, "ltv", "2026-02-01", "2026-06-01") if row["currency"] == "usd"]
    # Of 2 + 2 + 1 + 1 customers at the starts of February to May one was lost.
    assert (row["lost"], row["monthly_churn"], row["ltv"]) == ("1", "16.67 %", 12000)


def test_inclusive_tax_is_no_recurring_revenue_and_neither_is_what_is_paused(app, world):
    world.at("2026-01-01")
    pro, vat = world.plan("Pro", usd=25), world.tax(25, inclusive=True)
    one = world.customer("Dan").subscribes_to(pro, default_tax_rates=[vat])
    world.at("2026-02-02")
    one.update(pause_collection={"behavior": "void"})
    rows = report(app, world, "mrr", "2026-01-01", "2026-03-01")
    assert [(row["end"], moved(row)) for row in rows] == [(2000, {"new": 2000}), (0, {"churn": -2000})]


def test_a_discount_of_the_customer_is_valued_with_the_subscriptions_of_its_day(
    app: App, world: World
) -> None:
    """All is read at the end: the second seat came later, and a second subscription was not there yet."""
    world.at("2026-01-10")
    dan, pro, half = (
        world.customer("Dan"),
        world.plan("Pro", usd=20),
        world.coupon(percent_off=50, duration="forever"),
    )
    one = dan.subscribes_to(pro)
    world.at("2026-02-10")
    granted(app, dan, coupon=half)
    world.at("2026-03-10")
    item = one.now["items"]["data"][0]["id"]
    one.update(items=[{"id": item, "quantity": 2}])
    dan.subscribes_to(pro)
    rows = report(app, world, "mrr", "2026-01-01", "2026-04-01")
    assert [(row["start"], row["end"]) for row in rows] == [(0, 2000), (2000, 1000), (1000, 3000)]


def test_a_discount_of_the_customer_counts_for_subscriptions_without_their_own(app, world):
    world.at("2026-01-01")
    dan = world.customer("Dan")
    dan.subscribes_to(world.plan("Pro", usd=20))
    world.at("2026-01-05")
    granted(app, dan, coupon=world.coupon(percent_off=10, duration="forever"))
    world.at("2026-02-05")
    world.delete("/v1/customers/" + dan.id + "/discount")
    rows = report(app, world, "mrr", "2026-01-01", "2026-03-01")
    assert [(row["end"], moved(row)) for row in rows] == [
        (1800, {"new": 2000, "contraction": -200}),
        (2000, {"expansion": 200}),
    ]


def test_a_plan_that_was_deleted_after_it_was_billed_still_counts(app: App, world: World) -> None:
    world.at("2026-01-10")
    old = world.post("/v1/plans", amount=3000, currency="usd", interval="month", product={"name": "Old"})[
        "id"
    ]
    never = world.post("/v1/plans", amount=900, currency="usd", interval="month", product={"name": "Never"})[
        "id"
    ]
    anna = world.customer("Anna")
    plan, trial = anna.subscribes_to(old), anna.subscribes_to(never, trial_period_days=60)
    world.at("2026-02-15")
    for one in (plan, trial):
        item = one.now["items"]["data"][0]["id"]
        one.update(items=[{"id": item, "price": world.plan("New", usd=20)}])
    for each in (old, never):
        world.api.delete(f"/v1/plans/{each}")
    january, february = report(app, world, "mrr", "2026-01-01", "2026-03-01")
    assert (january["end"], moved(february)) == (3000, {"contraction": -1000})
