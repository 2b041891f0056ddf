"""A paused subscription is resumed: in which period, for how much, and once it is paid (§5.13, X74, X75)."""

import pytest

from tests.flows.subscriptions.test_pausing import does, paused, pending, refused, seconds, subscribed
from tests.support.world import OPENED, PAID, Customer, Subscription, World

CHANGED, RESUMED = "customer.subscription.updated", "customer.subscription.resumed"
ANNULLED = ["payment_intent.canceled", "invoice.voided"]


def test_x74_resumed_now_a_new_period_begins_at_the_full_price(world: World) -> None:
    """X74: resumed on Feb 15 with the anchor on Jan 1: Feb 15 to Mar 15."""
    anna, plan = paused(world, bill_for={"unused_time_from": {"type": "none"}})
    world.at("2025-02-15")
    answer = does(plan, "resume", billing_cycle_anchor={"type": "now"})
    assert (answer["status"], answer["status_details"]) == ("active", None)
    assert answer["billing_cycle_anchor"] == seconds("2025-02-15")
    assert plan.period == ("2025-02-15", "2025-03-15")
    world.check_events(["invoice.created", RESUMED, CHANGED, *OPENED])
    assert anna.last_invoice.status == "open"
    assert answer["latest_invoice"] == anna.last_invoice.data["id"]
    world.at("2025-02-15 00:00:01", expect=PAID)
    anna.last_invoice.reads("""
        1 × Pro (at $28.00 / month)   28.00
        Total 28.00                   paid""")
    assert anna.last_invoice.data["billing_reason"] == "subscription_update"
    world.at("2025-03-15 01:00")
    assert anna.last_invoice.data["total"] == 2800


def test_x75_resumed_in_its_old_rhythm_the_rest_of_the_period_is_charged(world: World) -> None:
    """X75: 14 of the 28 days of February, with the next invoice."""
    anna, plan = paused(world, invoicing_behavior="invoice")
    world.at("2025-02-15")
    answer = does(plan, "resume", billing_cycle_anchor={"type": "unchanged"})
    world.check_events(["invoiceitem.created", RESUMED, CHANGED])
    assert answer["billing_cycle_anchor"] == seconds("2025-01-01")
    assert plan.period == ("2025-02-15", "2025-03-01")
    assert pending(anna) == [("Remaining time on Pro after 15 Feb 2025", 1400)]
    world.at("2025-03-01 01:00")
    anna.last_invoice.reads("""
        Remaining time on Pro after 15 Feb 2025   14.00
        1 × Pro (at $28.00 / month)               28.00
        Total 42.00                               paid""")
    assert anna.last_invoice.data["amount_due"] == 4200 - 2100


def test_the_rest_may_be_invoiced_at_once_or_be_free(world: World) -> None:
    anna, plan = paused(world)
    world.at("2025-02-15")
    unchanged = {"billing_cycle_anchor": {"type": "unchanged"}}
    does(plan, "resume", proration_behavior="always_invoice", **unchanged)
    world.at("2025-02-16")
    anna.last_invoice.reads("""
        Remaining time on Pro after 15 Feb 2025   14.00
        Unused time on Pro after 08 Feb 2025      -21.00
        Total -7.00                               paid""")
    does(plan, "pause", bill_for={"unused_time_from": {"type": "item_current_period_start"}})
    world.at("2025-02-20")
    does(plan, "resume", proration_behavior="none", **unchanged)
    # The period began with the resumption: what was charged for it is given back, and no more.
    assert [amount for _, amount in pending(anna)] == [-1400]


def test_the_credit_of_a_pause_pays_for_the_resumption(world: World) -> None:
    anna, plan = paused(world)
    world.at("2025-02-15")
    does(plan, "resume")
    world.at("2025-02-15 01:00")
    anna.last_invoice.reads("""
        Unused time on Pro after 08 Feb 2025   -21.00
        1 × Pro (at $28.00 / month)            28.00
        Total 7.00                             paid""")


def test_time_that_stayed_paid_is_not_charged_again(world: World) -> None:
    """With `unused_time_from=none` February was paid: only what comes after it is charged."""
    anna, plan = paused(world, bill_for={"unused_time_from": {"type": "none"}})
    world.at("2025-02-15")
    does(plan, "resume", billing_cycle_anchor={"type": "unchanged"})
    assert pending(anna) == []
    world.at("2025-03-01 01:00")
    assert anna.last_invoice.data["total"] == 2800


