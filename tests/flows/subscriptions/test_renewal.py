"""What happens at the end of a period, and when is that end (§10.3 F6, X63 to X66, X73)."""

from datetime import UTC, datetime

import pytest

from billow.app import App
from billow.flows.subscriptions import renew
from tests.support.world import OPENED, PAID, RENEWED, Subscription, World, moment


def test_a_renewal_is_a_draft_for_an_hour_and_then_paid(world: World) -> None:
    world.at("2025-01-01 09:30")
    pro = world.plan("Pro", usd=20)
    anna = world.customer("anna")
    plan = anna.subscribes_to(pro)
    world.at("2025-02-01 09:29:59")
    world.at("2025-02-01 09:30", expect=RENEWED)
    assert plan.period == ("2025-02-01", "2025-03-01")
    assert anna.last_invoice.status == "draft"
    assert anna.last_invoice.data["number"] is None
    world.at("2025-02-01 10:29:59", expect=[])
    world.at("2025-02-01 10:30", expect=[*OPENED, *PAID])
    renewal = anna.last_invoice.data
    assert (renewal["status"], renewal["billing_reason"]) == ("paid", "subscription_cycle")
    # The invoice's period is the one that ended, its line's the one that begins.
    assert renewal["period_start"] == moment("2025-01-01 09:30").timestamp()
    assert renewal["lines"]["data"][0]["period"]["end"] == moment("2025-03-01 09:30").timestamp()
    assert renewal["attempt_count"] == 1


def test_an_advance_that_ends_on_the_renewal_leaves_the_draft_standing(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Pro", usd=20))
    world.at("2025-02-01")
    assert [invoice.data["status"] for invoice in anna.invoices] == ["paid", "draft"]


def ends(world: World, plan: Subscription, steps: list[str]) -> list[str]:
    found = []
    for step in steps:
        world.at(step)
        found.append(plan.period[1])
    return found


def test_a_subscription_of_the_31st_ends_with_each_month_all_year(world: World) -> None:
    world.at("2025-01-31")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=20))
    days = [
        "2025-02-28",
        "2025-03-31",
        "2025-04-30",
        "2025-05-31",
        "2025-06-30",
        "2025-07-31",
        "2025-08-31",
        "2025-09-30",
        "2025-10-31",
        "2025-11-30",
        "2025-12-31",
        "2026-01-31",
    ]
    assert plan.period[1] == days[0]
    assert ends(world, plan, [f"{day} 01:00" for day in days]) == [*days[1:], "2026-02-28"]
    assert len(anna.invoices) == 13
    assert [invoice.data["number"][-4:] for invoice in anna.invoices] == [f"{n:04}" for n in range(1, 14)]


def test_a_yearly_subscription_of_a_leap_day_returns_to_it(world: World) -> None:
    world.at("2024-02-29")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", every="year", usd=200))
    assert plan.period == ("2024-02-29", "2025-02-28")
    steps = ["2025-02-28 01:00", "2026-02-28 01:00", "2027-02-28 01:00", "2028-02-29 01:00"]
    assert ends(world, plan, steps) == ["2026-02-28", "2027-02-28", "2028-02-29", "2029-02-28"]


def test_a_weekly_plan_keeps_its_day_of_the_week(world: World) -> None:
    world.at("2022-06-03")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", every="week", usd=5))
    for _ in range(4):
        end = plan.now["items"]["data"][0]["current_period_end"]
        at = datetime.fromtimestamp(end, UTC)
        assert at.strftime("%A") == "Friday"
        world.at(f"{at:%Y-%m-%d} 02:00")
    assert len(anna.invoices) == 5


def test_monthly_and_yearly_items_meet_once_a_year_on_one_invoice(world: World) -> None:
    world.at("2025-01-15")
    monthly, yearly = world.plan("Monthly", usd=10), world.plan("Yearly", every="year", usd=100)
    anna = world.customer("anna")
    anna.subscribes_to(monthly, yearly)
    for month in range(2, 13):
        world.at(f"2025-{month:02}-15 01:00")
    world.at("2026-01-15 01:00")
    totals = [invoice.data["total"] for invoice in anna.invoices]
    assert totals == [11000, *[1000] * 11, 11000]
    anna.last_invoice.reads("""
        1 × Monthly (at $10.00 / month)   10.00
        1 × Yearly (at $100.00 / year)    100.00
        Total 110.00                      paid""")


def test_items_of_one_two_and_three_months_are_due_as_their_periods_end(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(*[world.plan(f"Every {count}", count=count, usd=count) for count in (1, 2, 3)])
    for month in range(2, 8):
        world.at(f"2025-{month:02}-01 01:00")
    assert [invoice.data["total"] for invoice in anna.invoices] == [600, 100, 300, 400, 300, 100, 600]


def test_a_renewal_that_is_run_twice_bills_once(world: World, app: App) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=20))
    world.at("2025-02-01 01:00")
    for _ in range(2):
        with app.db.transaction(
            world.api.tenant, now=moment("2025-02-01 01:00"), clock=world.clock or ""
        ) as tx:
            renew.renew(tx, [plan.id])
    world.check_events([])
    assert len(anna.invoices) == 2


def test_two_customers_have_a_number_series_each(world: World) -> None:
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    anna, ben = world.customer("anna"), world.customer("ben", invoice_prefix="RKTRIDE")
    anna.subscribes_to(pro)
    ben.subscribes_to(pro)
    world.at("2025-02-01 01:00")
    assert [invoice.data["number"] for invoice in ben.invoices] == ["RKTRIDE-0001", "RKTRIDE-0002"]
    prefix = anna.now["invoice_prefix"]
    assert [invoice.data["number"] for invoice in anna.invoices] == [f"{prefix}-0001", f"{prefix}-0002"]


@pytest.mark.parametrize(
    ("currency", "price", "minor"), [("jpy", 500, 500), ("kwd", "1.250", 1250), ("eur", "9.99", 999)]
)
def test_amounts_are_minor_units_of_their_currency(
    world: World, currency: str, price: str, minor: int
) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Pro", **{currency: price}))
    world.at("2025-02-01 01:00")
    assert [(i.data["amount_paid"], i.data["currency"]) for i in anna.invoices] == [(minor, currency)] * 2
