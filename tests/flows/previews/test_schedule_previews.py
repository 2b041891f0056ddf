"""A preview shows what a schedule bills: as it is, changed, or not there yet (§7.8)."""

from typing import Any

import pytest

from tests.support.preview_checks import (
    advance,
    amounts,
    last_invoice_lines,
    lines_of,
    preview,
    refused_preview,
)
from tests.support.world import Customer, Schedule, World, moment, months, of, plans, seconds


def two_phases(world: World, **second: Any) -> tuple[Customer, Schedule, str, str]:
    world.at("2025-01-01")
    anna = world.customer("anna")
    basic, pro = world.plan("Basic", usd=10), world.plan("Pro", usd=30)
    plan = plans(
        anna, {"items": of(basic), "duration": months(1)}, {"items": of(pro), "duration": months(1), **second}
    )
    world.at("2025-01-20")
    return anna, plan, basic, pro


def test_of_a_schedule_the_coming_phase_is_shown(world: World) -> None:
    anna, plan, *_ = two_phases(world)
    shown = preview(world, schedule=plan.id)
    assert lines_of(shown) == [("1 × Pro (at $30.00 / month)", 3000)]
    assert preview(world, subscription=plan.subscription.id)["total"] == 3000
    assert shown["customer"] == anna.id
    world.at("2025-02-01 01:00")
    assert last_invoice_lines(anna) == lines_of(shown)


@pytest.mark.parametrize("behavior", ["always_invoice", "create_prorations", "none"])
def test_of_a_change_of_its_current_phase(world: World, behavior: str) -> None:
    anna, plan, _, pro = two_phases(world)
    start = seconds("2025-01-01")
    phases = [{"items": of({"price": pro, "quantity": 2}), "start_date": start, "duration": months(2)}]
    details = {"phases": phases, "proration_behavior": behavior, "end_behavior": "cancel"}
    shown = preview(world, schedule=plan.id, schedule_details=details)
    before = len(anna.invoices)
    plan.update(**details)
    if len(anna.invoices) == before:
        advance(world, int(moment("2025-02-01 01:00").timestamp()))
    assert last_invoice_lines(anna) == lines_of(shown)
    assert amounts(anna.last_invoice.now) == amounts(shown)


def test_a_phase_that_is_billed_when_it_begins_between_two_periods(world: World) -> None:
    anna, plan, basic, pro = two_phases(world)
    phases = [
        {"items": of(basic), "start_date": seconds("2025-01-01"), "end_date": seconds("2025-01-25")},
        {"items": of(pro), "duration": months(1), "proration_behavior": "always_invoice"},
    ]
    shown = preview(world, schedule=plan.id, schedule_details={"phases": phases})
    plan.update(phases=phases)
    world.at("2025-01-25 01:00")
    assert last_invoice_lines(anna) == lines_of(shown)


def test_of_a_schedule_that_is_not_there_yet_it_is_its_first_invoice(world: World) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=30)
    coupon, vat = world.coupon(percent_off=10, duration="once"), world.tax(20)
    setup = world.once("Setup", usd=50)
    phases = [
        {
            "items": of({"price": pro, "quantity": 2}),
            "start_date": "now",
            "duration": months(1),
            "add_invoice_items": [{"price": setup}],
            "default_tax_rates": [vat],
            "discounts": [{"coupon": coupon}],
        },
        {"items": of(pro), "duration": months(1)},
    ]
    shown = preview(world, customer=anna.id, schedule_details={"phases": phases})
    assert shown["total"] == round((6000 + 5000) * 0.9 * 1.2)
    assert world.get("/v1/subscription_schedules", customer=anna.id)["data"] == []
    del phases[0]["start_date"]
    plans(anna, *phases)
    assert last_invoice_lines(anna) == lines_of(shown)
    assert amounts(anna.last_invoice.now) == amounts(shown)


