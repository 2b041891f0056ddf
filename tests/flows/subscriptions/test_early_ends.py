"""What does a subscription say of its planned end, when it ends before that (§5.12)?"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.flows.conftest import Worlds
from tests.support.world import Customer, Subscription, World, moment, months, of, plans, seconds

Ending = Callable[[World, Customer, Subscription], Any]


def last_deletion(world: World) -> dict[str, Any]:
    """Return the subscription of the last `customer.subscription.deleted`."""
    [event] = world.get("/v1/events", type="customer.subscription.deleted", limit=1)["data"]
    found: dict[str, Any] = event["data"]["object"]
    return found


def is_canceled(world: World, anna: Customer, plan: Subscription) -> None:
    plan.cancels()


def is_canceled_with_an_invoice(world: World, anna: Customer, plan: Subscription) -> None:
    plan.cancels(invoice_now=True, prorate=True)


def loses_its_customer(world: World, anna: Customer, plan: Subscription) -> None:
    world.delete(f"/v1/customers/{anna.id}")


@pytest.mark.parametrize("ends", [is_canceled, is_canceled_with_an_invoice, loses_its_customer])
def test_what_ends_before_its_planned_end_did_not_end_with_its_period(world: World, ends: Ending) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Base", usd=20))
    plan.update(cancel_at_period_end=True)
    world.at("2025-01-11")
    ends(world, anna, plan)
    for shown in (plan.now, last_deletion(world)):
        assert (shown["status"], shown["cancel_at_period_end"]) == ("canceled", False)
        assert shown["ended_at"] == seconds("2025-01-11")


def test_what_ends_by_its_last_retry_did_not_end_with_its_period(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Base", usd=20))
    anna.pays_with("declining")
    world.at("2025-02-02")
    assert plan.update(cancel_at_period_end=True)["status"] == "past_due"
    world.at("2025-02-16")
    for shown in (plan.now, last_deletion(world)):
        assert shown["cancellation_details"]["reason"] == "payment_failed"
        assert (shown["status"], shown["cancel_at_period_end"]) == ("canceled", False)


def test_what_ends_with_its_canceled_schedule_did_not_end_with_its_period(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    schedule = plans(anna, {"items": of(world.plan("Base", usd=20)), "duration": months(3)})
    world.at("2025-01-02")
    schedule.subscription.update(cancel_at_period_end=True)
    world.at("2025-01-11")
    schedule.does("cancel")
    for shown in (schedule.subscription.now, last_deletion(world)):
        assert (shown["status"], shown["cancel_at_period_end"]) == ("canceled", False)


def test_a_first_payment_that_never_came_is_no_end_of_a_period(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card="declining")
    plan = anna.subscribes_to(world.plan("Base", usd=20), cancel_at_period_end=True)
    world.at("2025-01-02")
    assert (plan.status, plan.now["cancel_at_period_end"]) == ("incomplete_expired", False)


def test_what_ends_with_its_period_says_so(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Base", usd=20), cancel_at_period_end=True)
    world.at("2025-02-02")
    for shown in (plan.now, last_deletion(world)):
        assert (shown["status"], shown["cancel_at_period_end"]) == ("canceled", True)


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    planned=st.sampled_from([{}, {"cancel_at_period_end": True}, {"cancel_at": seconds("2025-01-20")}]),
    at=st.integers(1, 59 * 86400),
    ends=st.sampled_from([is_canceled, is_canceled_with_an_invoice, loses_its_customer]),
)
def test_it_canceled_at_the_end_of_a_period_only_if_it_ended_when_that_was_planned(
    worlds: Worlds, planned: dict[str, Any], at: int, ends: Ending
) -> None:
    world = worlds()
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Base", usd=20))
    plan.update(**planned, metadata={"planned": "yes"})
    world.at((moment("2025-01-01") + timedelta(seconds=at)).strftime("%Y-%m-%d %H:%M:%S"))
    if plan.status != "canceled":
        ends(world, anna, plan)
    now, told = plan.now, last_deletion(world)
    reached = "cancel_at_period_end" in planned and now["ended_at"] == seconds("2025-02-01")
    assert now["cancel_at_period_end"] == told["cancel_at_period_end"] == reached
