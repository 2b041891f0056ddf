"""What if several periods are billed in advance (§5.16)?"""

from typing import Any

import pytest

from billow.app import App
from billow.ledger.balances import trial_balance
from tests.flows.subscription_terms.billing_in_advance import (
    APRIL,
    FEBRUARY,
    JANUARY,
    MARCH,
    billed_until,
    bills,
    item_of,
    lasting,
    lines,
    quarter,
    stamp,
    until,
    wait,
)
from tests.support.world import World


def test_the_first_invoice_has_a_line_for_each_period_and_renewals_wait(world: World) -> None:
    anna, plan, _ = quarter(world)
    assert bills(anna) == [[JANUARY, FEBRUARY, MARCH]]
    assert billed_until(plan) == ["2025-04-01"]
    world.forget()
    world.at("2025-02-01 02:00", expect=["customer.subscription.updated"])
    assert plan.period == ("2025-02-01", "2025-03-01")
    world.at("2025-03-01 02:00")
    assert len(anna.invoices) == 1
    world.at("2025-04-01 02:00")
    assert bills(anna)[1:] == [[APRIL]]
    assert billed_until(plan) == [None]


def test_a_schedule_is_shown_with_the_instant_that_it_means(world: World) -> None:
    _, plan, pro = quarter(world)
    [shown] = plan.now["billing_schedules"]
    assert shown.pop("key").isalnum()
    assert shown == {
        "applies_to": None,
        "bill_until": {
            "computed_timestamp": stamp("2025-04-01"),
            "duration": {"interval": "month", "interval_count": 3},
            "timestamp": None,
            "type": "duration",
        },
    }
    other = world.customer("otto").subscribes_to(pro, billing_schedules=[until("2025-02-15", pro, key="q1")])
    assert other.now["billing_schedules"] == [
        {
            "key": "q1",
            "applies_to": [{"price": pro, "type": "price"}],
            "bill_until": {
                "computed_timestamp": stamp("2025-02-15"),
                "duration": None,
                "timestamp": stamp("2025-02-15"),
                "type": "timestamp",
            },
        }
    ]


def test_other_items_and_use_renew_as_usual(world: World) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=31)
    seats, calls = world.plan("Seats", usd=10), world.metered("Calls", world.meter("calls"), cents="2")
    plan = anna.subscribes_to(pro, seats, calls, billing_schedules=[until("2025-03-01", pro)])
    assert bills(anna) == [[JANUARY, FEBRUARY, (1000, "2025-01-01", "2025-02-01")]]
    assert sorted(map(str, billed_until(plan))) == ["2025-03-01", "None", "None"]
    world.at("2025-01-11")
    anna.uses("calls", 50, "2025-01-10")
    world.at("2025-02-01 02:00")
    assert bills(anna)[-1] == [(1000, "2025-02-01", "2025-03-01"), (100, "2025-01-01", "2025-02-01")]
    world.at("2025-03-01 02:00")
    assert bills(anna)[-1] == [MARCH, (1000, "2025-03-01", "2025-04-01"), (0, "2025-02-01", "2025-03-01")]


def test_billed_for_45_days_the_renewal_bills_the_rest_of_the_second_period(world: World) -> None:
    anna, plan, _ = quarter(world, billing_schedules=[until("2025-02-15")])
    assert bills(anna) == [[JANUARY, (1550, "2025-02-01", "2025-02-15")]]
    world.at("2025-02-01 02:00")
    assert bills(anna)[1:] == [[(1550, "2025-02-15", "2025-03-01")]]
    assert billed_until(plan) == [None]
    world.at("2025-03-01 02:00")
    assert bills(anna)[2:] == [[MARCH]]


def test_a_stub_and_what_has_gone_by_come_before_what_is_ahead(world: World) -> None:
    world.at("2025-01-11")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=31)
    anna.subscribes_to(pro, billing_cycle_anchor=stamp("2025-02-01"), billing_schedules=[until("2025-04-01")])
    assert bills(anna) == [[(2100, "2025-01-11", "2025-02-01"), FEBRUARY, MARCH]]
    otto = world.customer("otto")
    otto.subscribes_to(pro, backdate_start_date=stamp("2024-12-01"), billing_schedules=[until("2025-03-01")])
    assert bills(otto) == [[(3100, "2024-12-01", "2025-01-01"), JANUARY, FEBRUARY]]


