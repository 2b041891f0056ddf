"""Which transitions are allowed, and can every state be reached?"""

import pytest

from billow.core.errors import Refused
from billow.core.lifecycle import (
    INVOICE,
    NEW,
    PAYMENT_INTENT,
    QUOTE,
    SCHEDULE,
    SETUP_INTENT,
    SUBSCRIPTION,
    after,
    reachable,
    states,
)

TABLES = [SUBSCRIPTION, INVOICE, PAYMENT_INTENT, QUOTE, SCHEDULE, SETUP_INTENT]


def walk(table, start, *actions):
    for action in actions:
        start = after(table, start, action)
    return start


def test_the_states_are_stripes():
    assert states(SUBSCRIPTION) == {
        "incomplete",
        "incomplete_expired",
        "trialing",
        "active",
        "past_due",
        "unpaid",
        "paused",
        "canceled",
    }
    assert states(INVOICE) == {"draft", "open", "paid", "void", "uncollectible", "deleted"}
    assert states(QUOTE) == {"accepted", "canceled", "draft", "open"}
    assert states(SCHEDULE) == {"active", "canceled", "completed", "not_started", "released"}
    assert states(PAYMENT_INTENT) == {
        "requires_payment_method",
        "requires_confirmation",
        "requires_action",
        "processing",
        "requires_capture",
        "succeeded",
        "canceled",
    }


@pytest.mark.parametrize("table", TABLES)
def test_every_state_can_be_reached(table):
    assert reachable(table, NEW) == states(table)


@pytest.mark.parametrize(
    ("table", "ends"),
    [
        (SUBSCRIPTION, {"canceled", "incomplete_expired"}),
        (INVOICE, {"void", "deleted"}),  # a payment by bank can come back after weeks
        (PAYMENT_INTENT, {"succeeded", "canceled"}),
        (SETUP_INTENT, {"succeeded", "canceled"}),
        (QUOTE, {"accepted", "canceled"}),
        (SCHEDULE, {"canceled", "completed", "released"}),
    ],
)
def test_ends_are_final_and_nothing_else_is(table, ends):
    assert {state for state in states(table) if reachable(table, state) == {state}} == ends


def test_a_subscription_that_is_not_paid_comes_back_when_it_is():
    assert walk(SUBSCRIPTION, NEW, "await_payment", "activate", "miss_payment") == "past_due"
    assert walk(SUBSCRIPTION, "past_due", "mark_unpaid", "activate") == "active"


def test_every_living_subscription_can_be_canceled():
    for state in states(SUBSCRIPTION) - {"canceled", "incomplete_expired"}:
        assert after(SUBSCRIPTION, state, "cancel") == "canceled"


def test_an_incomplete_subscription_expires_and_is_never_past_due():
    assert after(SUBSCRIPTION, "incomplete", "miss_payment") == "incomplete"
    assert after(SUBSCRIPTION, "incomplete", "expire") == "incomplete_expired"


def test_an_uncollectible_invoice_may_still_be_paid_or_voided():
    assert walk(INVOICE, NEW, "create", "finalize", "mark_uncollectible", "pay") == "paid"
    assert after(INVOICE, "uncollectible", "void") == "void"


@pytest.mark.parametrize(
    ("action", "to"), [("pay", "paid"), ("miss_payment", "open"), ("send", "open"), ("void", "void")]
)
def test_an_open_invoice_is_paid_sent_or_voided_and_stays_open_when_payment_fails(action, to):
    assert after(INVOICE, "open", action) == to


@pytest.mark.parametrize(
    ("state", "action"),
    [
        ("draft", "void"),
        ("open", "delete"),
        ("open", "finalize"),
        ("paid", "pay"),
        ("void", "pay"),
        ("paid", "void"),
    ],
)
def test_an_invoice_refuses_what_its_state_forbids(state, action):
    with pytest.raises(Refused, match=f"'{state}'.*'{action}'") as caught:
        after(INVOICE, state, action)
    assert (caught.value.status, caught.value.code) == (400, None)


def test_a_failed_attempt_asks_for_another_payment_method():
    assert walk(PAYMENT_INTENT, NEW, "create_with_method", "confirm", "fail") == "requires_payment_method"


def test_a_payment_under_way_cannot_be_canceled():
    with pytest.raises(Refused) as caught:
        after(PAYMENT_INTENT, "processing", "cancel")
    assert caught.value.code == "payment_intent_unexpected_state"