def test_one_that_starts_later_is_shown_as_it_starts(world: World) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=30)
    first = {"items": of(pro), "duration": months(2)}
    later = {**first, "start_date": seconds("2025-02-10")}
    shown = preview(world, customer=anna.id, schedule_details={"phases": [later]})
    assert shown["lines"]["data"][0]["period"]["start"] == seconds("2025-02-10")
    plan = plans(anna, first, start="2025-02-10")
    assert lines_of(preview(world, schedule=plan.id)) == lines_of(shown)
    world.at("2025-02-10")
    assert last_invoice_lines(anna) == lines_of(shown)


def test_a_plan_that_is_put_off_is_shown_from_its_start(world: World) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=30)
    plan = plans(anna, {"items": of(pro), "duration": months(2)}, start="2025-02-10")
    now = {"items": of({"price": pro, "quantity": 3}), "start_date": "now", "duration": months(1)}
    shown = preview(world, schedule=plan.id, schedule_details={"phases": [now]})
    plan.update(phases=[now])
    assert last_invoice_lines(anna) == lines_of(shown) == [("3 × Pro (at $30.00 / month)", 9000)]


def test_the_recurring_view_of_a_schedule_leaves_out_what_comes_once(world: World) -> None:
    world.at("2025-01-01")
    anna, pro, setup = world.customer("anna"), world.plan("Pro", usd=30), world.once("Setup", usd=50)
    phase = {"items": of(pro), "duration": months(3), "add_invoice_items": [{"price": setup}]}
    shown = preview(world, customer=anna.id, schedule_details={"phases": [phase]}, preview_mode="recurring")
    assert lines_of(shown) == [("1 × Pro (at $30.00 / month)", 3000)]


def test_a_schedule_that_has_ended_has_nothing_to_come(world: World) -> None:
    anna, plan, *_ = two_phases(world)
    plan.does("release")
    assert refused_preview(world, schedule=plan.id) == (404, "invoice_upcoming_none", None)
    assert preview(world, customer=anna.id)["total"] == 1000


def test_a_change_by_hand_is_shown_with_the_phase_that_follows_it(world: World) -> None:
    world.at("2025-01-01")
    anna, basic = world.customer("anna"), world.plan("Basic", usd=10)
    phase = {"items": of(basic), "duration": months(1)}
    plan = plans(anna, phase, phase)
    world.at("2025-01-20")
    [item] = plan.subscription.now["items"]["data"]
    half = [{"coupon": world.coupon(percent_off=50, duration="forever")}]
    details = {"items": [{"id": item["id"], "quantity": 4, "discounts": half}]}
    shown = preview(world, subscription=plan.subscription.id, subscription_details=details)
    plan.subscription.update(**details)
    world.at("2025-02-01 01:00")
    assert last_invoice_lines(anna) == lines_of(shown)
    assert amounts(anna.last_invoice.now) == amounts(shown)


def test_what_makes_no_sense_together_is_refused_by_name(world: World) -> None:
    anna, plan, basic, _ = two_phases(world)
    other = world.customer("berta")
    whose = {"schedule": plan.id, "subscription": plan.subscription.id}
    assert refused_preview(world, **whose) == (400, "parameters_exclusive", "schedule")
    details = {"subscription_details": {"cancel_now": True}}
    assert refused_preview(world, schedule=plan.id, **details) == (400, "parameters_exclusive", "schedule")
    assert refused_preview(world, schedule=plan.id, customer=other.id)[2] == "schedule"
    assert refused_preview(world, schedule="sub_sched_none")[1:] == ("resource_missing", "schedule")
    classic = {"billing_mode": {"type": "classic"}}
    assert (
        refused_preview(world, schedule=plan.id, schedule_details=classic)[2]
        == "schedule_details[billing_mode]"
    )
    bad = {"phases": [{"items": of("price_none"), "duration": months(1)}]}
    asked = refused_preview(world, customer=anna.id, schedule_details=bad)
    assert asked == (400, "resource_missing", "schedule_details[phases][0][items][0][price]")
    none = refused_preview(world, customer=anna.id, schedule_details={"end_behavior": "cancel"})
    assert none[2] == "schedule_details[phases]"
    missing = refused_preview(world, schedule=plan.id, schedule_details={"phases": [{"items": of(basic)}]})
    assert missing[2] == "schedule_details[phases][0][start_date]"
