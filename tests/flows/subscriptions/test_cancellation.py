"""How a subscription ends: now, with its period, or not after all (§5.12, §10.3 F10)."""

from typing import Any

from tests.support.world import OPENED, PAID, RENEWED, Customer, Subscription, World

DELETED, CHANGED = "customer.subscription.deleted", "customer.subscription.updated"


def with_usage(world: World) -> tuple[Customer, Subscription]:
    """A base fee, and calls at a dollar: three of them by the middle of January."""
    world.at("2025-01-01")
    anna = world.customer("anna")
    base, calls = world.plan("Base", usd=20), world.metered("Calls", world.meter("calls"), cents="100")
    plan = anna.subscribes_to(base, calls)
    world.at("2025-01-15 10:30:20")
    anna.uses("calls", 3, "2025-01-14")
    world.forget()
    return anna, plan


def test_canceled_now_its_usage_is_not_billed(world: World) -> None:
    anna, plan = with_usage(world)
    answer = plan.cancels()
    world.check_events([DELETED])
    assert answer["status"] == "canceled"
    assert answer["canceled_at"] == answer["ended_at"]
    assert answer["cancellation_details"]["reason"] == "cancellation_requested"
    world.at("2025-03-10", expect=[])
    assert len(anna.invoices) == 1
    assert world.api.delete(f"/v1/subscriptions/{plan.id}").status == 404


def test_canceled_now_with_an_invoice_its_usage_so_far_is_billed(world: World) -> None:
    anna, plan = with_usage(world)
    anna.uses("calls", 2, "2025-01-15 10:30:20")  # at the very instant of the end: not any more
    anna.uses("calls", 1, "2025-01-15 10:30:19")
    plan.cancels(invoice_now=True)
    world.check_events([DELETED, "invoice.created"])
    world.at("2025-01-15 11:30:20", expect=[*OPENED, *PAID])
    anna.last_invoice.reads("""
        4 × Calls (at $1.00 / month)   4.00
        Total 4.00                     paid""")
    assert plan.now["latest_invoice"] == anna.last_invoice.data["id"]
    world.at("2025-03-10", expect=[])


def test_canceled_at_the_end_of_its_period_the_last_usage_is_billed(world: World) -> None:
    anna, plan = with_usage(world)
    answer = plan.update(cancel_at_period_end=True)
    world.check_events([CHANGED])
    assert answer["status"] == "active"
    assert answer["cancel_at"] == answer["items"]["data"][0]["current_period_end"]
    assert answer["canceled_at"] is not None
    world.at("2025-01-31 23:59:59", expect=[])
    world.at("2025-02-01", expect=[DELETED, "invoice.created"])
    assert plan.status == "canceled"
    world.at("2025-02-01 01:00", expect=[*OPENED, *PAID])
    assert anna.last_invoice.data["total"] == 300
    world.at("2025-03-10", expect=[])


