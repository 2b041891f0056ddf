"""Every change of a subscription's status (§5.2): the state before, the cause, the state after."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from billow.app import App
from billow.core import dunning, lifecycle
from tests.support.world import Customer, Subscription, World, moment, seconds

Story = tuple[Customer, Subscription]
Act = Callable[[World, Story], object]
SENT = {"collection_method": "send_invoice", "days_until_due": 14}

# ------------------------------------------------------------------------------------- the state before


def subscribed(world: World, card: str | None = "visa", usd: int = 20, **more: Any) -> Story:
    world.at("2025-01-01")
    anna = world.customer("anna", card=card)
    return anna, anna.subscribes_to(world.plan("Pro", usd=usd), **more)


def subscribed_for_free(world: World) -> Story:
    return subscribed(world, card=None, usd=0)


def invoice_sent(world: World) -> Story:
    return subscribed(world, card=None, **SENT)


def incomplete(world: World) -> Story:
    return subscribed(world, "declining")


def incomplete_in_trial(world: World) -> Story:
    extra = {"price": world.once("Setup", usd=50)}
    return subscribed(world, "declining", trial_period_days=7, add_invoice_items=[extra])


def trialing(world: World) -> Story:
    return subscribed(world, trial_period_days=7)


def trialing_without_card(wanted: str) -> Callable[[World], Story]:
    ends = {"end_behavior": {"missing_payment_method": wanted}}
    return lambda world: subscribed(world, None, trial_period_days=7, trial_settings=ends)


def trial_over_without_card(world: World) -> Story:
    story = trialing_without_card("create_invoice")(world)
    world.at("2025-01-08")
    return story


def past_due(world: World) -> Story:
    anna, plan = subscribed(world)
    anna.pays_with("declining")
    world.at("2025-02-01 01:00")
    return anna, plan


def retries_used_up(world: World) -> Story:
    story = past_due(world)
    world.at("2025-02-16")
    return story


def paused(world: World) -> Story:
    story = subscribed(world)
    request(world, story, "/pause")
    return story


def resumed_and_uncollectible(world: World) -> Story:
    """The retries of February are used up; the invoice of the resumption is uncollectible."""
    story = retries_used_up(world)
    request(world, story, "/pause")
    request(world, story, "/resume")
    world.work()
    story[0].last_invoice.does("mark_uncollectible")
    return story


# ------------------------------------------------------------------------------------- the cause


def request(world: World, story: Story, path: str, **form: Any) -> object:
    return world.post(f"/v1/subscriptions/{story[1].id}{path}", **form)


def posts(path: str, **form: Any) -> Act:
    return lambda world, story: request(world, story, path, **form)


def cancels(world: World, story: Story) -> object:
    return story[1].cancels()


def pays(world: World, story: Story) -> object:
    story[0].pays_with("visa")
    return story[0].last_invoice.does("pay")


def last_invoice(verb: str) -> Act:
    return lambda world, story: story[0].last_invoice.does(verb)


def until(when: str) -> Act:
    return lambda world, story: world.at(when)


def planned_end(when: str) -> Act:
    def act(world: World, story: Story) -> None:
        story[1].update(cancel_at=int(moment(when).timestamp()), proration_behavior="none")
        world.at(when)

    return act


def balance_pays_next_invoice(world: World, story: Story) -> None:
    """Pay the next invoice from the customer's balance, so that nothing is due when it is finalized."""
    world.post(f"/v1/customers/{story[0].id}/balance_transactions", amount=-2000, currency="usd")
    world.at("2025-03-01 01:00")
    assert story[0].last_invoice.status == "paid"


def draft_is_paid(world: World, story: Story) -> None:
    """Pay the new invoice, a draft that is not finalized automatically: paying it finalizes it."""
    world.at("2025-03-02")
    assert story[0].last_invoice.status == "draft"
    pays(world, story)


# ------------------------------------------------------------------------------------- the table

