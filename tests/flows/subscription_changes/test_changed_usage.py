"""Measured use, when its price changes, its item goes, or its period is cut (§5.17, X28, X29)."""

import pytest

from tests.flows.subscription_changes.test_changes import item_of, swap
from tests.support.world import Customer, Subscription, World

LINES = {
    "flexible": """
        1000 × Calls (at $0.10 / month)   1.00
        500 × Calls (at $0.15 / month)    0.75
        Total 1.75                        paid""",
    "classic": """
        500 × Calls (at $0.15 / month)    0.75
        Total 0.75                        paid""",
}


@pytest.mark.parametrize(("id", "mode"), [("X28", "classic"), ("X29", "flexible")])
def test_another_price_in_mid_period(world: World, id: str, mode: str) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    meter = world.meter("calls")
    old = world.metered("Calls", meter, cents="10", per=100)
    new = world.metered("Calls", meter, cents="15", per=100)
    plan = anna.subscribes_to(old, billing_mode={"type": mode})
    world.at("2025-01-16")
    anna.uses("calls", 1000, "2025-01-15")
    swap(plan, new)
    world.at("2025-01-20")
    anna.uses("calls", 500, "2025-01-19")
    world.at("2025-02-01 01:00")
    anna.last_invoice.reads(LINES[mode])
    world.at("2025-03-01 01:00")
    anna.last_invoice.reads("""
        0 × Calls (at $0.15 / month)   0.00
        Total 0.00                     paid""")


def with_two(world: World) -> tuple[Customer, Subscription]:
    world.at("2025-01-01")
    anna = world.customer("anna")
    calls = world.metered("Calls", world.meter("calls"), cents="100")
    plan = anna.subscribes_to(calls, world.plan("Base", usd=10))
    world.at("2025-01-16")
    anna.uses("calls", 7, "2025-01-15")
    return anna, plan


def test_of_a_removed_item_it_is_billed_with_the_next_invoice(world: World) -> None:
    anna, plan = with_two(world)
    plan.update(items=[{"id": item_of(plan), "deleted": True}])
    anna.uses("calls", 5, "2025-01-16")  # late, or after: from the very instant on it is no use of the item
    world.at("2025-02-01 00:30")
    anna.uses("calls", 2, "2025-01-14")  # while the draft stands, a late event still counts
    world.at("2025-02-01 01:00")
    anna.last_invoice.reads("""
        9 × Calls (at $1.00 / month)   9.00
        1 × Base (at $10.00 / month)   10.00
        Total 19.00                    paid""")


def test_of_a_removed_item_it_is_dropped_where_that_is_wished(world: World) -> None:
    anna, plan = with_two(world)
    plan.update(items=[{"id": item_of(plan), "deleted": True, "clear_usage": True}])
    world.at("2025-02-01 01:00")
    assert anna.last_invoice.data["total"] == 1000


def test_it_is_billed_at_once_when_the_anchor_moves_and_is_invoiced(world: World) -> None:
    anna, plan = with_two(world)
    plan.update(billing_cycle_anchor={"type": "now"}, proration_behavior="always_invoice")
    anna.last_invoice.reads("""
        Unused time on Base after 16 Jan 2025   -5.16
        7 × Calls (at $1.00 / month)            7.00
        1 × Base (at $10.00 / month)            10.00
        Total 11.84                             paid""")


def test_outstanding_it_is_billed_when_the_subscription_ends(world: World) -> None:
    anna, plan = with_two(world)
    plan.update(items=[{"id": item_of(plan), "deleted": True}])
    world.at("2025-01-20")
    plan.cancels(invoice_now=True)
    world.at("2025-01-20 01:00")
    assert anna.last_invoice.data["total"] == 700


def test_of_two_items_on_one_meter_each_counts_all_of_it(world: World) -> None:
    """A meter is counted for each item that is priced by it."""
    world.at("2025-01-01")
    anna = world.customer("anna")
    meter = world.meter("calls")
    anna.subscribes_to(
        world.metered("Calls", meter, cents="100"), world.metered("Support", meter, cents="10")
    )
    world.at("2025-01-16")
    anna.uses("calls", 7, "2025-01-15")
    world.at("2025-02-01 01:00")
    anna.last_invoice.reads("""
        7 × Calls (at $1.00 / month)     7.00
        7 × Support (at $0.10 / month)   0.70
        Total 7.70                       paid""")


@pytest.mark.parametrize("behavior", ["create_prorations", "none"])
def test_what_was_licensed_is_measured_from_the_change_on(world: World, behavior: str) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    meter = world.meter("calls")
    plan = anna.subscribes_to(world.plan("Base", usd=31))
    anna.uses("calls", 5, "2025-01-01")
    world.at("2025-01-11")
    swap(plan, world.metered("Calls", meter, cents="100"), proration_behavior=behavior)
    anna.uses("calls", 7, "2025-01-11")
    world.at("2025-02-01 01:00")
    credit = -2100 if behavior == "create_prorations" else 0
    assert anna.last_invoice.data["total"] == 700 + credit
    world.at("2025-02-11")
    swap(plan, world.plan("Other", usd=28), proration_behavior=behavior)
    world.at("2025-03-01 01:00")
    debit = 1800 if behavior == "create_prorations" else 0
    assert anna.last_invoice.data["total"] == 2800 + debit