def test_a_percentage_once_is_off_all_that_is_billed_in_advance(world: World) -> None:
    anna, _, _ = quarter(world, discounts=[{"coupon": world.coupon(percent_off=50, duration="once")}])
    assert anna.last_invoice.data["total"] == 4650
    wait(world, "2025-04-01 02:00")
    assert anna.last_invoice.data["total"] == 3100


def test_what_is_earned_is_earned_period_by_period(world: World, app: App) -> None:
    quarter(world)
    for when, left in (("2025-02-01", 6200), ("2025-03-01", 3100), ("2025-04-01", 3100)):
        world.at(f"{when} 03:00")
        with app.db.transaction(world.api.tenant) as tx:
            deferred = [-row.balance for row in trial_balance(tx) if row.account == "deferred_revenue"]
        assert deferred == [left]


# ------------------------------------------------------------------------------------- previews


def test_what_is_previewed_is_what_is_billed(world: World) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=31)
    details: dict[str, Any] = {"items": [{"price": pro}], "billing_schedules": [lasting(3)]}
    shown = world.post("/v1/invoices/create_preview", customer=anna.id, subscription_details=details)
    plan = anna.subscribes_to(pro, billing_schedules=[lasting(3)])
    assert lines(shown) == bills(anna)[0]
    further: dict[str, Any] = {"billing_schedules": [until("2025-05-01")]}
    shown = world.post("/v1/invoices/create_preview", subscription=plan.id, subscription_details=further)
    plan.update(**further)
    assert lines(shown) == bills(anna)[1] == [APRIL]


def test_the_next_invoice_is_that_of_the_first_period_that_is_not_billed(world: World) -> None:
    _, plan, _ = quarter(world)
    shown = world.post("/v1/invoices/create_preview", subscription=plan.id)
    assert lines(shown) == [APRIL]
    shown = world.post(
        "/v1/invoices/create_preview",
        subscription=plan.id,
        preview_mode="recurring",
        subscription_details={"items": [{"id": item_of(plan), "quantity": 2}]},
    )
    assert lines(shown) == [(6200, "2025-04-01", "2025-05-01")]


# ------------------------------------------------------------------------------------- what is refused


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"billing_schedules": [until("2025-01-20")]}, "billing_schedules[0][bill_until]"),
    ({"billing_schedules": [until("2026-01-02")]}, "billing_schedules[0][bill_until]"),
    ({"billing_schedules": [lasting(13)]}, "billing_schedules[0][bill_until]"),
    (
        {"billing_schedules": [lasting(3)], "cancel_at": stamp("2025-03-01")},
        "billing_schedules[0][bill_until]",
    ),
    ({"billing_schedules": [{"key": "a"}]}, "billing_schedules[0][bill_until]"),
    (
        {"billing_schedules": [{"bill_until": {"type": "duration"}}]},
        "billing_schedules[0][bill_until][duration]",
    ),
    (
        {"billing_schedules": [{"bill_until": {"type": "timestamp"}}]},
        "billing_schedules[0][bill_until][timestamp]",
    ),
    ({"billing_schedules": [lasting(2) | {"key": "a b"}]}, "billing_schedules[0][key]"),
    (
        {"billing_schedules": [lasting(2) | {"key": "a"}, lasting(3) | {"key": "a"}]},
        "billing_schedules[1][key]",
    ),
    ({"billing_schedules": [lasting(2)], "billing_mode": {"type": "classic"}}, "billing_schedules"),
    ({"billing_schedules": [lasting(2)], "trial_period_days": 7}, "billing_schedules"),
    ({"billing_schedules": [lasting(2)], "proration_behavior": "none"}, "proration_behavior"),
]


@pytest.mark.parametrize(("asked", "param"), WRONG)
def test_what_cannot_be_billed_in_advance_is_refused(world: World, asked: dict[str, Any], param: str) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=31)
    refused = world.refused("/v1/subscriptions", customer=anna.id, items=[{"price": pro}], **asked)
    assert (refused["status"], refused["param"]) == (400, param)
    assert anna.invoices == []