ROWS: dict[str, tuple[Callable[[World], Story], str, Act, str]] = {
    "paid at once": (subscribed, "active", until("2025-01-02"), "active"),
    "nothing to pay": (subscribed_for_free, "active", until("2025-01-02"), "active"),
    "sent": (invoice_sent, "active", until("2025-01-14 23:59:59"), "active"),
    "due date passed": (invoice_sent, "active", until("2025-01-15"), "past_due"),
    "first payment made": (incomplete, "incomplete", pays, "active"),
    "first payment of a trial made": (incomplete_in_trial, "incomplete", pays, "trialing"),
    "22:59:59 hours without": (incomplete, "incomplete", until("2025-01-01 22:59:59"), "incomplete"),
    "23 hours without": (incomplete, "incomplete", until("2025-01-01 23:00"), "incomplete_expired"),
    "first invoice void": (incomplete, "incomplete", last_invoice("void"), "incomplete_expired"),
    "canceled before it began": (incomplete, "incomplete", cancels, "canceled"),
    "in trial": (trialing, "trialing", until("2025-01-07"), "trialing"),
    "trial over": (trialing, "trialing", until("2025-01-08"), "active"),
    "trial ended by request": (trialing, "trialing", posts("", trial_end="now"), "active"),
    "trial over, no card: invoice": (
        trialing_without_card("create_invoice"), "trialing", until("2025-01-08"), "active"),
    "trial over, no card: unpaid": (trial_over_without_card, "active", until("2025-01-08 01:00"), "past_due"),
    "trial over, no card: cancel": (
        trialing_without_card("cancel"), "trialing", until("2025-01-08"), "canceled"),
    "trial over, no card: pause": (trialing_without_card("pause"), "trialing", until("2025-01-08"), "paused"),
    "trial canceled": (trialing, "trialing", cancels, "canceled"),
    "trial given": (subscribed, "active", posts("", trial_end=seconds("2025-03-01")), "trialing"),
    "paused": (subscribed, "active", posts("/pause"), "paused"),
    "canceled": (subscribed, "active", cancels, "canceled"),
    "planned end": (subscribed, "active", planned_end("2025-01-20"), "canceled"),
    "void after an uncollectible one": (resumed_and_uncollectible, "active", last_invoice("void"), "unpaid"),
    "paid late": (past_due, "past_due", pays, "active"),
    "uncollectible": (past_due, "past_due", last_invoice("mark_uncollectible"), "active"),
    "void": (past_due, "past_due", last_invoice("void"), "active"),
    "covered by the balance": (past_due, "past_due", balance_pays_next_invoice, "active"),
    "last retry: cancel": (past_due, "past_due", until("2025-02-16"), "canceled"),
    "last retry: unpaid": (past_due, "past_due", until("2025-02-16"), "unpaid"),
    "last retry: past_due": (past_due, "past_due", until("2025-02-16"), "past_due"),
    "past due, paused": (past_due, "past_due", posts("/pause"), "paused"),
    "past due, canceled": (past_due, "past_due", cancels, "canceled"),
    "past due, planned end": (past_due, "past_due", planned_end("2025-02-10"), "canceled"),
    "unpaid, paid late": (retries_used_up, "unpaid", pays, "active"),
    "unpaid, uncollectible": (retries_used_up, "unpaid", last_invoice("mark_uncollectible"), "unpaid"),
    "unpaid, draft paid": (retries_used_up, "unpaid", draft_is_paid, "active"),
    "unpaid, paused": (retries_used_up, "unpaid", posts("/pause"), "paused"),
    "unpaid, canceled": (retries_used_up, "unpaid", cancels, "canceled"),
    "unpaid, planned end": (retries_used_up, "unpaid", planned_end("2025-02-20"), "canceled"),
    "resumed": (paused, "paused", posts("/resume"), "active"),
    "paused, canceled": (paused, "paused", cancels, "canceled"),
    "paused, planned end": (paused, "paused", planned_end("2025-01-20"), "canceled"),
}  # fmt: skip
FINAL_ACTIONS = {
    "last retry: cancel": "cancel",
    "last retry: past_due": "past_due",
    "covered by the balance": "past_due",
}


@pytest.mark.parametrize("name", ROWS)
def test_the_status_after_each_cause(
    app: App, monkeypatch: pytest.MonkeyPatch, world: World, name: str
) -> None:
    policy = replace(dunning.SMART, finally_=dunning.FINALLY[FINAL_ACTIONS.get(name, "unpaid")])
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, dunning=policy))
    set_up, start, act, end = ROWS[name]
    story = set_up(world)
    assert story[1].status == start
    act(world, story)
    assert story[1].status == end


def test_the_table_has_every_step_that_the_lifecycle_allows() -> None:
    allowed = {(old, new) for (old, _), new in lifecycle.SUBSCRIPTION.items() if old not in (new, "new")}
    assert {(start, end) for _, start, _, end in ROWS.values() if start != end} == allowed


# ------------------------------------------------------------------------------------- the consequences


def test_an_expired_subscription_can_never_be_paid(world: World) -> None:
    anna, plan = incomplete(world)
    world.at("2025-01-01 23:00")
    invoice = anna.last_invoice
    assert (invoice.status, invoice.intent["status"]) == ("void", "canceled")
    anna.pays_with("visa")
    path = f"/v1/invoices/{invoice.data['id']}/pay"
    for form in ({}, {"paid_out_of_band": True}):
        assert world.refused(path, **form)["status"] == 400
    assert world.refused(f"/v1/payment_intents/{invoice.intent['id']}/confirm")["status"] == 400
    assert plan.status == "incomplete_expired"


def test_an_incomplete_subscription_takes_only_metadata_and_another_card(world: World) -> None:
    anna, plan = incomplete(world)
    refusal = world.refused(f"/v1/subscriptions/{plan.id}", cancel_at_period_end=True)
    assert (refusal["status"], refusal["param"]) == (400, "cancel_at_period_end")
    assert plan.update(metadata={"why": "card"}, default_payment_method=anna.pays_with("visa"))["metadata"]
    assert plan.status == "incomplete"


def test_the_status_follows_the_latest_invoice_and_not_older_open_ones(world: World) -> None:
    anna, plan = invoice_sent(world)
    world.at("2025-02-01 01:00")
    january, february = anna.invoices
    february.does("pay", paid_out_of_band=True)
    assert (plan.status, january.status) == ("active", "open")
    world.at("2025-03-01 01:00")
    assert plan.status == "active"
