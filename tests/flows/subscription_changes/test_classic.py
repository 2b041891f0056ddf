"""A subscription billed in the classic way: what a change costs there, and when the period begins anew (§5.7,
§5.8, §5.17)."""

from typing import Any

import pytest

from tests.flows.subscription_changes.test_changes import amounts, item_of, pending, swap
from tests.support.world import Customer, Subscription, World, seconds

CLASSIC = {"type": "classic"}


def classic(world: World, price: Any, day: str = "2025-04-01", **more: Any) -> tuple[Customer, Subscription]:
    world.at(day)
    anna = world.customer("anna")
    return anna, anna.subscribes_to(price, billing_mode=CLASSIC, **more)


def replace(plan: Subscription, price: str, **more: Any) -> dict[str, Any]:
    """Delete the item of a subscription and add another one in the same request."""
    return plan.update(items=[{"id": item_of(plan), "deleted": True}, {"price": price}], **more)


def test_x41_a_credit_is_of_the_current_price_though_it_was_never_billed(world: World) -> None:
    """X98: what the invoice comes to below nothing is the customer's balance."""
    ten, twenty = world.plan("Ten", usd=10), world.plan("Twenty", usd=20)
    anna, plan = classic(world, ten)
    world.at("2025-04-11")
    swap(plan, twenty, proration_behavior="none")
    world.at("2025-04-21")
    swap(plan, ten, proration_behavior="always_invoice")
    anna.last_invoice.reads("""
        Unused time on Twenty after 21 Apr 2025    -6.67
        Remaining time on Ten after 21 Apr 2025    3.33
        Total -3.34                                paid""")
    assert anna.last_invoice.data["amount_due"] == 0
    assert world.get(f"/v1/customers/{anna.id}")["balance"] == -334


@pytest.mark.parametrize("behavior", ["create_prorations", "always_invoice"])
def test_another_interval_begins_a_period_that_is_billed_at_once(world: World, behavior: str) -> None:
    """§5.8.4: whatever is said of prorations, but `none`."""
    anna, plan = classic(world, world.plan("Monthly", usd=30))
    yearly = world.plan("Yearly", every="year", usd=300)
    world.at("2025-04-16")
    swap(plan, yearly, proration_behavior=behavior)
    anna.last_invoice.reads("""
        Unused time on Monthly after 16 Apr 2025   -15.00
        1 × Yearly (at $300.00 / year)             300.00
        Total 285.00                               paid""")
    assert anna.last_invoice.data["billing_reason"] == "subscription_update"
    assert plan.period == ("2025-04-16", "2026-04-16")
    assert pending(anna) == []


def test_another_interval_without_proration_is_billed_in_full_and_nothing_given_back(world: World) -> None:
    anna, plan = classic(world, world.plan("Monthly", usd=30))
    world.at("2025-04-16")
    swap(plan, world.plan("Yearly", every="year", usd=300), proration_behavior="none")
    anna.last_invoice.reads("""
        1 × Yearly (at $300.00 / year)   300.00
        Total 300.00                     paid""")
    assert plan.period == ("2025-04-16", "2026-04-16")


def test_from_nothing_to_a_price_begins_a_period_that_is_billed_at_once(world: World) -> None:
    """§5.8.5."""
    anna, plan = classic(world, world.plan("Free", usd=0))
    world.at("2025-04-16")
    swap(plan, world.plan("Pro", usd=30))
    assert anna.last_invoice.data["total"] == 3000
    assert anna.last_invoice.status == "paid"
    assert plan.period == ("2025-04-16", "2025-05-16")


def test_an_item_that_takes_the_place_of_another_with_another_interval_begins_a_period(world: World) -> None:
    """§5.8.4: Laravel Cashier's `swap` deletes the old item and adds the new one; discounts count."""
    half = world.coupon(percent_off=50, duration="forever")
    anna, plan = classic(world, world.plan("Monthly", usd=30), discounts=[{"coupon": half}])
    yearly = world.plan("Yearly", every="year", usd=300)
    world.at("2025-04-16")
    replace(plan, yearly, trial_end="now", cancel_at_period_end=False)
    anna.last_invoice.reads("""
        Unused time on Monthly after 16 Apr 2025   -7.50
        1 × Yearly (at $300.00 / year)             300.00
        Total 142.50                               paid""")
    assert anna.last_invoice.data["billing_reason"] == "subscription_update"
    assert plan.now["billing_cycle_anchor"] == seconds("2025-04-16")
    assert plan.period == ("2025-04-16", "2026-04-16")
    assert pending(anna) == []


