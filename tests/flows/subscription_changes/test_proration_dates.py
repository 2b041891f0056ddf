"""A date from which prorations count is refused where nothing could count from it (§5.6)."""

from typing import Any

import pytest

from tests.flows.subscription_changes.test_changes import amounts, item_of, pending
from tests.support.world import Customer, Subscription, World, seconds

DATE = seconds("2025-04-11")
USELESS = [{"billing_cycle_anchor": {"type": "now"}}, {"proration_behavior": "none"}]


def running(world: World) -> tuple[Customer, Subscription]:
    world.at("2025-04-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Seat", usd=30), world.plan("Base", usd=10))
    world.at("2025-04-16")
    return anna, plan


@pytest.mark.parametrize("how", USELESS)
@pytest.mark.parametrize("changes", [True, False])
def test_an_update_refuses_a_date_that_it_cannot_use(
    world: World, how: dict[str, Any], changes: bool
) -> None:
    anna, plan = running(world)
    items = [{"id": item_of(plan), "quantity": 2}] if changes else None
    error = world.refused(f"/v1/subscriptions/{plan.id}", items=items, proration_date=DATE, **how)
    assert (error["status"], error["param"]) == (400, "proration_date")
    assert pending(anna) == [] and len(anna.invoices) == 1


def test_a_change_of_one_item_refuses_a_date_that_it_cannot_use(world: World) -> None:
    anna, plan = running(world)
    item, more = item_of(plan), {"proration_date": DATE, "proration_behavior": "none"}
    extra = world.plan("Extra", usd=5)
    refusals = [
        world.refused(f"/v1/subscription_items/{item}", quantity=2, **more),
        world.refused("/v1/subscription_items", subscription=plan.id, price=extra, **more),
        world.api.delete(f"/v1/subscription_items/{item}", more)["error"],
    ]
    assert [error["param"] for error in refusals] == ["proration_date"] * 3
    assert len(plan.now["items"]["data"]) == 2 and pending(anna) == []


@pytest.mark.parametrize("how", USELESS)
def test_a_resumption_refuses_a_date_that_it_cannot_use(world: World, how: dict[str, Any]) -> None:
    _, plan = running(world)
    world.post(f"/v1/subscriptions/{plan.id}/pause", type="subscription")
    form = {"billing_cycle_anchor": {"type": "unchanged"}, "proration_date": seconds("2025-04-21"), **how}
    error = world.refused(f"/v1/subscriptions/{plan.id}/resume", **form)
    assert (error["status"], error["param"]) == (400, "proration_date")
    assert plan.status == "paused"


def test_a_date_that_can_be_used_is(world: World) -> None:
    anna, plan = running(world)
    item = next(item["id"] for item in plan.now["items"]["data"] if item["price"]["unit_amount"] == 3000)
    plan.update(
        items=[{"id": item, "quantity": 2}], billing_cycle_anchor={"type": "unchanged"}, proration_date=DATE
    )
    assert amounts(pending(anna)) == [-2000, 4000]