def test_without_usage_the_end_of_the_period_makes_no_invoice(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Base", usd=20))
    plan.update(cancel_at_period_end=True)
    world.forget()
    world.at("2025-02-01", expect=[DELETED])
    assert len(anna.invoices) == 1


def test_a_planned_end_can_be_taken_back(world: World) -> None:
    anna, plan = with_usage(world)
    plan.update(cancel_at_period_end=True)
    answer = plan.update(cancel_at_period_end=False)
    world.check_events([CHANGED, CHANGED])
    assert (answer["cancel_at"], answer["canceled_at"]) == (None, None)
    world.at("2025-02-01 01:00", expect=[*RENEWED, *OPENED, *PAID])
    assert anna.last_invoice.data["total"] == 2300


def test_a_subscription_may_be_made_to_end_with_its_first_period(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Base", usd=20), cancel_at_period_end=True)
    world.forget()
    world.at("2025-02-01", expect=[DELETED])
    assert plan.status == "canceled"


def test_a_draft_that_stands_when_it_is_canceled_is_not_collected_by_itself(world: World) -> None:
    anna, plan = with_usage(world)
    world.at("2025-02-01 00:10")
    plan.cancels()
    world.check_events(["invoice.updated", DELETED])
    world.at("2025-02-10", expect=[])
    assert anna.last_invoice.status == "draft"
    anna.last_invoice.does("pay")
    assert anna.last_invoice.status == "paid"
    assert plan.status == "canceled"


def test_deleting_a_customer_cancels_what_they_have(world: World) -> None:
    anna, plan = with_usage(world)
    world.delete(f"/v1/customers/{anna.id}")
    world.check_events([DELETED, "customer.deleted"])
    assert plan.status == "canceled"
    world.at("2025-03-10", expect=[])


def test_a_canceled_subscription_takes_only_notes(world: World) -> None:
    _, plan = with_usage(world)
    plan.cancels()
    error = world.refused(f"/v1/subscriptions/{plan.id}", description="back again")
    assert error["code"] == "invalid_canceled_subscription_fields"
    assert plan.update(metadata={"why": "moved"})["metadata"] == {"why": "moved"}


def test_prorated_what_is_paid_and_not_used_is_given_back(world: World) -> None:
    anna, plan = with_usage(world)
    world.at("2025-01-16 12:00")
    plan.cancels(prorate=True)
    world.check_events(["invoiceitem.created", DELETED])
    [credit] = world.get("/v1/invoiceitems", customer=anna.id, pending=True)["data"]
    assert credit["amount"] == -1000
    assert credit["description"] == "Unused time on Base after 16 Jan 2025"
    assert anna.bills(subscription=plan.id).does("finalize")["total"] == -1000
    assert anna.now["balance"] == -1000


def test_what_a_subscription_left_is_on_the_next_invoice_by_hand(world: World) -> None:
    anna, plan = with_usage(world)
    other = anna.subscribes_to(world.plan("Extra", usd=5))
    anna.owes(700, "Other", subscription=other.id)
    world.at("2025-01-16 12:00")
    plan.cancels(prorate=True)
    anna.owes(1500, "Help")
    by_hand = anna.bills()
    by_hand.reads("""
        Help                                    15.00
        Unused time on Base after 16 Jan 2025  -10.00
        Total 5.00                              draft""")
    assert [item["description"] for item in pending(world, anna)] == ["Other"]


def test_an_invoice_by_hand_for_a_subscription_has_its_items_alone(world: World) -> None:
    anna, plan = with_usage(world)
    anna.owes(700, "Ours", subscription=plan.id)
    anna.owes(1500, "Anybody's")
    assert anna.bills(subscription=plan.id).data["total"] == 700
    assert anna.bills().data["total"] == 1500


def pending(world: World, anna: Customer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.get("/v1/invoiceitems", customer=anna.id, pending=True)["data"]
    return found


def test_prorated_and_invoiced_now_credit_and_usage_stand_together(world: World) -> None:
    anna, plan = with_usage(world)
    world.at("2025-01-16 12:00")
    plan.cancels(prorate=True, invoice_now=True)
    world.at("2025-01-16 13:00")
    anna.last_invoice.reads("""
        Unused time on Base after 16 Jan 2025   -10.00
        3 × Calls (at $1.00 / month)            3.00
        Total -7.00                             paid""")
    assert anna.now["balance"] == -700


def test_canceled_in_the_instant_of_its_creation_with_proration_nothing_is_owed(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Base", usd=20))
    plan.cancels(prorate=True)
    [credit] = world.get("/v1/invoiceitems", customer=anna.id, pending=True)["data"]
    assert credit["amount"] == -2000


def test_prorations_that_wait_are_dropped_with_a_plain_cancellation(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Base", usd=20))
    item = plan.now["items"]["data"][0]["id"]
    plan.update(items=[{"id": item, "quantity": 2}])
    anna.owes(500)
    plan.cancels()
    [left] = world.get("/v1/invoiceitems", customer=anna.id, pending=True)["data"]
    assert left["amount"] == 500
