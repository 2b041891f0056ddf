"""What do the three behaviors of `pause_collection` do, and how does a pause end (§5.13)?"""

from typing import Any

import pytest

from tests.support.world import OPENED, PAID, RENEWED, Customer, Subscription, World, moment

CHANGED = "customer.subscription.updated"
VOIDED = ["payment_intent.canceled", "invoice.voided"]
GIVEN_UP = ["invoice.marked_uncollectible", "invoice.updated"]
BEHAVIORS = ("keep_as_draft", "mark_uncollectible", "void")


def seconds(when: str) -> int:
    return int(moment(when).timestamp())


def paused(world: World, behavior: str, **more: Any) -> tuple[Customer, Subscription]:
    """Anna pays $28 a month from January 1; her collection is paused on January 15."""
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=28))
    world.at("2025-01-15")
    plan.update(pause_collection={"behavior": behavior, **more})
    return anna, plan


@pytest.mark.parametrize("behavior", BEHAVIORS)
def test_the_status_stays_and_the_pause_is_shown(world: World, behavior: str) -> None:
    _, plan = paused(world, behavior, resumes_at=seconds("2025-02-10"))
    world.check_events([CHANGED])
    now = plan.now
    assert now["status"] == "active"
    assert now["pause_collection"] == {"behavior": behavior, "resumes_at": seconds("2025-02-10")}
    world.at("2025-02-09")
    assert (plan.status, plan.period) == ("active", ("2025-02-01", "2025-03-01"))
    world.at("2025-02-10", expect=[CHANGED])
    assert plan.now["pause_collection"] is None
    world.at("2025-03-01 01:00", expect=[*RENEWED, *OPENED, *PAID])


def test_drafts_are_kept_and_not_finalized_when_it_ends(world: World) -> None:
    anna, plan = paused(world, "keep_as_draft")
    world.forget()
    world.at("2025-02-01", expect=RENEWED)
    assert anna.last_invoice.data["auto_advance"] is False
    assert anna.last_invoice.data["automatically_finalizes_at"] is None
    plan.update(pause_collection="")
    world.check_events([CHANGED])
    world.at("2025-02-20", expect=[])
    assert anna.last_invoice.status == "draft"
    anna.last_invoice.does("pay")
    assert anna.last_invoice.status == "paid"


def test_a_draft_that_stands_when_it_begins_is_kept_as_well(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=28))
    world.at("2025-02-01 00:30")
    plan.update(pause_collection={"behavior": "keep_as_draft"})
    world.forget()
    world.at("2025-02-01 01:00", expect=["invoice.updated"])
    assert (anna.last_invoice.status, anna.last_invoice.data["auto_advance"]) == ("draft", False)
    world.at("2025-02-05", expect=[])


def test_invoices_are_given_up_after_their_hour(world: World) -> None:
    anna, plan = paused(world, "mark_uncollectible")
    world.at("2025-02-01")
    world.at("2025-02-01 01:00", expect=[*OPENED, *GIVEN_UP])
    invoice = anna.last_invoice.data
    assert (invoice["status"], invoice["attempt_count"]) == ("uncollectible", 0)
    assert invoice["status_details"] == {"uncollectible": {"reason": "subscription_paused"}}
    assert (plan.status, anna.now["delinquent"]) == ("active", False)
    world.at("2025-02-20", expect=[])


def test_invoices_are_void_after_their_hour(world: World) -> None:
    anna, plan = paused(world, "void")
    world.at("2025-02-01")
    world.at("2025-02-01 01:00", expect=[*OPENED, *VOIDED])
    assert (anna.last_invoice.status, plan.status) == ("void", "active")
    assert plan.now["latest_invoice"] == anna.last_invoice.data["id"]


@pytest.mark.parametrize(
    ("behavior", "credit", "status", "left"),
    [
        ("mark_uncollectible", -3000, "paid", -200),
        ("mark_uncollectible", -1000, "uncollectible", 0),
        ("void", -3000, "void", -3000),
        ("void", -1000, "void", -1000),
        ("keep_as_draft", -3000, "draft", -3000),
    ],
)
def test_the_balance_pays_for_what_is_given_up_and_not_for_what_is_void(
    world: World, behavior: str, credit: int, status: str, left: int
) -> None:
    anna, _ = paused(world, behavior)
    world.post(f"/v1/customers/{anna.id}/balance_transactions", amount=credit, currency="usd")
    world.at("2025-02-01 02:00")
    assert anna.last_invoice.status == status
    assert anna.now["balance"] == left
    if behavior == "void":
        assert anna.last_invoice.data["amount_due"] == 2800


