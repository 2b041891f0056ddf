"""How does a schedule end, and what becomes of its subscription (§6)?"""

from typing import Any

import pytest

from tests.support.world import RENEWED, World, months, of, plans, seconds


def test_at_its_end_a_schedule_releases_the_subscription_as_it_is(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    plan = plans(anna, {"items": of(gold), "duration": months(1), "description": "Kept"})
    id = plan.now["subscription"]
    world.at("2025-01-24 23:59:59")
    world.at("2025-01-25", expect=["subscription_schedule.expiring"])
    world.at(
        "2025-02-01", expect=["customer.subscription.updated", "subscription_schedule.released", *RENEWED]
    )
    now = plan.now
    assert (now["status"], now["released_at"]) == ("released", seconds("2025-02-01"))
    assert (now["subscription"], now["released_subscription"], now["current_phase"]) == (None, id, None)
    after = plan.subscription.now
    assert (after["status"], after["schedule"], after["description"]) == ("active", None, "Kept")


def test_with_cancel_the_subscription_ends_with_the_last_phase_and_says_so_before(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    phase = {"items": of(gold), "duration": months(1)}
    plan = plans(anna, phase, phase, end_behavior="cancel")
    assert plan.subscription.now["cancel_at"] is None
    world.at("2025-02-01 01:00")
    assert plan.subscription.now["cancel_at"] == seconds("2025-03-01")
    world.at("2025-02-28")
    world.at("2025-03-01", expect=["subscription_schedule.completed", "customer.subscription.deleted"])
    now = plan.now
    assert (now["status"], now["completed_at"], now["current_phase"]) == (
        "completed",
        seconds("2025-03-01"),
        None,
    )
    assert plan.subscription.status == "canceled"
    assert len(anna.invoices) == 2


def test_an_end_between_two_periods_bills_only_what_is_left(world: World) -> None:
    world.at("2025-04-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    plan = plans(anna, {"items": of(gold), "end_date": seconds("2025-05-16 12:00")}, end_behavior="cancel")
    world.at("2025-05-01 01:00")
    assert anna.last_invoice.data["total"] == 500
    world.at("2025-05-16 12:00")
    assert (plan.status, plan.subscription.status) == ("completed", "canceled")


def test_a_release_drops_the_planned_end_unless_it_is_to_be_kept(world: World) -> None:
    world.at("2025-04-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    ends = {"items": of(gold), "end_date": seconds("2025-06-01")}
    kept, dropped = (plans(anna, ends, end_behavior="cancel") for _ in range(2))
    world.forget()
    kept.does("release", preserve_cancel_date=True)
    world.check_events(["customer.subscription.updated", "subscription_schedule.released"])
    dropped.does("release")
    assert kept.subscription.now["cancel_at"] == seconds("2025-06-01")
    assert dropped.subscription.now["cancel_at"] is None
    assert dropped.subscription.now["cancellation_details"]["reason"] is None
    refusal = world.refused(f"/v1/subscription_schedules/{kept.id}/release")
    assert refusal["status"] == 400 and "`released` status" in refusal["message"]
    world.at("2025-05-15")
    world.at("2025-06-01 01:00")
    assert (kept.subscription.status, dropped.subscription.status) == ("canceled", "active")


@pytest.mark.parametrize(("how", "total", "waiting"), [
    ({}, -500, []),
    ({"invoice_now": False}, None, [-500]),
    ({"prorate": False}, None, []),
])  # fmt: skip
def test_canceling_a_schedule_cancels_its_subscription_and_gives_back_what_is_unused(
    world: World, how: dict[str, Any], total: int | None, waiting: list[int]
) -> None:
    world.at("2025-04-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    plan = plans(anna, {"items": of(gold), "duration": months(3)})
    world.at("2025-04-16")
    plan.does("cancel", **how)
    assert {"customer.subscription.deleted", "subscription_schedule.canceled"} <= set(world.emitted())
    assert (plan.status, plan.subscription.status) == ("canceled", "canceled")
    assert plan.now["canceled_at"] == seconds("2025-04-16")
    pending = world.get("/v1/invoiceitems", customer=anna.id, pending=True)["data"]
    assert [item["amount"] for item in pending] == waiting
    assert [invoice.data["total"] for invoice in anna.invoices][1:] == ([] if total is None else [total])
    world.at("2025-08-01")
    assert plan.status == "canceled"


@pytest.mark.parametrize("verb", ["cancel", "release"])
def test_what_has_not_started_is_called_off_without_a_subscription(world: World, verb: str) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    plan = plans(anna, {"items": of(gold)}, start="2025-02-01")
    world.forget()
    told = {"cancel": "canceled", "release": "released"}[verb]
    assert plan.does(verb)["status"] == told
    world.check_events([f"subscription_schedule.{told}"])
    world.at("2025-03-01", expect=[])
    assert plan.now["released_subscription"] is None


def test_a_subscription_that_is_canceled_takes_its_schedule_with_it(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    plan = plans(anna, {"items": of(gold), "duration": months(3)})
    world.forget()
    plan.subscription.cancels()
    world.check_events(["invoice.updated", "customer.subscription.deleted", "subscription_schedule.canceled"])
    assert plan.status == "canceled"


def test_a_schedule_whose_subscription_nobody_pays_is_aborted(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna", card="declining"), world.plan("Gold", usd=10)
    plan = plans(anna, {"items": of(gold), "duration": months(6)})
    world.at("2025-01-01 02:00")
    assert plan.subscription.status == "past_due"
    world.at("2025-02-15")
    assert (plan.status, plan.subscription.status) == ("canceled", "canceled")
    told = world.get("/v1/events", type="subscription_schedule.aborted")["data"]
    assert [event["data"]["object"]["id"] for event in told] == [plan.id]