def test_an_item_that_costs_something_in_place_of_a_free_one_begins_a_period(world: World) -> None:
    """§5.8.5."""
    anna, plan = classic(world, world.plan("Free", usd=0))
    world.at("2025-04-16")
    replace(plan, world.plan("Pro", usd=30))
    assert (anna.last_invoice.data["total"], anna.last_invoice.status) == (3000, "paid")
    assert plan.period == ("2025-04-16", "2025-05-16")


def test_an_item_that_is_added_to_free_ones_begins_a_period(world: World) -> None:
    """§5.5: the subscription was free, and is not any more."""
    anna, plan = classic(world, world.plan("Free", usd=0))
    world.at("2025-04-16")
    plan.update(items=[{"price": world.plan("Extra", usd=30)}])
    assert anna.last_invoice.data["total"] == 3000
    assert plan.period == ("2025-04-16", "2025-05-16")


def test_one_free_item_of_several_that_costs_something_keeps_the_period(world: World) -> None:
    """§5.5: the subscription was not free."""
    world.at("2025-04-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Free", usd=0), world.plan("Base", usd=10), billing_mode=CLASSIC)
    free = next(item["id"] for item in plan.now["items"]["data"] if item["price"]["unit_amount"] == 0)
    world.at("2025-04-16")
    plan.update(items=[{"id": free, "price": world.plan("Pro", usd=30)}])
    assert amounts(pending(anna)) == [0, 1500]
    assert plan.period == ("2025-04-01", "2025-05-01")


def test_a_quantity_of_none_that_becomes_some_keeps_the_period(world: World) -> None:
    """§5.8.1."""
    anna, plan = classic(world, {"price": world.plan("Seat", usd=30), "quantity": 0})
    world.at("2025-04-16")
    plan.update(items=[{"id": item_of(plan), "quantity": 2}])
    assert amounts(pending(anna)) == [3000]
    assert plan.period == ("2025-04-01", "2025-05-01")


def test_in_flexible_it_does_not(world: World) -> None:
    """§5.8.5."""
    world.at("2025-04-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Free", usd=0))
    world.at("2025-04-16")
    swap(plan, world.plan("Pro", usd=30))
    assert amounts(pending(anna)) == [0, 1500]
    assert plan.period == ("2025-04-01", "2025-05-01")


def test_the_anchor_reset_to_now_is_billed_at_once(world: World) -> None:
    """§5.8.6: the rest is given back, and a full period begins."""
    anna, plan = classic(world, world.plan("Base", usd=30))
    world.at("2025-04-16")
    plan.update(billing_cycle_anchor={"type": "now"})
    anna.last_invoice.reads("""
        Unused time on Base after 16 Apr 2025   -15.00
        1 × Base (at $30.00 / month)            30.00
        Total 15.00                             paid""")
    assert plan.period == ("2025-04-16", "2025-05-16")


def test_the_use_of_a_removed_item_is_dropped(world: World) -> None:
    """§5.17."""
    world.at("2025-01-01")
    anna = world.customer("anna")
    calls = world.metered("Calls", world.meter("calls"), cents="100")
    plan = anna.subscribes_to(calls, world.plan("Base", usd=10), billing_mode=CLASSIC)
    world.at("2025-01-16")
    anna.uses("calls", 7, "2025-01-15")
    plan.update(items=[{"id": item_of(plan), "deleted": True}])
    world.at("2025-02-01 01:00")
    assert anna.last_invoice.data["total"] == 1000


def test_a_quantity_is_credited_at_the_current_quantity_and_debited_at_the_new(world: World) -> None:
    anna, plan = classic(world, {"price": world.plan("Seat", usd=30), "quantity": 4})
    world.at("2025-04-11")
    plan.update(items=[{"id": item_of(plan), "quantity": 1}], proration_behavior="none")
    world.at("2025-04-16")
    plan.update(items=[{"id": item_of(plan), "quantity": 2}])
    assert amounts(pending(anna)) == [-1500, 3000]
    world.at("2025-05-01 01:00")
    assert anna.last_invoice.data["total"] == 1500 + 6000


def test_intervals_are_not_mixed_and_it_is_not_paused(world: World) -> None:
    """§5.17."""
    _, plan = classic(world, world.plan("Monthly", usd=30))
    yearly = world.plan("Yearly", every="year", usd=300)
    refused = world.refused(f"/v1/subscriptions/{plan.id}", items=[{"price": yearly}])
    assert "interval" in refused["message"]
    assert world.refused(f"/v1/subscriptions/{plan.id}/pause")["type"] == "invalid_request_error"


def test_one_that_ends_gives_back_its_rest_at_the_current_price(world: World) -> None:
    anna, plan = classic(world, world.plan("Ten", usd=10))
    world.at("2025-04-11")
    swap(plan, world.plan("Twenty", usd=20), proration_behavior="none")
    world.at("2025-04-16")
    plan.cancels(prorate=True)
    assert amounts(pending(anna)) == [-1000]
