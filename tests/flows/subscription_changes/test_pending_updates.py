"""An update that holds only if it is paid (§5.3, §5.11)."""

from typing import Any

import pytest

from tests.flows.subscription_changes.test_changes import amounts, item_of, pending, swap
from tests.support.world import Customer, Subscription, World

APPLIED = "customer.subscription.pending_update_applied"
EXPIRED = "customer.subscription.pending_update_expired"
WAITS = {"proration_behavior": "always_invoice", "payment_behavior": "pending_if_incomplete"}


def declined(world: World, **how: Any) -> tuple[Customer, Subscription, dict[str, Any]]:
    """Anna's card fails when she moves from $100 to $200 in the middle of May."""
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Basic", usd=100))
    pro = world.plan("Pro", usd=200)
    anna.pays_with("declining")
    world.at("2025-05-16 12:00")
    return anna, plan, swap(plan, pro, **{**WAITS, **how})


def test_paid_in_the_request_it_is_applied(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Basic", usd=100))
    pro = world.plan("Pro", usd=200)
    world.at("2025-05-16 12:00")
    answer = swap(plan, pro, **WAITS)
    assert answer["pending_update"] is None
    assert answer["items"]["data"][0]["price"]["id"] == pro
    assert anna.last_invoice.data["total"] == 5000
    assert APPLIED in world.emitted()
    world.at("2025-06-01 01:00")
    assert anna.last_invoice.data["total"] == 20000


def test_not_paid_it_waits_and_nothing_changes(world: World) -> None:
    anna, _, answer = declined(world)
    assert answer["status"] == "active"
    assert answer["items"]["data"][0]["price"]["unit_amount"] == 10000
    proposal = answer["pending_update"]
    assert proposal["subscription_items"][0]["price"]["unit_amount"] == 20000
    assert proposal["expires_at"] == answer["start_date"] + (15 * 24 + 12 + 23) * 3600
    assert anna.last_invoice.status == "open"
    assert pending(anna) == []


def test_paid_later_it_is_applied_with_the_amounts_of_then(world: World) -> None:
    anna, plan, _ = declined(world)
    anna.pays_with("visa")
    world.at("2025-05-16 20:00")
    anna.last_invoice.does("pay")
    world.at("2025-05-16 20:01")
    assert plan.now["pending_update"] is None
    assert plan.now["items"]["data"][0]["price"]["unit_amount"] == 20000
    world.at("2025-05-24")
    plan.update(items=[{"id": item_of(plan), "quantity": 2}])
    assert amounts(pending(anna))[0] == -round(10000 * 8 * 2 / 31)  # of the debit of May 16, until June 1
    world.at("2025-06-01 01:00")


@pytest.mark.parametrize("at", ["/v1/subscription_items", "/v1/subscriptions/{id}"])
def test_an_added_item_is_shown_before_it_is_paid_for_and_keeps_its_id(world: World, at: str) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Basic", usd=100))
    seats = world.plan("Seats", usd=10)
    anna.pays_with("declining")
    world.at("2025-05-16 12:00")
    if at.endswith("items"):
        promised = world.post(at, subscription=plan.id, price=seats, quantity=3, **WAITS)
    else:
        answer = plan.update(items=[{"price": seats, "quantity": 3}], **WAITS)
        promised = answer["pending_update"]["subscription_items"][1]
    assert (promised["object"], promised["quantity"]) == ("subscription_item", 3)
    assert len(plan.now["items"]["data"]) == 1
    anna.pays_with("visa")
    anna.last_invoice.does("pay")
    world.at("2025-05-16 12:01")
    _, added = plan.now["items"]["data"]
    assert (added["id"], added["price"]["id"], added["quantity"]) == (promised["id"], seats, 3)
    assert world.get(f"/v1/subscription_items/{promised['id']}")["id"] == promised["id"]


def test_not_paid_in_23_hours_it_expires(world: World) -> None:
    anna, plan, _ = declined(world)
    world.forget()
    world.at("2025-05-17 11:00", expect=["payment_intent.canceled", "invoice.voided", EXPIRED])
    assert plan.now["pending_update"] is None
    assert anna.last_invoice.status == "void"
    anna.pays_with("visa")
    world.at("2025-06-01 01:00")
    assert anna.last_invoice.data["total"] == 10000


def test_a_new_update_takes_its_place(world: World) -> None:
    anna, plan, answer = declined(world)
    first = anna.last_invoice
    answer = plan.update(metadata={"a": "b"})
    assert answer["pending_update"] is None
    assert first.status == "void"


def test_its_invoice_voided_it_is_canceled(world: World) -> None:
    anna, plan, _ = declined(world)
    anna.last_invoice.does("void")
    assert plan.now["pending_update"] is None


@pytest.mark.parametrize(
    ("card", "code"),
    [("declining", "card_declined"), ("always 3DS", "subscription_payment_intent_requires_action")],
)
def test_error_if_incomplete_changes_nothing(world: World, card: str, code: str) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Basic", usd=100))
    pro = world.plan("Pro", usd=200)
    anna.pays_with(card)
    world.at("2025-05-16 12:00")
    refused = world.refused(
        f"/v1/subscriptions/{plan.id}",
        items=[{"id": item_of(plan), "price": pro}],
        proration_behavior="always_invoice",
        payment_behavior="error_if_incomplete",
    )
    assert (refused["status"], refused["type"], refused["code"]) == (402, "card_error", code)
    now = plan.now
    assert now["items"]["data"][0]["price"]["unit_amount"] == 10000
    assert (now["status"], now["pending_update"]) == ("active", None)
    assert now["latest_invoice"] == anna.invoices[0].data["id"]


def test_what_a_pending_update_may_not_hold_is_refused(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Basic", usd=100))
    refused = world.refused(
        f"/v1/subscriptions/{plan.id}", description="x", payment_behavior="pending_if_incomplete"
    )
    assert (refused["status"], refused["param"]) == (400, "description")


@pytest.mark.parametrize("behavior", ["pending_if_incomplete", "error_if_incomplete"])
def test_what_waited_before_waits_on_when_it_is_not_paid(world: World, behavior: str) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Basic", usd=100))
    anna.owes(700, "Help")
    coupon = world.coupon(percent_off=50)
    extra = {"price": world.once("Move", usd=10), "discounts": [{"coupon": coupon}]}
    pro = world.plan("Pro", usd=200)
    anna.pays_with("declining")
    world.at("2025-05-16 12:00")
    how = {**WAITS, "payment_behavior": behavior, "add_invoice_items": [extra]}
    if behavior == "pending_if_incomplete":
        swap(plan, pro, **how)
        assert anna.last_invoice.data["total"] == 5000 + 700 + 500
        assert world.get(f"/v1/coupons/{coupon}")["times_redeemed"] == 1
        world.at("2025-05-17 12:00")
    else:
        items = [{"id": item_of(plan), "price": pro}]
        assert world.refused(f"/v1/subscriptions/{plan.id}", items=items, **how)["status"] == 402
    assert anna.last_invoice.status == "void"
    assert [item["description"] for item in pending(anna)] == ["Help"]
    assert world.get(f"/v1/coupons/{coupon}")["times_redeemed"] == 0
    anna.pays_with("visa")
    world.at("2025-06-01 01:00")
    assert anna.last_invoice.data["total"] == 10000 + 700


def test_what_waited_before_waits_on_when_a_resumption_is_not_paid(world: World) -> None:
    world.at("2025-05-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Basic", usd=31))
    world.at("2025-05-11")
    world.post(f"/v1/subscriptions/{plan.id}/pause")
    anna.pays_with("declining")
    world.post(f"/v1/subscriptions/{plan.id}/resume", payment_behavior="resume_on_payment_success")
    assert anna.last_invoice.data["total"] == 3100 - 2100
    world.at("2025-05-12")
    assert plan.status == "paused"
    assert amounts(pending(anna)) == [-2100]


def test_the_end_of_a_trial_that_is_paid_for_first_is_told_of_what_there_was(world: World) -> None:
    world.at("2025-01-31")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Base", usd=10), trial_period_days=10)
    world.at("2025-02-05")
    plan.update(trial_end="now", payment_behavior="pending_if_incomplete")
    [told] = [event for event in world.events() if event["type"].endswith("trial_will_end")]
    assert told["data"]["object"]["status"] == "trialing"
    assert told["data"]["object"]["pending_update"]