@pytest.mark.parametrize(("behavior", "items"), [("create_prorations", [1500, -1400]), ("none", [])])
def test_what_is_changed_in_a_pause_costs_from_the_resumption_on(
    world: World, behavior: str, items: list[int]
) -> None:
    anna, plan = paused(world, bill_for={"unused_time_from": {"type": "none"}})
    item, more = plan.now["items"]["data"][0]["id"], world.plan("Extra", usd=2)
    plan.update(items=[{"id": item, "price": world.plan("Max", usd=30)}], proration_behavior="always_invoice")
    assert pending(anna) == []
    world.at("2025-02-15")
    does(plan, "resume", billing_cycle_anchor={"type": "unchanged"}, proration_behavior=behavior)
    assert [amount for _, amount in pending(anna)] == [*reversed(items)]
    plan.update(items=[{"price": more}])
    world.at("2025-03-01 01:00")
    assert anna.last_invoice.data["total"] == 3000 + 200 + 100 + sum(items)


def test_an_item_that_is_added_in_a_pause_begins_with_the_resumption(world: World) -> None:
    anna, plan = paused(world)
    plan.update(items=[{"price": world.plan("Extra", usd=2)}], proration_behavior="always_invoice")
    assert len(anna.invoices) == 2
    world.at("2025-02-15")
    does(plan, "resume")
    world.at("2025-02-15 01:00")
    assert anna.last_invoice.data["total"] == 2800 + 200 - 2100


def test_prorations_of_a_resumption_count_from_where_it_is_said(world: World) -> None:
    anna, plan = paused(world)
    world.at("2025-02-15")
    how = {"billing_cycle_anchor": {"type": "unchanged"}}
    error = refused(plan, "resume", proration_date=seconds("2025-03-01"), **how)
    assert error["param"] == "proration_date"
    does(plan, "resume", proration_date=seconds("2025-02-22"), **how)
    assert pending(anna)[0] == ("Remaining time on Pro after 22 Feb 2025", 700)


def test_a_resumption_that_is_not_paid_is_past_due(world: World) -> None:
    anna, plan = paused(world)
    anna.pays_with("declining")
    world.at("2025-02-15")
    assert does(plan, "resume")["status"] == "active"
    world.at("2025-02-15 01:00")
    assert plan.status == "past_due"
    anna.pays_with("visa")
    anna.last_invoice.does("pay")
    assert plan.status == "active"


SUCCESS = {"payment_behavior": "resume_on_payment_success"}


def test_paid_in_the_request_it_is_active_again(world: World) -> None:
    anna, plan = paused(world)
    world.at("2025-02-15")
    answer = does(plan, "resume", **SUCCESS)
    assert answer["status"] == "active"
    world.check_events(["invoice.created", CHANGED, *OPENED, *PAID, RESUMED, CHANGED])
    assert plan.period == ("2025-02-15", "2025-03-15")
    assert anna.last_invoice.data["total"] == 700
    world.at("2025-03-15 01:00")
    assert anna.last_invoice.data["total"] == 2800


def unpaid(world: World) -> tuple[Customer, Subscription]:
    anna, plan = paused(world)
    anna.pays_with("declining")
    world.at("2025-02-15")
    answer = does(plan, "resume", **SUCCESS)
    assert answer["status"] == "paused"
    assert answer["latest_invoice"] == anna.last_invoice.data["id"]
    assert anna.last_invoice.status == "open"
    return anna, plan


def test_it_stays_paused_until_it_is_paid_and_begins_when_it_was_asked_for(world: World) -> None:
    anna, plan = unpaid(world)
    anna.pays_with("visa")
    world.at("2025-02-15 20:00")
    world.forget()
    anna.last_invoice.does("pay")
    world.at("2025-02-15 20:00:01", expect=[*PAID, RESUMED, CHANGED])
    assert plan.status == "active"
    assert plan.period == ("2025-02-15", "2025-03-15")
    world.at("2025-03-15 01:00")
    assert anna.last_invoice.data["total"] == 2800


def test_what_is_used_before_it_is_paid_is_not_billed(world: World) -> None:
    world.at("2025-02-01")
    anna = world.customer("anna")
    calls = world.metered("Calls", world.meter("calls"), cents="100")
    plan = anna.subscribes_to(world.plan("Pro", usd=28), calls)
    does(plan, "pause", bill_for={"unused_time_from": {"type": "none"}})
    anna.pays_with("declining")
    world.at("2025-02-15")
    does(plan, "resume", **SUCCESS)
    anna.pays_with("visa")
    world.at("2025-02-15 20:00")
    anna.uses("calls", 3, "2025-02-15 19:00")
    anna.last_invoice.does("pay")
    world.at("2025-02-16")
    anna.uses("calls", 2, "2025-02-15 21:00")
    world.at("2025-03-15 01:00")
    anna.last_invoice.reads("""
        1 × Pro (at $28.00 / month)    28.00
        2 × Calls (at $1.00 / month)   2.00
        Total 30.00                    paid""")


