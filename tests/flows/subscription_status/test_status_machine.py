"""Every row of the table of states (§5.2), told as a story: from which state, by what, to which."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from billow.app import App
from billow.core import dunning, lifecycle
from tests.support.world import Customer, Subscription, World, moment

Story = tuple[Customer, Subscription]
Act = Callable[[World, Story], object]
SENT = {"collection_method": "send_invoice", "days_until_due": 14}

# ------------------------------------------------------------------------------------- how it came there


def begun(world: World, card: str | None = "visa", usd: int = 20, **more: Any) -> Story:
    world.at("2025-01-01")
    anna = world.customer("anna", card=card)
    return anna, anna.subscribes_to(world.plan("Pro", usd=usd), **more)


def free(world: World) -> Story:
    return begun(world, card=None, usd=0)


def sent(world: World) -> Story:
    return begun(world, card=None, **SENT)


def incomplete(world: World) -> Story:
    return begun(world, "declining")


def incomplete_in_trial(world: World) -> Story:
    extra = {"price": world.once("Setup", usd=50)}
    return begun(world, "declining", trial_period_days=7, add_invoice_items=[extra])


def trialing(world: World) -> Story:
    return begun(world, trial_period_days=7)


def trialing_without_card(wanted: str) -> Callable[[World], Story]:
    ends = {"end_behavior": {"missing_payment_method": wanted}}
    return lambda world: begun(world, None, trial_period_days=7, trial_settings=ends)


def over_without_card(world: World) -> Story:
    story = trialing_without_card("create_invoice")(world)
    world.at("2025-01-08")
    return story


def past_due(world: World) -> Story:
    anna, plan = begun(world)
    anna.pays_with("declining")
    world.at("2025-02-01 01:00")
    return anna, plan


def tried_to_the_end(world: World) -> Story:
    story = past_due(world)
    world.at("2025-02-16")
    return story


def paused(world: World) -> Story:
    story = begun(world)
    request(world, story, "/pause")
    return story


def resumed_and_forgiven(world: World) -> Story:
    """February was tried to the end; what the resumption cost was given up."""
    story = tried_to_the_end(world)
    request(world, story, "/pause")
    request(world, story, "/resume")
    world.work()
    story[0].last_invoice.does("mark_uncollectible")
    return story


# ------------------------------------------------------------------------------------- what happens


def request(world: World, story: Story, path: str, **form: Any) -> object:
    return world.post(f"/v1/subscriptions/{story[1].id}{path}", **form)


def asks(path: str, **form: Any) -> Act:
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


def next_one_is_covered(world: World, story: Story) -> None:
    """The balance pays the next invoice whole, so that nothing is due when it is finalized."""
    world.post(f"/v1/customers/{story[0].id}/balance_transactions", amount=-2000, currency="usd")
    world.at("2025-03-01 01:00")
    assert story[0].last_invoice.status == "paid"


def draft_is_paid(world: World, story: Story) -> None:
    """Its new invoice is a draft that stays one; paying it finalizes it."""
    world.at("2025-03-02")
    assert story[0].last_invoice.status == "draft"
    pays(world, story)


# ------------------------------------------------------------------------------------- the table

ROWS: dict[str, tuple[Callable[[World], Story], str, Act, str]] = {
    "paid at once": (begun, "active", until("2025-01-02"), "active"),
    "nothing to pay": (free, "active", until("2025-01-02"), "active"),
    "sent": (sent, "active", until("2025-01-15 00:59:59"), "active"),
    "due date passed": (sent, "active", until("2025-01-15 01:00"), "past_due"),
    "first payment made": (incomplete, "incomplete", pays, "active"),
    "first payment of a trial made": (incomplete_in_trial, "incomplete", pays, "trialing"),
    "22:59:59 hours without": (incomplete, "incomplete", until("2025-01-01 22:59:59"), "incomplete"),
    "23 hours without": (incomplete, "incomplete", until("2025-01-01 23:00"), "incomplete_expired"),
    "first invoice void": (incomplete, "incomplete", last_invoice("void"), "incomplete_expired"),
    "canceled before it began": (incomplete, "incomplete", cancels, "canceled"),
    "in trial": (trialing, "trialing", until("2025-01-07"), "trialing"),
    "trial over": (trialing, "trialing", until("2025-01-08"), "active"),
    "trial ended by request": (trialing, "trialing", asks("", trial_end="now"), "active"),
    "trial over, no card: invoice": (
        trialing_without_card("create_invoice"), "trialing", until("2025-01-08"), "active"),
    "trial over, no card: unpaid": (over_without_card, "active", until("2025-01-08 01:00"), "past_due"),
    "trial over, no card: cancel": (
        trialing_without_card("cancel"), "trialing", until("2025-01-08"), "canceled"),
    "trial over, no card: pause": (trialing_without_card("pause"), "trialing", until("2025-01-08"), "paused"),
    "trial canceled": (trialing, "trialing", cancels, "canceled"),
    "trial given": (begun, "active", asks("", trial_end=int(moment("2025-03-01").timestamp())), "trialing"),
    "paused": (begun, "active", asks("/pause"), "paused"),
    "canceled": (begun, "active", cancels, "canceled"),
    "planned end": (begun, "active", planned_end("2025-01-20"), "canceled"),
    "void after what was given up": (resumed_and_forgiven, "active", last_invoice("void"), "unpaid"),
    "paid after all": (past_due, "past_due", pays, "active"),
    "given up": (past_due, "past_due", last_invoice("mark_uncollectible"), "active"),
    "void": (past_due, "past_due", last_invoice("void"), "active"),
    "covered by the balance": (past_due, "past_due", next_one_is_covered, "active"),
    "last retry: cancel": (past_due, "past_due", until("2025-02-16"), "canceled"),
    "last retry: unpaid": (past_due, "past_due", until("2025-02-16"), "unpaid"),
    "last retry: past_due": (past_due, "past_due", until("2025-02-16"), "past_due"),
    "past due, paused": (past_due, "past_due", asks("/pause"), "paused"),
    "past due, canceled": (past_due, "past_due", cancels, "canceled"),
    "past due, planned end": (past_due, "past_due", planned_end("2025-02-10"), "canceled"),
    "unpaid, paid after all": (tried_to_the_end, "unpaid", pays, "active"),
    "unpaid, given up": (tried_to_the_end, "unpaid", last_invoice("mark_uncollectible"), "unpaid"),
    "unpaid, draft paid": (tried_to_the_end, "unpaid", draft_is_paid, "active"),
    "unpaid, paused": (tried_to_the_end, "unpaid", asks("/pause"), "paused"),
    "unpaid, canceled": (tried_to_the_end, "unpaid", cancels, "canceled"),
    "unpaid, planned end": (tried_to_the_end, "unpaid", planned_end("2025-02-20"), "canceled"),
    "resumed": (paused, "paused", asks("/resume"), "active"),
    "paused, canceled": (paused, "paused", cancels, "canceled"),
    "paused, planned end": (paused, "paused", planned_end("2025-01-20"), "canceled"),
}  # fmt: skip
WORDS = {
    "last retry: cancel": "cancel",
    "last retry: past_due": "past_due",
    "covered by the balance": "past_due",
}


@pytest.mark.parametrize("name", ROWS)
def test_from_a_state_by_what_to_which(
    app: App, monkeypatch: pytest.MonkeyPatch, world: World, name: str
) -> None:
    policy = replace(dunning.SMART, finally_=dunning.FINALLY[WORDS.get(name, "unpaid")])
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, dunning=policy))
    came_there, start, act, end = ROWS[name]
    story = came_there(world)
    assert story[1].status == start
    act(world, story)
    assert story[1].status == end


def test_every_step_that_the_lifecycle_allows_is_told() -> None:
    allowed = {(old, new) for (old, _), new in lifecycle.SUBSCRIPTION.items() if old not in (new, "new")}
    assert {(start, end) for _, start, _, end in ROWS.values() if start != end} == allowed


# ------------------------------------------------------------------------------------- what it means


def test_what_expired_can_never_be_paid(world: World) -> None:
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


def test_an_incomplete_one_takes_only_notes_and_another_card(world: World) -> None:
    anna, plan = incomplete(world)
    refusal = world.refused(f"/v1/subscriptions/{plan.id}", cancel_at_period_end=True)
    assert (refusal["status"], refusal["param"]) == (400, "cancel_at_period_end")
    assert plan.update(metadata={"why": "card"}, default_payment_method=anna.pays_with("visa"))["metadata"]
    assert plan.status == "incomplete"


def test_status_is_of_the_latest_and_older_ones_are_paid_by_themselves(world: World) -> None:
    anna, plan = sent(world)
    world.at("2025-02-01 01:00")
    january, february = anna.invoices
    february.does("pay", paid_out_of_band=True)
    assert (plan.status, january.status) == ("active", "open")
    world.at("2025-03-01 01:00")
    assert plan.status == "active"