def test_use_cannot_be_billed_in_advance(world: World) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=31)
    calls = world.metered("Calls", world.meter("calls"), cents="2")
    form: dict[str, Any] = {"customer": anna.id, "items": [{"price": calls}]}
    refused = world.refused("/v1/subscriptions", **form, billing_schedules=[lasting(2)])
    assert refused["param"] == "billing_schedules"
    form["items"].append({"price": pro})
    refused = world.refused("/v1/subscriptions", **form, billing_schedules=[until("2025-03-01", pro, calls)])
    assert refused["param"] == "billing_schedules[0][applies_to][1][price]"


@pytest.mark.parametrize(
    "coupon", [{"amount_off": 100}, {"percent_off": 10, "duration": "repeating", "duration_in_months": 3}]
)
def test_only_percentages_once_or_forever_go_with_it(world: World, coupon: dict[str, Any]) -> None:
    world.at("2025-01-01")
    anna, pro, off = world.customer("anna"), world.plan("Pro", usd=31), [{"coupon": world.coupon(**coupon)}]
    form: dict[str, Any] = {"customer": anna.id, "items": [{"price": pro}], "discounts": off}
    refused = world.refused("/v1/subscriptions", **form, billing_schedules=[lasting(2)])
    assert refused["param"] == "discounts"
    plan = anna.subscribes_to(pro, billing_schedules=[lasting(2)])
    assert world.refused(f"/v1/subscriptions/{plan.id}", discounts=off)["param"] == "discounts"


def test_a_running_one_is_not_changed_without_proration_nor_planned(world: World) -> None:
    _, plan, _ = quarter(world)
    path = f"/v1/subscriptions/{plan.id}"
    change = {"items": [{"id": item_of(plan), "quantity": 2}], "proration_behavior": "none"}
    assert world.refused(path, **change)["param"] == "proration_behavior"
    waits = {"payment_behavior": "pending_if_incomplete", "billing_schedules": [lasting(4)]}
    assert world.refused(path, **waits)["param"] == "billing_schedules"
    refused = world.refused("/v1/subscription_schedules", from_subscription=plan.id)
    assert refused["param"] == "from_subscription"


def test_one_that_is_planned_is_not_billed_in_advance(world: World) -> None:
    _, plan, _ = quarter(world, billing_schedules=[])
    world.post("/v1/subscription_schedules", from_subscription=plan.id)
    refused = world.refused(f"/v1/subscriptions/{plan.id}", billing_schedules=[lasting(2)])
    assert refused["param"] == "billing_schedules"


def test_an_update_that_must_be_paid_bills_in_advance_only_then(world: World) -> None:
    anna, plan, _ = quarter(world, billing_schedules=[])
    anna.pays_with("declining")
    more = {"billing_schedules": [lasting(3)], "payment_behavior": "error_if_incomplete"}
    assert world.refused(f"/v1/subscriptions/{plan.id}", **more)["status"] == 402
    assert (billed_until(plan), plan.now["billing_schedules"]) == ([None], [])
    anna.pays_with("visa")
    plan.update(**more)
    assert (billed_until(plan), bills(anna)[-1]) == (["2025-04-01"], [FEBRUARY, MARCH])
    world.at("2025-02-01 02:00")
    assert bills(anna)[-1] == [FEBRUARY, MARCH]


def test_trial_offers_and_billing_in_advance_do_not_go_together(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    first, then = world.plan("First", every="day", count=7, usd=1), world.plan("Then", usd=20)
    offer = world.post(
        "/v1/product_catalog/trial_offers",
        price=first,
        duration={"type": "relative", "relative": {"iterations": 1}},
        end_behavior={"type": "transition", "transition": {"price": then}},
    )["id"]
    ahead = [{"bill_until": {"type": "duration", "duration": {"interval": "month", "interval_count": 2}}}]
    items = [{"price": first, "current_trial": {"trial_offer": offer}}]
    refused = world.refused("/v1/subscriptions", customer=anna.id, items=items, billing_schedules=ahead)
    assert refused["param"] == "billing_schedules"
    plan = anna.subscribes_to(world.plan("Base", usd=10), billing_schedules=ahead)
    refused = world.refused(f"/v1/subscriptions/{plan.id}", items=items)
    assert refused["param"] == "billing_schedules"