def test_given_up_it_is_resumed_as_well(world: World) -> None:
    anna, plan = unpaid(world)
    anna.last_invoice.does("mark_uncollectible")
    world.at("2025-02-15 00:00:01")
    assert plan.status == "active"


def test_not_paid_in_23_hours_it_stays_paused_and_keeps_its_credit(world: World) -> None:
    anna, plan = unpaid(world)
    world.forget()
    world.at("2025-02-15 22:59:59", expect=[])
    world.at("2025-02-15 23:00", expect=ANNULLED)
    assert (plan.status, anna.last_invoice.status) == ("paused", "void")
    assert pending(anna) == [("Unused time on Pro after 08 Feb 2025", -2100)]
    anna.pays_with("visa")
    assert does(plan, "resume", **SUCCESS)["status"] == "active"
    assert anna.last_invoice.data["total"] == 700


def test_a_second_resumption_takes_the_place_of_the_first(world: World) -> None:
    anna, plan = unpaid(world)
    first = anna.last_invoice
    anna.pays_with("visa")
    assert does(plan, "resume")["status"] == "active"
    assert first.status == "void"
    world.at("2025-02-17")
    assert anna.last_invoice.data["total"] == 700


def test_while_it_waits_its_items_stay_and_notes_may_change(world: World) -> None:
    anna, plan = unpaid(world)
    item = plan.now["items"]["data"][0]["id"]
    error = world.refused(f"/v1/subscriptions/{plan.id}", items=[{"id": item, "quantity": 2}])
    assert (error["status"], error["param"]) == (400, "items")
    plan.update(metadata={"a": "b"})
    assert anna.last_invoice.status == "open"


