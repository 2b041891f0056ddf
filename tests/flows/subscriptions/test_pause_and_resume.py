"""A subscription that collects nothing, one that is paused, and how they go on (§5.13)."""

from typing import Any

import pytest

from tests.flows.subscription_changes.test_changes import amounts, pending
from tests.support.world import Customer, Subscription, World, moment

CHANGED, PAUSED = "customer.subscription.updated", "customer.subscription.paused"
RESUMED = "customer.subscription.resumed"


def monthly(world: World, **more: Any) -> tuple[Customer, Subscription]:
    world.at("2025-01-01")
    anna = world.customer("anna")
    calls = world.metered("Calls", world.meter("calls"), cents="100")
    plan = anna.subscribes_to(world.plan("Base", usd=31), calls, **more)
    world.forget()
    return anna, plan


# ------------------------------------------------------------------------------------- pause_collection


@pytest.mark.parametrize(
    ("behavior", "status", "events"),
    [
        ("keep_as_draft", "draft", []),
        ("mark_uncollectible", "uncollectible", ["invoice.marked_uncollectible", "invoice.updated"]),
        ("void", "void", ["payment_intent.canceled", "invoice.voided"]),
    ],
)
def test_while_collection_is_paused_invoices_are_set_aside(
    world: World, behavior: str, status: str, events: list[str]
) -> None:
    anna, plan = monthly(world)
    answer = plan.update(pause_collection={"behavior": behavior})
    assert answer["pause_collection"] == {"behavior": behavior, "resumes_at": None}
    assert answer["status"] == "active"
    world.forget()
    opened = ["invoice.finalized", "payment_intent.created"] if events else []
    world.at("2025-02-01 02:00", expect=[CHANGED, "invoice.created", *opened, *events])
    assert anna.last_invoice.status == status
    assert plan.status == "active"
    assert plan.period == ("2025-02-01", "2025-03-01")
    plan.update(pause_collection="")
    world.at("2025-03-01 02:00")
    assert anna.last_invoice.status == "paid"
    assert anna.invoices[1].status == status


def test_what_a_balance_pays_is_paid_though_collection_is_paused(world: World) -> None:
    anna, plan = monthly(world)
    plan.update(pause_collection={"behavior": "mark_uncollectible"})
    world.post(f"/v1/customers/{anna.id}", balance=-5000)
    world.at("2025-02-01 02:00")
    assert anna.last_invoice.status == "paid"


def test_collection_goes_on_by_itself_at_a_date(world: World) -> None:
    anna, plan = monthly(world)
    plan.update(pause_collection={"behavior": "void", "resumes_at": int(moment("2025-02-15").timestamp())})
    world.at("2025-02-01 02:00")
    world.at("2025-02-15", expect=[CHANGED])
    assert plan.now["pause_collection"] is None
    world.at("2025-03-01 02:00")
    assert [invoice.status for invoice in anna.invoices] == ["paid", "void", "paid"]


# ------------------------------------------------------------------------------------- /pause and /resume


def seconds(day: str) -> int:
    return int(moment(day).timestamp())


def does(plan: Subscription, verb: str, **how: Any) -> dict[str, Any]:
    return plan.world.post(f"/v1/subscriptions/{plan.id}/{verb}", **how)


def test_paused_nothing_is_billed_and_unused_time_is_given_back(world: World) -> None:
    anna, plan = monthly(world)
    world.at("2025-01-11")
    anna.uses("calls", 4, "2025-01-10")
    answer = does(plan, "pause")
    world.check_events(["invoiceitem.created", PAUSED, CHANGED])
    assert answer["status"] == "paused"
    assert answer["status_details"]["paused"]["subscription"]["type"] == "pause_requested"
    assert amounts(pending(anna)) == [-2100]
    assert plan.period == ("2025-01-01", "2025-01-11")
    world.at("2025-02-25", expect=[])
    assert len(anna.invoices) == 1


def test_x74_resumed_from_now_a_full_period_begins(world: World) -> None:
    anna, plan = monthly(world)
    world.at("2025-01-11")
    anna.uses("calls", 4, "2025-01-10")
    does(plan, "pause")
    world.at("2025-02-15")
    answer = does(plan, "resume")
    assert answer["status"] == "active" and answer["status_details"] is None
    assert plan.period == ("2025-02-15", "2025-03-15")
    world.at("2025-02-15 00:01")
    anna.last_invoice.reads("""
        Unused time on Base after 11 Jan 2025   -21.00
        1 × Base (at $31.00 / month)            31.00
        Total 10.00                             paid""")
    world.at("2025-03-15 01:00")
    anna.last_invoice.reads("""
        4 × Calls (at $1.00 / month)   4.00
        1 × Base (at $31.00 / month)   31.00
        0 × Calls (at $1.00 / month)   0.00
        Total 35.00                    paid""")


