"""How does a subscription begin: paid, declined, waiting, or never (§10.3 F1 to F5)."""

import pytest

from billow.flows.subscription_terms import params
from tests.support.world import BEGUN, OPENED, PAID, REFUSED, Subscription, World, moment, seconds


def test_a_card_that_pays_makes_the_subscription_active_at_once(world: World) -> None:
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    anna = world.customer("anna")
    plan = anna.subscribes_to(pro)
    world.check_events(["invoice.created", *OPENED, *PAID, *BEGUN])
    assert plan.status == "active"
    assert plan.period == ("2025-01-01", "2025-02-01")
    anna.last_invoice.reads("""
        1 × Pro (at $20.00 / month)    20.00
        Total 20.00                    paid""")
    first = anna.last_invoice.data
    assert first["billing_reason"] == "subscription_create"
    assert first["period_start"] == first["period_end"] == first["created"]
    assert plan.now["latest_invoice"] == first["id"]


def test_quantities_multiply_and_items_are_billed_together(world: World) -> None:
    world.at("2025-01-01")
    seat, support = world.plan("Seat", usd="12.50"), world.plan("Support", usd=99)
    anna = world.customer("anna")
    anna.subscribes_to({"price": seat, "quantity": 3}, support)
    anna.last_invoice.reads("""
        3 × Seat (at $12.50 / month)      37.50
        1 × Support (at $99.00 / month)   99.00
        Total 136.50                      paid""")


def test_default_incomplete_waits_for_the_customer_to_confirm(world: World) -> None:
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    anna = world.customer("anna")
    plan = anna.subscribes_to(pro, payment_behavior="default_incomplete")
    world.check_events(["invoice.created", *OPENED, *BEGUN])
    assert plan.status == "incomplete"
    intent = anna.last_invoice.intent
    assert intent["status"] == "requires_confirmation"
    world.post(f"/v1/payment_intents/{intent['id']}/confirm")
    world.check_events([*PAID, "customer.subscription.updated"])
    assert plan.status == "active"
    # Nothing is left of the 23 hours that it had.
    world.at("2025-01-05", expect=[])
    assert plan.status == "active"


def test_without_a_card_default_incomplete_waits_for_one(world: World) -> None:
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    anna = world.customer("anna", card=None)
    keep = {"save_default_payment_method": "on_subscription"}
    plan = anna.subscribes_to(pro, payment_behavior="default_incomplete", payment_settings=keep)
    intent = anna.last_invoice.intent
    assert intent["status"] == "requires_payment_method"
    method = world.post("/v1/payment_methods/pm_card_visa/attach", customer=anna.id)["id"]
    world.forget()
    world.post(f"/v1/payment_intents/{intent['id']}/confirm", payment_method=method)
    world.check_events([*PAID, "customer.subscription.updated"])
    assert plan.status == "active"
    assert plan.now["default_payment_method"] == method


def test_a_declined_first_payment_leaves_it_incomplete_and_in_23_hours_it_never_was(world: World) -> None:
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    anna = world.customer("anna", card="declining")
    plan = anna.subscribes_to(pro)
    world.check_events(["invoice.created", *OPENED, *REFUSED, *BEGUN])
    assert plan.status == "incomplete"
    assert anna.last_invoice.data["attempt_count"] == 1
    assert anna.last_invoice.data["next_payment_attempt"] is None
    world.at("2025-01-01 22:59:59", expect=[])
    world.at(
        "2025-01-01 23:00",
        expect=["payment_intent.canceled", "invoice.voided", "customer.subscription.updated"],
    )
    expired_at(plan, "2025-01-01 23:00")
    assert anna.last_invoice.status == "void"
    world.at("2025-02-10", expect=[])


def test_an_incomplete_subscription_begins_when_its_first_invoice_is_paid_in_time(world: World) -> None:
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    anna = world.customer("anna", card="declining")
    plan = anna.subscribes_to(pro)
    world.at("2025-01-01 12:00")
    anna.pays_with("visa")
    world.forget()
    anna.last_invoice.does("pay")
    world.check_events([*PAID, "customer.subscription.updated"])
    assert plan.status == "active"
    assert not anna.now["delinquent"]
    assert plan.period == ("2025-01-01", "2025-02-01")


def test_voiding_the_first_invoice_ends_an_incomplete_subscription(world: World) -> None:
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    anna = world.customer("anna", card="declining")
    plan = anna.subscribes_to(pro)
    world.forget()
    anna.last_invoice.does("void")
    world.check_events(["payment_intent.canceled", "invoice.voided", "customer.subscription.updated"])
    expired_at(plan, "2025-01-01")
    world.at("2025-01-03", expect=[])


def expired_at(plan: Subscription, when: str) -> None:
    """Check that a subscription has expired for want of its first payment, and that its event says so."""
    [event] = plan.world.get("/v1/events", type="customer.subscription.updated", limit=1)["data"]
    for shown in (plan.now, event["data"]["object"]):
        assert shown["status"] == "incomplete_expired"
        assert (shown["canceled_at"], shown["ended_at"]) == (seconds(when), seconds(when))
    assert event["data"]["previous_attributes"]["canceled_at"] is None


def test_a_card_that_asks_for_authentication_leaves_it_incomplete(world: World) -> None:
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    anna = world.customer("anna", card="always 3DS")
    plan = anna.subscribes_to(pro)
    asked = ["payment_intent.requires_action", "invoice.payment_action_required", "invoice.updated"]
    world.check_events(["invoice.created", *OPENED, *asked, *BEGUN])
    assert plan.status == "incomplete"
    assert anna.last_invoice.intent["next_action"]["type"] == "use_stripe_sdk"


def test_a_subscription_without_any_method_is_refused_and_nothing_of_it_is_kept(world: World) -> None:
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    anna = world.customer("anna", card=None)
    error = world.refused("/v1/subscriptions", customer=anna.id, items=[{"price": pro}])
    assert (error["status"], error["code"]) == (400, "resource_missing")
    assert anna.invoices == []
    world.check_events([])


def test_a_customer_has_so_many_subscriptions_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(params, "MAX_SUBSCRIPTIONS", 2)
    world.at("2025-01-01")
    anna = world.customer("anna")
    price = world.plan("Pro", usd=20)
    plan = anna.subscribes_to(price)
    phases = [{"items": [{"price": price}], "duration": {"interval": "month"}}]
    start = int(moment("2025-02-01").timestamp())
    planned = {"customer": anna.id, "start_date": start, "phases": phases}
    world.post("/v1/subscription_schedules", **planned)
    more = {"customer": anna.id, "items": [{"price": price}]}
    assert world.refused("/v1/subscriptions", **more)["code"] == "customer_max_subscriptions"
    assert world.refused("/v1/subscription_schedules", **planned)["code"] == "customer_max_subscriptions"
    plan.cancels()
    anna.subscribes_to(price)
    world.at("2025-02-01 01:00")
    assert len(world.get("/v1/subscriptions", customer=anna.id)["data"]) == 2


def test_those_on_a_test_clock_are_listed_with_it_or_their_customer(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=20))

    def listed(**query: str) -> list[str]:
        return [one["id"] for one in world.get("/v1/subscriptions", **query)["data"]]

    assert listed() == []
    assert listed(customer=anna.id) == listed(test_clock=world.clock or "") == [plan.id]
    plan.cancels()
    assert listed(customer=anna.id) == listed(customer=anna.id, status="active") == []
    assert listed(customer=anna.id, status="all") == listed(customer=anna.id, status="ended") == [plan.id]
