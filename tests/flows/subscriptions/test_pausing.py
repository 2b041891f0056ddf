"""A subscription is paused: what is given back, what is billed, and who is told (§5.13)."""

from typing import Any

import pytest

from tests.support.world import Customer, Subscription, World, moment

CHANGED, PAUSED, RESUMED = (f"customer.subscription.{word}" for word in ("updated", "paused", "resumed"))


def seconds(when: str) -> int:
    return int(moment(when).timestamp())


def subscribed(world: World, **more: Any) -> tuple[Customer, Subscription]:
    """Anna has Pro for $28 a month, from the first of January."""
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=28), **more)
    world.at("2025-01-31")
    world.at("2025-02-01 01:00")
    return anna, plan


def does(plan: Subscription, verb: str, **how: Any) -> dict[str, Any]:
    return plan.world.post(f"/v1/subscriptions/{plan.id}/{verb}", **how)


def refused(plan: Subscription, verb: str, **how: Any) -> dict[str, Any]:
    error = plan.world.refused(f"/v1/subscriptions/{plan.id}/{verb}", **how)
    assert error["status"] == 400
    return error


def pending(anna: Customer) -> list[tuple[str, int]]:
    items = anna.world.get("/v1/invoiceitems", customer=anna.id, pending=True)["data"]
    return [(item["description"], item["amount"]) for item in items]


def paused(world: World, **how: Any) -> tuple[Customer, Subscription]:
    anna, plan = subscribed(world)
    world.at("2025-02-08")
    does(plan, "pause", **how)
    return anna, plan


def test_a_paused_subscription_is_not_renewed_and_its_unused_time_is_given_back(world: World) -> None:
    anna, plan = subscribed(world)
    world.at("2025-02-08")
    answer = does(plan, "pause")
    world.check_events(["invoiceitem.created", PAUSED, CHANGED])
    assert answer["status"] == "paused"
    assert answer["status_details"]["paused"] == {
        "type": "subscription",
        "transitioned_at": seconds("2025-02-08"),
        "subscription": {"type": "pause_requested"},
    }
    assert plan.period == ("2025-02-01", "2025-02-08")
    assert pending(anna) == [("Unused time on Pro after 08 Feb 2025", -2100)]
    world.at("2025-03-31", expect=[])
    world.at("2025-05-01", expect=[])
    assert len(anna.invoices) == 2


def test_the_update_that_tells_a_pause_says_what_it_was(world: World) -> None:
    _, plan = subscribed(world)
    world.at("2025-02-08")
    does(plan, "pause")
    [told] = [event for event in world.events() if event["type"] == CHANGED]
    before = told["data"]["previous_attributes"]
    assert before["status"] == "active"
    assert before["items"]["data"][0]["current_period_end"] == seconds("2025-03-01")


def test_a_pause_may_be_billed_at_once(world: World) -> None:
    anna, plan = subscribed(world)
    world.at("2025-02-08")
    answer = does(plan, "pause", invoicing_behavior="invoice")
    world.check_events(["invoiceitem.created", "invoice.created", PAUSED, CHANGED])
    assert answer["latest_invoice"] == anna.last_invoice.data["id"]
    world.at("2025-02-08 01:00")
    anna.last_invoice.reads("""
        Unused time on Pro after 08 Feb 2025   -21.00
        Total -21.00                           paid""")
    assert anna.now["balance"] == -2100


def test_a_pause_with_nothing_to_bill_makes_no_invoice(world: World) -> None:
    anna, plan = subscribed(world)
    does(plan, "pause", invoicing_behavior="invoice", bill_for={"unused_time_from": {"type": "none"}})
    assert len(anna.invoices) == 2


@pytest.mark.parametrize(
    ("since", "credit"),
    [
        ("now", [("Unused time on Pro after 08 Feb 2025", -2100)]),
        ("item_current_period_start", [("Unused time on Pro after 01 Feb 2025", -2800)]),
        ("none", []),
    ],
)
def test_unused_time_counts_from_where_it_is_said(
    world: World, since: str, credit: list[tuple[str, int]]
) -> None:
    anna, _ = paused(world, bill_for={"unused_time_from": {"type": since}})
    assert pending(anna) == credit