def test_x75_resumed_with_the_anchor_unchanged_the_rest_is_debited(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Base", usd=28))
    world.at("2025-01-11")
    does(plan, "pause", bill_for={"unused_time_from": {"type": "none"}})
    assert pending(anna) == []
    world.at("2025-02-15")
    world.forget()
    answer = does(plan, "resume", billing_cycle_anchor={"type": "unchanged"})
    world.check_events(["invoiceitem.created", RESUMED, CHANGED])
    assert answer["status"] == "active"
    assert amounts(pending(anna)) == [1400]  # 14/28
    assert plan.period == ("2025-02-15", "2025-03-01")
    world.at("2025-03-01 01:00")
    assert anna.last_invoice.data["total"] == 1400 + 2800


def test_what_is_changed_while_it_is_paused_costs_from_when_it_goes_on(world: World) -> None:
    anna, plan = monthly(world)
    world.at("2025-01-11")
    does(plan, "pause")
    world.at("2025-01-20")
    base = plan.now["items"]["data"][0]
    seat = world.plan("Seat", usd=10)
    changes = [{"id": base["id"], "quantity": 2}, {"price": seat}]
    plan.update(items=changes, proration_behavior="always_invoice")
    assert amounts(pending(anna)) == [-2100] and len(anna.invoices) == 1
    assert {item["current_period_end"] for item in plan.now["items"]["data"]} == {seconds("2025-01-11")}
    for form in (
        {"billing_cycle_anchor": {"type": "now"}},
        {"trial_end": seconds("2025-03-01")},
        {"cancel_at_period_end": True},
        {"cancel_at": "max_period_end"},
    ):
        assert world.refused(f"/v1/subscriptions/{plan.id}", **form)["param"] == next(iter(form))
    assert world.refused("/v1/subscription_schedules", from_subscription=plan.id)["param"]
    world.at("2025-02-25")
    does(plan, "resume")
    world.at("2025-02-25 00:01")
    assert anna.last_invoice.data["total"] == -2100 + 6200 + 1000


def test_what_was_planned_for_a_date_comes_though_it_is_paused(world: World) -> None:
    anna, plan = monthly(world)
    plan.update(cancel_at=seconds("2025-01-31"), proration_behavior="none")
    world.at("2025-01-11")
    anna.uses("calls", 4, "2025-01-10")
    does(plan, "pause", bill_for={"unused_time_from": {"type": "none"}})
    world.at("2025-01-31 02:00")
    assert plan.status == "canceled"
    assert anna.last_invoice.data["total"] == 400


def test_paused_with_an_invoice_credit_and_use_are_on_it(world: World) -> None:
    anna, plan = monthly(world)
    world.at("2025-01-11")
    anna.uses("calls", 4, "2025-01-10")
    does(plan, "pause", invoicing_behavior="invoice")
    world.at("2025-01-11 02:00")
    anna.last_invoice.reads("""
        Unused time on Base after 11 Jan 2025   -21.00
        4 × Calls (at $1.00 / month)            4.00
        Total -17.00                            paid""")


def test_paused_from_the_start_of_the_period_all_of_it_is_given_back_and_use_is_dropped(world: World) -> None:
    anna, plan = monthly(world)
    world.at("2025-01-11")
    anna.uses("calls", 4, "2025-01-10")
    bill_for = {
        "unused_time_from": {"type": "item_current_period_start"},
        "outstanding_usage_through": {"type": "none"},
    }
    does(plan, "pause", bill_for=bill_for)
    assert amounts(pending(anna)) == [-3100]
    world.at("2025-02-15")
    does(plan, "resume")
    world.at("2025-02-15 00:01")
    assert anna.last_invoice.data["total"] == 0


def test_resumed_only_if_it_is_paid(world: World) -> None:
    anna, plan = monthly(world)
    does(plan, "pause", bill_for={"unused_time_from": {"type": "none"}})
    anna.pays_with("declining")
    world.at("2025-02-15")
    answer = does(plan, "resume", payment_behavior="resume_on_payment_success")
    assert answer["status"] == "paused"
    assert anna.last_invoice.status == "open"
    world.forget()
    world.at("2025-02-15 23:00", expect=["payment_intent.canceled", "invoice.voided"])
    assert plan.status == "paused"
    answer = does(plan, "resume", payment_behavior="resume_on_payment_success")
    anna.pays_with("visa")
    anna.last_invoice.does("pay")
    world.at("2025-02-15 23:01")
    assert plan.status == "active"
    assert plan.now["latest_invoice"] == anna.last_invoice.data["id"]
    world.at("2025-03-15 23:00")
    world.at("2025-03-16 01:00")
    assert anna.last_invoice.data["total"] == 3100


def test_resumed_and_not_paid_it_is_past_due(world: World) -> None:
    anna, plan = monthly(world)
    world.at("2025-01-11")
    does(plan, "pause")
    anna.pays_with("declining")
    world.at("2025-02-15")
    assert does(plan, "resume", billing_cycle_anchor={"type": "now"})["status"] == "active"
    world.work()
    assert plan.status == "past_due"


def test_a_trial_that_ended_without_a_card_is_resumed(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    settings = {"end_behavior": {"missing_payment_method": "pause"}}
    plan = anna.subscribes_to(world.plan("Base", usd=31), trial_period_days=7, trial_settings=settings)
    world.at("2025-01-09")
    assert plan.status == "paused"
    anna.pays_with("visa")
    assert does(plan, "resume")["status"] == "active"
    world.at("2025-01-09 00:01")
    assert anna.last_invoice.data["total"] == 3100 and anna.last_invoice.status == "paid"


@pytest.mark.parametrize("planned", ["before", "meanwhile", "now"])
def test_an_end_comes_in_a_pause_too_and_bills_nothing_of_it(world: World, planned: str) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    calls = world.metered("Calls", world.meter("calls"), cents="100")
    plan = anna.subscribes_to(world.plan("Pro", usd=28), calls)
    end = int(moment("2025-01-20").timestamp())
    world.at("2025-01-11")
    anna.uses("calls", 3, "2025-01-10")
    if planned == "before":
        plan.update(cancel_at=end, proration_behavior="none")
    does(plan, "pause", bill_for={"unused_time_from": {"type": "none"}}, invoicing_behavior="invoice")
    assert anna.last_invoice.data["total"] == 300
    if planned == "meanwhile":
        plan.update(cancel_at=end)
    world.at("2025-01-15")
    anna.uses("calls", 5, "2025-01-14")
    world.at("2025-01-21")
    assert plan.status == ("paused" if planned == "now" else "canceled")
    if planned == "now":
        plan.cancels(invoice_now=True)
    world.at("2025-01-22")
    assert plan.status == "canceled"
    assert sum(invoice.data["total"] for invoice in anna.invoices) == 2800 + 300


def test_a_pause_of_collection_ends_in_a_pause_too(world: World) -> None:
    _, plan = monthly(world)
    until = int(moment("2025-01-20").timestamp())
    plan.update(pause_collection={"behavior": "void", "resumes_at": until})
    does(plan, "pause")
    world.at("2025-01-21")
    assert plan.now["pause_collection"] is None


@pytest.mark.parametrize(
    "more",
    [
        {"billing_mode": {"type": "classic"}},
        {"trial_period_days": 7},
        {"collection_method": "send_invoice", "days_until_due": 3},
    ],
    ids=["classic", "trialing", "sent"],
)
def test_what_cannot_be_paused(world: World, more: dict[str, Any]) -> None:
    _, plan = monthly(world, **more)
    assert world.refused(f"/v1/subscriptions/{plan.id}/pause")["status"] == 400
    assert world.refused(f"/v1/subscriptions/{plan.id}/resume")["status"] == 400


# ------------------------------------------------------------------------------------- /migrate


def test_classic_becomes_flexible_and_never_back(world: World) -> None:
    _, plan = monthly(world, billing_mode={"type": "classic"})
    world.at("2025-01-11")
    answer = does(plan, "migrate", billing_mode={"type": "flexible"})
    world.check_events([CHANGED])
    assert answer["billing_mode"]["type"] == "flexible"
    assert answer["billing_mode"]["updated_at"] == int(moment("2025-01-11").timestamp())
    path = f"/v1/subscriptions/{plan.id}/migrate"
    assert world.refused(path, billing_mode={"type": "flexible"})["status"] == 400
    assert world.refused(path, billing_mode={"type": "classic"})["param"] == "billing_mode[type]"