@pytest.mark.parametrize("behavior", ["mark_uncollectible", "void"])
def test_an_invoice_that_is_open_already_is_tried_on(world: World, behavior: str) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=28))
    anna.pays_with("declining")
    world.at("2025-02-01 01:00")
    assert plan.status == "past_due"
    plan.update(pause_collection={"behavior": behavior})
    anna.pays_with("visa")
    world.at("2025-02-02 02:00")
    assert (anna.last_invoice.status, plan.status) == ("paid", "active")


def test_a_void_invoice_of_a_pause_says_nothing_of_the_status(world: World) -> None:
    """Past due since February, it is not put right by the invoice of March that nobody was to pay."""
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=28), collection_method="send_invoice", days_until_due=1)
    world.at("2025-01-03")
    assert plan.status == "past_due"
    for behavior in ("void", "mark_uncollectible"):
        plan.update(pause_collection={"behavior": behavior})
        month = 2 if behavior == "void" else 3
        world.at(f"2025-0{month}-01 02:00")
        assert anna.last_invoice.status == {"void": "void"}.get(behavior, "uncollectible")
        assert plan.status == "past_due"


@pytest.mark.parametrize(
    ("behavior", "status"),
    [("keep_as_draft", "draft"), ("mark_uncollectible", "uncollectible"), ("void", "void")],
)
def test_the_invoice_of_a_change_is_put_away_as_well(world: World, behavior: str, status: str) -> None:
    anna, plan = paused(world, behavior)
    item = plan.now["items"]["data"][0]["id"]
    answer = plan.update(items=[{"id": item, "quantity": 2}], proration_behavior="always_invoice")
    assert answer["status"] == "active"
    assert (anna.last_invoice.data["billing_reason"], anna.last_invoice.status) == (
        "subscription_update",
        status,
    )
    world.at("2025-01-20")
    assert anna.last_invoice.status == status


def test_the_last_use_of_a_subscription_is_put_away_as_well(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.metered("Calls", world.meter("calls"), cents="100"))
    world.at("2025-01-15")
    anna.uses("calls", 3, "2025-01-14")
    plan.update(pause_collection={"behavior": "void"}, cancel_at_period_end=True)
    world.at("2025-02-01 02:00")
    assert (plan.status, anna.last_invoice.status) == ("canceled", "void")


def test_an_invoice_that_is_sent_goes_out_to_nobody(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=28), collection_method="send_invoice", days_until_due=7)
    world.at("2025-01-02")
    plan.update(pause_collection={"behavior": "void"})
    world.at("2025-02-01")
    world.at("2025-02-01 01:00", expect=["invoice.finalized", "invoice.voided"])
    world.at("2025-02-07 23:00")
    assert anna.last_invoice.status == "void"


def test_a_renewal_in_the_second_in_which_it_ends_is_collected(world: World) -> None:
    anna, _ = paused(world, "void", resumes_at=seconds("2025-02-01"))
    world.at("2025-02-01 02:00")
    assert anna.last_invoice.status == "paid"


def test_a_pause_is_replaced_by_the_next_with_its_own_end(world: World) -> None:
    _, plan = paused(world, "void", resumes_at=seconds("2025-02-10"))
    answer = plan.update(pause_collection={"behavior": "keep_as_draft"})
    assert answer["pause_collection"] == {"behavior": "keep_as_draft", "resumes_at": None}
    world.at("2025-02-11")
    assert plan.now["pause_collection"] is not None


def test_a_pause_cannot_end_in_the_past_and_needs_a_behavior(world: World) -> None:
    _, plan = paused(world, "void")
    path = f"/v1/subscriptions/{plan.id}"
    late = world.refused(path, pause_collection={"behavior": "void", "resumes_at": seconds("2025-01-14")})
    assert (late["status"], late["param"]) == (400, "pause_collection[resumes_at]")
    bare = world.refused(path, pause_collection={"resumes_at": seconds("2025-02-14")})
    assert (bare["status"], bare["param"]) == (400, "pause_collection[behavior]")


def test_a_canceled_subscription_is_not_heard_of_when_its_pause_would_end(world: World) -> None:
    _, plan = paused(world, "void", resumes_at=seconds("2025-02-10"))
    plan.cancels()
    world.forget()
    world.at("2025-02-11", expect=[])


def test_what_was_late_before_is_put_right_when_that_is_paid(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=28), collection_method="send_invoice", days_until_due=1)
    world.at("2025-01-03")
    plan.update(pause_collection={"behavior": "mark_uncollectible"})
    world.at("2025-02-01 02:00")
    anna.invoices[0].does("pay", paid_out_of_band=True)
    assert plan.status == "active"
