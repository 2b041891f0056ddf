"""Settle the gateway's answer to a set-up: the attempt, the intent, its method, and who waits for it."""

from typing import Any

from billow.api import render, rows
from billow.core import lifecycle
from billow.core.payments import Declined, NeedsAction, Outcome, Pending, Succeeded
from billow.flows.customers import payment_methods
from billow.flows.payments import next_action
from billow.resources.attempt import Attempt
from billow.resources.customer import Customer
from billow.resources.mandate import Mandate
from billow.resources.payment_method import PaymentMethod
from billow.resources.setup_attempt import SetupAttempt
from billow.resources.setup_intent import SetupIntent
from billow.resources.subscription import Subscription
from billow.store import clocks, jobs
from billow.store.tx import Tx

AUTHENTICATION = "payment_intent_authentication_failure"


def settle_setup(tx: Tx, attempt: Attempt, outcome: Outcome) -> None:
    """Apply the gateway's answer to a set-up. Locks the customer, the intent and its method."""
    for customer in rows.lock_many(tx, Customer, [attempt.customer] if attempt.customer else []):
        tx = clocks.enter(tx, customer.test_clock)
    intent = rows.lock(tx, SetupIntent, attempt.setup_intent or "")
    [shown] = rows.select(tx, SetupAttempt, "attempt = %(id)s", id=attempt.id)
    if isinstance(outcome, Pending):
        return
    jobs.cancel(tx, "attempt.resolve", attempt.id)
    match outcome:
        case Succeeded():
            close(tx, attempt, shown, "succeeded")
            succeed(tx, intent, attempt)
        case NeedsAction():
            rows.update(tx, attempt, event=None, action_url=outcome.url)
            close(tx, attempt, shown, "requires_action")
            rows.update(
                tx,
                intent,
                event="setup_intent.requires_action",
                next_action=next_action.of(tx, intent, outcome),
                status=lifecycle.after(lifecycle.SETUP_INTENT, "processing", "require_action"),
            )
        case Declined():
            fail(tx, intent, attempt, shown, outcome)


def close(tx: Tx, attempt: Attempt, shown: SetupAttempt, state: str, **more: Any) -> None:
    """Store the state of an attempt, and of what the API shows of it."""
    rows.update(tx, attempt, event=None, state=state)
    rows.update(tx, shown, event=None, status=state, **more)


def succeed(tx: Tx, intent: SetupIntent, attempt: Attempt) -> None:
    """Record a set-up that succeeded: its method is the customer's, and pays the subscription that waits.

    Emits `payment_method.attached`, `setup_intent.succeeded` and `customer.subscription.updated`.
    """
    method = rows.lock(tx, PaymentMethod, attempt.payment_method or "")
    if intent.customer:
        method = payment_methods.attach_if_new(tx, method, intent.customer)
    rows.update(
        tx,
        intent,
        event="setup_intent.succeeded",
        last_setup_error=None,
        next_action=None,
        status=lifecycle.after(lifecycle.SETUP_INTENT, "processing", "succeed"),
    )
    if intent.subscription:
        for subscription in rows.lock_many(tx, Subscription, [intent.subscription]):
            if subscription.pending_setup_intent == intent.id:
                rows.update(tx, subscription, default_payment_method=method.id, pending_setup_intent=None)


def fail(tx: Tx, intent: SetupIntent, attempt: Attempt, shown: SetupAttempt, outcome: Declined) -> None:
    """Record a set-up that was declined. Emits `setup_intent.setup_failed`."""
    method = rows.find(tx, PaymentMethod, attempt.payment_method or "")
    error = error_of(tx, method, outcome)
    close(tx, attempt, shown, "failed", setup_error=error)
    for mandate in rows.lock_many(tx, Mandate, [intent.mandate] if intent.mandate else []):
        rows.update(tx, mandate, status="inactive")
    rows.update(
        tx,
        intent,
        event="setup_intent.setup_failed",
        last_setup_error=error,
        mandate=None,
        next_action=None,
        payment_method=None,
        status=lifecycle.after(lifecycle.SETUP_INTENT, "processing", "fail"),
    )


def error_of(tx: Tx, method: PaymentMethod, outcome: Declined) -> dict[str, Any]:
    """Return the error of a declined set-up, which the intent keeps and the caller gets (§1.10)."""
    code = outcome.code.replace(AUTHENTICATION, "setup_intent_authentication_failure")
    error: dict[str, Any] = {
        "type": "invalid_request_error" if "authentication_failure" in code else "card_error",
        "message": outcome.message,
        "code": code,
        "doc_url": f"https://docs.stripe.com/error-codes/{code.replace('_', '-')}",
        "payment_method": render.one(tx, method),
    }
    return error | ({"decline_code": outcome.decline_code} if outcome.decline_code else {})
