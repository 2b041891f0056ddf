"""Which events are emitted days in advance, and when are they not emitted any more (§10.3 F6, §7.11)?"""

from dataclasses import replace
from typing import Any

import pytest

from billow import commands
from billow.core.errors import Refused
from tests.flows.subscription_changes.test_changes import item_of
from tests.support.preview_checks import preview
from tests.support.world import Customer, Subscription, World, day, months, of, plans, seconds


def told(world: World, type: str = "invoice.upcoming") -> list[dict[str, Any]]:
    """The events of a type, the oldest first."""
    return list(reversed(world.get("/v1/events", type=type, limit=100)["data"]))


def days(world: World, type: str = "invoice.upcoming") -> list[str]:
    return [day(event["created"]) for event in told(world, type)]


def setting(world: World, *, upcoming: int | None = None, will_be_due: int | None = None) -> None:
    commands.set_account(replace(world.api.app, account=world.api.account), upcoming, will_be_due, "")


def monthly(world: World, **more: Any) -> tuple[Customer, Subscription]:
    world.at("2025-01-01")
    anna = world.customer("anna")
    calls = world.metered("Calls", world.meter("calls"), cents="100")
    return anna, anna.subscribes_to({"price": world.plan("Seat", usd=15), "quantity": 2}, calls, **more)


def test_an_invoice_is_told_a_week_before_it_is_made_as_it_would_be_then(world: World, contract: Any) -> None:
    anna, plan = monthly(world)
    world.at("2025-01-20")
    anna.uses("calls", 3, "2025-01-19")
    world.at("2025-01-25")
    shown = preview(world, subscription=plan.id)
    assert days(world) == ["2025-01-25"]
    world.at("2025-02-25")
    first, second = (event["data"]["object"] for event in told(world))
    assert days(world) == ["2025-01-25", "2025-02-22"]
    assert "id" not in first and first["object"] == "invoice"
    assert contract.problems({**first, "id": "upcoming_in_1"}) == []
    assert first["total"] == shown["total"] == 3300
    assert first["parent"]["subscription_details"]["subscription"] == plan.id
    assert (first["status"], first["number"], second["total"]) == ("draft", None, 3000)
    assert [line["period"] for line in first["lines"]["data"]] == [
        line["period"] for line in shown["lines"]["data"]
    ]
    thin = world.get("/v2/core/events", types=["v1.invoice.upcoming"])["data"]
    assert thin[0]["related_object"] is None


def test_a_trial_that_ends_is_announced_with_what_begins(world: World) -> None:
    _, _ = monthly(world, trial_end=seconds("2025-01-20"))
    world.at("2025-01-14")
    [event] = told(world)
    assert (day(event["created"]), event["data"]["object"]["total"]) == ("2025-01-13", 3000)


def test_a_change_in_the_last_days_is_not_told_again_and_an_earlier_one_is_shown(world: World) -> None:
    _, plan = monthly(world)
    world.at("2025-01-20")
    plan.update(items=[{"id": item_of(plan), "quantity": 4}], proration_behavior="none")
    world.at("2025-01-27")
    plan.update(items=[{"id": item_of(plan), "quantity": 5}], proration_behavior="none")
    world.at("2025-02-10")
    [event] = told(world)
    assert (day(event["created"]), event["data"]["object"]["total"]) == ("2025-01-25", 6000)


def test_the_phase_to_come_is_what_is_announced(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    basic, pro = world.plan("Basic", usd=10), world.plan("Pro", usd=30)
    plans(anna, {"items": of(basic), "duration": months(1)}, {"items": of(pro), "duration": months(1)})
    world.at("2025-01-26")
    [event] = told(world)
    assert event["data"]["object"]["total"] == 3000


@pytest.mark.parametrize("how", ["canceled", "ends", "paused", "deleted"])
def test_what_is_not_renewed_is_not_announced(world: World, how: str) -> None:
    anna, plan = monthly(world)
    world.at("2025-01-10")
    if how == "canceled":
        plan.cancels()
    elif how == "ends":
        plan.update(cancel_at_period_end=True)
    elif how == "paused":
        world.post(f"/v1/subscriptions/{plan.id}/pause")
    else:
        world.delete(f"/v1/customers/{anna.id}")
    world.at("2025-02-10")
    assert days(world) == []


def test_a_period_that_is_no_longer_than_the_notice_is_not_announced(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Week", every="week", usd=5))
    world.at("2025-01-14")
    assert days(world) == []


def test_an_account_says_how_many_days_ahead_it_is_told(world: World) -> None:
    setting(world, upcoming=3)
    monthly(world)
    setting(world, upcoming=0)
    world.at("2025-01-30")
    world.at("2025-02-27")
    assert days(world) == ["2025-01-29"]


def test_so_many_days_cannot_be(world: World) -> None:
    with pytest.raises(Refused, match="0 \\(never\\) to 45"):
        setting(world, upcoming=46)


# ------------------------------------------------------------------------------------- what will be due


def sent(world: World, days_until_due: int) -> Any:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.owes(5000)
    invoice = anna.bills(collection_method="send_invoice", days_until_due=days_until_due)
    invoice.does("send")
    return invoice


def test_an_invoice_that_was_sent_is_told_before_and_when_it_is_due(world: World) -> None:
    invoice = sent(world, 14)
    world.at("2025-01-20")
    assert days(world, "invoice.will_be_due") == ["2025-01-12"]
    assert days(world, "invoice.overdue") == ["2025-01-15"]
    [event] = told(world, "invoice.will_be_due")
    assert (event["data"]["object"]["id"], event["data"]["object"]["status"]) == (invoice.data["id"], "open")


@pytest.mark.parametrize("verb", ["pay", "void", "mark_uncollectible"])
def test_what_is_settled_will_not_be_due(world: World, verb: str) -> None:
    invoice = sent(world, 14)
    how = {"paid_out_of_band": True} if verb == "pay" else {}
    invoice.does(verb, **how)
    world.at("2025-01-20")
    assert days(world, "invoice.will_be_due") == days(world, "invoice.overdue") == []


def test_what_is_due_sooner_than_the_notice_is_told_when_it_is_overdue_only(world: World) -> None:
    sent(world, 3)
    world.at("2025-01-20")
    assert days(world, "invoice.will_be_due") == []
    assert days(world, "invoice.overdue") == ["2025-01-04"]


def test_an_account_says_how_many_days_before_the_due_date(world: World) -> None:
    setting(world, will_be_due=10)
    sent(world, 14)
    world.at("2025-01-20")
    assert days(world, "invoice.will_be_due") == ["2025-01-05"]