def test_the_rest_of_a_period_may_have_to_be_paid_first(world: World) -> None:
    anna, plan = paused(world, bill_for={"unused_time_from": {"type": "none"}})
    item = plan.now["items"]["data"][0]["id"]
    plan.update(items=[{"id": item, "quantity": 2}])
    anna.pays_with("declining")
    world.at("2025-02-15")
    how = {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": "always_invoice"}
    assert does(plan, "resume", **SUCCESS, **how)["status"] == "paused"
    anna.pays_with("visa")
    anna.last_invoice.does("pay")
    world.at("2025-02-15 00:00:01")
    assert plan.status == "active"
    anna.last_invoice.reads("""
        Unused time on Pro after 15 Feb 2025           -14.00
        Remaining time on 2 × Pro after 15 Feb 2025    28.00
        Total 14.00                                    paid""")
    world.at("2025-02-22")
    plan.update(items=[{"id": item, "quantity": 1}])
    assert [amount for _, amount in pending(anna)] == [-1400, 700]


def test_canceled_while_it_waits_nobody_pays_for_it(world: World) -> None:
    anna, plan = unpaid(world)
    plan.cancels()
    world.at("2025-02-15 00:00:01")
    assert (plan.status, anna.last_invoice.status) == ("canceled", "void")
    assert pending(anna) == [("Unused time on Pro after 08 Feb 2025", -2100)]


def test_one_that_waits_for_a_method_since_its_trial_is_resumed(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    ends = {"end_behavior": {"missing_payment_method": "pause"}}
    plan = anna.subscribes_to(world.plan("Pro", usd=28), trial_period_days=7, trial_settings=ends)
    world.at("2025-01-08")
    assert plan.status == "paused"
    world.at("2025-01-18")
    anna.pays_with("visa")
    world.forget()
    assert does(plan, "resume", **SUCCESS)["status"] == "active"
    assert plan.period == ("2025-01-18", "2025-02-18")
    assert anna.last_invoice.data["total"] == 2800


def test_one_that_is_sent_its_invoices_is_active_before_they_are_paid(world: World) -> None:
    anna, plan = paused(world)
    plan.update(collection_method="send_invoice", days_until_due=3)
    world.at("2025-02-15")
    assert does(plan, "resume", **SUCCESS)["status"] == "active"
    assert anna.last_invoice.status == "draft"
    world.at("2025-02-15 01:00")
    assert anna.last_invoice.status == "open"
    world.at("2025-02-18 01:00")
    assert plan.status == "past_due"


def test_a_planned_end_cuts_the_period_that_a_resumption_begins(world: World) -> None:
    world.at("2025-02-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=28), cancel_at=seconds("2025-03-01"))
    does(plan, "pause", bill_for={"unused_time_from": {"type": "none"}})
    world.at("2025-02-15")
    does(plan, "resume")
    assert plan.period == ("2025-02-15", "2025-03-01")
    assert anna.last_invoice.data["total"] == 1400  # 14 of the 28 days until March 15
    world.at("2025-03-01")
    assert plan.status == "canceled"


def test_resumed_while_collection_is_paused_nobody_is_charged(world: World) -> None:
    anna, plan = paused(world)
    plan.update(pause_collection={"behavior": "void"})
    world.at("2025-02-15")
    assert does(plan, "resume")["status"] == "active"
    assert anna.last_invoice.status == "void"


def test_the_preview_of_a_resumption_is_what_it_costs(world: World) -> None:
    anna, plan = paused(world)
    world.at("2025-02-15")
    shown = world.post(
        "/v1/invoices/create_preview", subscription=plan.id, subscription_details={"resume_at": "now"}
    )
    does(plan, "resume")
    assert shown["total"] == anna.last_invoice.data["total"] == 700


def test_a_schedule_goes_on_in_a_pause_and_its_phase_costs_from_the_resumption_on(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    ends = {"end_behavior": {"missing_payment_method": "pause"}}
    basic, pro = world.plan("Basic", usd=10), world.plan("Pro", usd=28)
    plan = anna.subscribes_to(basic, trial_period_days=7, trial_settings=ends)
    schedule = world.post("/v1/subscription_schedules", from_subscription=plan.id)
    first = schedule["phases"][0]
    phases = [
        {
            "items": [{"price": basic}],
            "start_date": first["start_date"],
            "trial_end": first["trial_end"],
            "end_date": seconds("2025-01-12"),
        },
        {"items": [{"price": pro}], "end_date": seconds("2025-06-01"), "billing_cycle_anchor": "phase_start"},
    ]
    world.post(f"/v1/subscription_schedules/{schedule['id']}", phases=phases)
    world.at("2025-01-11")
    assert plan.status == "paused"
    world.at("2025-01-13")
    assert plan.status == "paused"
    assert plan.now["items"]["data"][0]["price"]["id"] == pro
    assert len(anna.invoices) == 1
    anna.pays_with("visa")
    does(plan, "resume")
    assert anna.last_invoice.data["total"] == 2800


def test_only_what_is_paused_is_resumed(world: World) -> None:
    _, plan = subscribed(world)
    assert "`active`" in refused(plan, "resume")["message"]


def test_no_period_is_moved_in_a_pause(world: World) -> None:
    _, plan = paused(world)
    for changes in (
        {"billing_cycle_anchor": {"type": "now"}},
        {"cancel_at_period_end": True},
        {"trial_end": seconds("2025-04-01")},
        {"cancel_at": "min_period_end"},
    ):
        error = world.refused(f"/v1/subscriptions/{plan.id}", **changes)
        assert (error["status"], error["param"]) == (400, next(iter(changes)))


# ------------------------------------------------------------------------------------- migrate


def test_a_classic_subscription_becomes_flexible_and_never_classic_again(world: World) -> None:
    anna, plan = subscribed(world, billing_mode={"type": "classic"})
    world.at("2025-02-08")
    assert refused(plan, "migrate", billing_mode={"type": "classic"})["param"] == "billing_mode[type]"
    answer = does(plan, "migrate", billing_mode={"type": "flexible"})
    world.check_events([CHANGED])
    assert answer["billing_mode"] == {
        "type": "flexible",
        "flexible": {"proration_discounts": "included"},
        "updated_at": seconds("2025-02-08"),
    }
    assert refused(plan, "migrate", billing_mode={"type": "flexible"})["param"] == "billing_mode[type]"
    does(plan, "pause")
    assert pending(anna) == [("Unused time on Pro after 08 Feb 2025", -2100)]


def test_what_has_ended_is_not_migrated(world: World) -> None:
    _, plan = subscribed(world, billing_mode={"type": "classic"})
    plan.cancels()
    assert "`canceled`" in refused(plan, "migrate", billing_mode={"type": "flexible"})["message"]
