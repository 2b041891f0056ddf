"""Trials: free at first, announced before they end, and what happens when nobody can be charged (§5.10)."""

import pytest

from tests.support.world import BEGUN, FREE, OPENED, PAID, REFUSED, RENEWED, World

WARNED = "customer.subscription.trial_will_end"


def test_a_trial_costs_nothing_is_announced_and_becomes_a_paid_period(world: World) -> None:
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    anna = world.customer("anna")
    plan = anna.subscribes_to(pro, trial_period_days=14)
    world.check_events(["invoice.created", *FREE, *BEGUN])
    assert plan.status == "trialing"
    assert plan.period == ("2025-01-01", "2025-01-15")
    anna.last_invoice.reads("""
        Free trial for 1 × Pro   0.00
        Total 0.00               paid""")
    world.at("2025-01-11 23:59:59", expect=[])
    world.at("2025-01-12", expect=[WARNED])
    world.at("2025-01-15", expect=RENEWED)
    assert plan.status == "active"
    assert plan.period == ("2025-01-15", "2025-02-15")
    world.at("2025-01-15 01:00", expect=[*OPENED, *PAID])
    assert [invoice.data["total"] for invoice in anna.invoices] == [0, 2000]


def test_a_trial_that_is_shorter_than_the_notice_is_announced_at_once(world: World) -> None:
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    anna = world.customer("anna")
    anna.subscribes_to(pro, trial_period_days=2)
    world.at("2025-01-01 00:01", expect=["invoice.created", *FREE, *BEGUN, WARNED])
    world.at("2025-01-03", expect=RENEWED)


def test_a_trial_may_end_at_a_given_moment(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    end = 1738411200  # 2025-02-01 12:00
    plan = anna.subscribes_to(world.plan("Pro", usd=20), trial_end=end)
    assert plan.now["trial_end"] == end
    world.at("2025-02-01 11:59")
    assert plan.status == "trialing"
    world.at("2025-02-01 13:00")
    assert plan.status == "active"
    assert plan.now["billing_cycle_anchor"] == end


def missing(behavior: str) -> dict[str, object]:
    return {"trial_period_days": 7, "trial_settings": {"end_behavior": {"missing_payment_method": behavior}}}


def test_a_trial_without_method_is_invoiced_and_past_due(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    plan = anna.subscribes_to(world.plan("Pro", usd=20), **missing("create_invoice"))
    world.at("2025-01-07")
    world.at("2025-01-08", expect=RENEWED)
    assert plan.status == "active"
    world.at(
        "2025-01-08 01:00",
        expect=[*OPENED, *REFUSED[1:], "customer.subscription.updated", "customer.updated"],
    )
    assert plan.status == "past_due"
    anna.pays_with("visa")
    anna.last_invoice.does("pay")
    assert plan.status == "active"


def test_a_trial_without_method_is_canceled_where_that_is_wished(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    plan = anna.subscribes_to(world.plan("Pro", usd=20), **missing("cancel"))
    world.at("2025-01-07")
    world.at("2025-01-08", expect=["customer.subscription.deleted", "setup_intent.canceled"])
    assert plan.status == "canceled"
    world.at("2025-03-08", expect=[])
    assert len(anna.invoices) == 1


def test_a_trial_without_method_is_paused_where_that_is_wished(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    plan = anna.subscribes_to(world.plan("Pro", usd=20), **missing("pause"))
    world.at("2025-01-07")
    world.at("2025-01-08", expect=["customer.subscription.paused", "customer.subscription.updated"])
    assert plan.status == "paused"
    reason = plan.now["status_details"]["paused"]["subscription"]["type"]
    assert reason == "trial_end_without_payment_method"
    world.at("2025-03-08", expect=[])
    assert len(anna.invoices) == 1


def test_a_method_added_during_the_trial_pays(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    plan = anna.subscribes_to(world.plan("Pro", usd=20), **missing("cancel"))
    world.at("2025-01-05")
    anna.pays_with("visa")
    world.at("2025-01-08 01:00")
    assert plan.status == "active"
    assert anna.last_invoice.status == "paid"


def test_canceling_in_a_trial_costs_nothing(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=20), trial_period_days=7)
    world.at("2025-01-03")
    plan.update(cancel_at_period_end=True)
    world.at("2025-01-08", expect=["customer.subscription.updated", WARNED, "customer.subscription.deleted"])
    assert [invoice.data["total"] for invoice in anna.invoices] == [0]


def test_usage_in_a_trial_is_not_billed(world: World) -> None:
    world.at("2025-01-01")
    price = world.metered("Calls", world.meter("calls"), cents="10")
    anna = world.customer("anna")
    plan = anna.subscribes_to(price, trial_period_days=7)
    assert plan.status == "trialing"
    world.at("2025-01-05")
    anna.uses("calls", 100, "2025-01-04")
    world.at("2025-01-08 01:00")
    anna.uses("calls", 3, "2025-01-08 00:30")
    world.at("2025-02-08 01:00")
    anna.last_invoice.reads("""
        3 × Calls (at $0.10 / month)   0.30
        Total 0.30                     paid""")
    assert sum(invoice.data["total"] for invoice in anna.invoices) == 30


def test_a_trial_that_is_ended_early_is_announced_at_once_and_only_once(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    early, late = (anna.subscribes_to(world.plan("Pro", usd=20), trial_period_days=7) for _ in "ab")
    world.at("2025-01-03")
    early.update(trial_end="now")
    assert world.emitted().count(WARNED) == 1
    world.at("2025-01-05")
    late.update(trial_end="now")
    assert WARNED not in world.emitted()


@pytest.mark.parametrize("behavior", ["cancel", "pause"])
def test_an_invoice_that_is_sent_needs_no_payment_method(world: World, behavior: str) -> None:
    """§5.10: nothing could be missing, so the end of the trial cannot depend on it."""
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=20)
    sent = {"collection_method": "send_invoice", "days_until_due": 7}
    terms, name = missing(behavior), "trial_settings[end_behavior][missing_payment_method]"
    error = world.refused("/v1/subscriptions", customer=anna.id, items=[{"price": pro}], **sent, **terms)
    assert (error["status"], error["param"]) == (400, name)
    charged, invoiced = anna.subscribes_to(pro, **terms), anna.subscribes_to(pro, trial_period_days=7, **sent)
    settings = {"trial_settings": terms["trial_settings"]}
    refusals = [
        world.refused(f"/v1/subscriptions/{invoiced.id}", **settings),
        world.refused(f"/v1/subscriptions/{charged.id}", **sent, **settings),
        world.refused(f"/v1/subscriptions/{charged.id}", **sent),
    ]
    assert [error["param"] for error in refusals] == [name, name, "collection_method"]
    charged.update(**sent, trial_settings={"end_behavior": {"missing_payment_method": "create_invoice"}})
    invoiced.update(collection_method="charge_automatically", **settings)


def test_after_the_trial_its_settings_stand_in_the_way_of_nothing(world: World) -> None:
    world.at("2025-01-01")
    plan = world.customer("anna").subscribes_to(world.plan("Pro", usd=20), **missing("cancel"))
    world.at("2025-01-09")
    plan.update(collection_method="send_invoice", days_until_due=7)
    assert plan.now["collection_method"] == "send_invoice"