def metered(world: World) -> tuple[Customer, Subscription]:
    """A dollar a call: three until the pause on February 8, five while it lasts, until February 15."""
    world.at("2025-02-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.metered("Calls", world.meter("calls"), cents="100"))
    world.at("2025-02-08")
    anna.uses("calls", 3, "2025-02-07")
    world.forget()
    return anna, plan


def test_the_use_until_a_pause_is_billed_and_that_during_it_is_not(world: World) -> None:
    anna, plan = metered(world)
    does(plan, "pause", invoicing_behavior="invoice")
    world.at("2025-02-08 01:00")
    anna.last_invoice.reads("""
        3 × Calls (at $1.00 / month)   3.00
        Total 3.00                     paid""")
    world.at("2025-02-15")
    anna.uses("calls", 5, "2025-02-12")
    does(plan, "resume", billing_cycle_anchor={"type": "unchanged"})
    world.at("2025-02-20")
    anna.uses("calls", 2, "2025-02-19")
    world.at("2025-03-01 01:00")
    anna.last_invoice.reads("""
        2 × Calls (at $1.00 / month)   2.00
        Total 2.00                     paid""")


def test_the_use_until_a_pause_waits_for_the_next_invoice(world: World) -> None:
    anna, plan = metered(world)
    does(plan, "pause")
    world.at("2025-02-15")
    anna.uses("calls", 5, "2025-02-12")
    does(plan, "resume")
    assert anna.invoices == []
    world.at("2025-03-15 01:00")
    anna.last_invoice.reads("""
        3 × Calls (at $1.00 / month)   3.00
        0 × Calls (at $1.00 / month)   0.00
        Total 3.00                     paid""")


def test_the_use_until_a_pause_may_be_waived(world: World) -> None:
    anna, plan = metered(world)
    does(plan, "pause", bill_for={"outstanding_usage_through": {"type": "none"}})
    world.at("2025-02-15")
    does(plan, "resume", billing_cycle_anchor={"type": "unchanged"})
    world.at("2025-03-01 01:00")
    assert [invoice.data["total"] for invoice in anna.invoices] == [0]


def test_what_is_used_in_a_pause_is_not_billed_when_it_is_canceled_then(world: World) -> None:
    anna, plan = metered(world)
    does(plan, "pause", bill_for={"outstanding_usage_through": {"type": "none"}})
    world.at("2025-02-15")
    anna.uses("calls", 5, "2025-02-12")
    plan.cancels(invoice_now=True)
    assert plan.status == "canceled"
    assert anna.invoices == []


def test_a_paused_customer_has_no_entitlements_until_the_resumption(world: World) -> None:
    world.at("2025-02-01")
    anna = world.customer("anna")
    price = world.plan("Pro", usd=28)
    feature = world.post("/v1/entitlements/features", name="API", lookup_key="api")["id"]
    product = world.get(f"/v1/prices/{price}")["product"]
    world.post(f"/v1/products/{product}/features", entitlement_feature=feature)
    plan = anna.subscribes_to(price)
    world.forget()
    summary = "entitlements.active_entitlement_summary.updated"
    does(plan, "pause", bill_for={"unused_time_from": {"type": "none"}})
    world.check_events([PAUSED, CHANGED, summary])
    assert world.get("/v1/entitlements/active_entitlements", customer=anna.id)["data"] == []
    does(plan, "resume", billing_cycle_anchor={"type": "unchanged"}, proration_behavior="none")
    world.check_events([RESUMED, CHANGED, summary])


def test_a_planned_end_comes_in_a_pause_too(world: World) -> None:
    _, plan = subscribed(world, cancel_at=seconds("2025-03-15"))
    world.at("2025-02-08")
    does(plan, "pause")
    plan.update(metadata={"a": "b"})
    world.at("2025-03-14")
    assert plan.status == "paused"
    world.at("2025-03-15")
    assert plan.status == "canceled"


def test_paused_in_the_second_of_its_creation_all_is_given_back(world: World) -> None:
    world.at("2025-02-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=28))
    does(plan, "pause")
    assert pending(anna) == [("Unused time on Pro after 01 Feb 2025", -2800)]
    world.at("2025-02-02")
    does(plan, "resume")
    world.at("2025-02-02 01:00")
    assert anna.last_invoice.data["total"] == 0


def test_an_unpaid_invoice_is_tried_on_and_ends_nothing(world: World) -> None:
    anna, plan = subscribed(world)
    anna.pays_with("declining")
    world.at("2025-02-28")
    world.at("2025-03-01 01:00")
    assert plan.status == "past_due"
    does(plan, "pause")
    world.at("2025-03-20")
    assert plan.status == "paused"
    assert anna.last_invoice.data["attempt_count"] == 9


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"billing_mode": {"type": "classic"}}, "billing_mode"),
        ({"collection_method": "send_invoice", "days_until_due": 7}, "send_invoice"),
        ({"trial_period_days": 7}, "`trialing`"),
        ({"payment_behavior": "default_incomplete"}, "`incomplete`"),
    ],
)
def test_some_cannot_be_paused(world: World, made: dict[str, Any], words: str) -> None:
    world.at("2025-02-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=28), **made)
    assert words in refused(plan, "pause")["message"]


def test_what_has_ended_or_is_paused_cannot_be_paused(world: World) -> None:
    _, plan = subscribed(world)
    does(plan, "pause")
    assert "`paused`" in refused(plan, "pause")["message"]
    plan.cancels()
    assert "`canceled`" in refused(plan, "pause")["message"]
    assert "`canceled`" in refused(plan, "resume")["message"]
