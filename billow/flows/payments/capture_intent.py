"""Capture what a payment intent holds, once or in parts, raise the hold, and let go what is left of it."""

from typing import Any

from billow.api import render, rows
from billow.api.operation import merged_value
from billow.core import holds as rules
from billow.core.errors import Refused, require
from billow.core.money import show
from billow.core.payments import Declined
from billow.flows.outside.outside import gateway_named
from billow.flows.payments import charges, collect, holds, intent_states, refunds, settle, shares
from billow.flows.payments.amounts import check_amount, check_descriptor, check_units
from billow.flows.payments.confirm_intent import kept
from billow.flows.payments.payment_intent_params import Capture, Increment
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge
from billow.resources.payment_intent import PaymentIntent
from billow.store.perform import Steps, ask
from billow.store.tx import Tx


@PaymentIntent.action("capture", Capture)
def capture(tx: Tx, intent: PaymentIntent, wanted: Capture) -> Steps:
    """Capture what a payment intent holds, in full or in part; the rest of the hold is let go.

    With `final_capture` false the rest stays held, where the charge shows `multicapture` as available. An
    `amount_to_capture` of 0 lets go what is left after earlier captures.
    """
    intent_states.check_capturable(tx, intent)
    charge = rows.find(tx, Charge, intent.latest_charge or "")
    amount = intent.amount_capturable if wanted.amount_to_capture is None else wanted.amount_to_capture
    check_capture(tx, charge, wanted, amount)
    shared = shares.at_capture(tx, intent, wanted, amount)
    tx, charge = refunds.lock_charge(tx, charge)
    rows.update(tx, intent, event=None, **{**changes_of(intent, wanted), **shared})
    charge = rows.update(tx, charge, event=None, **shared)
    answer = yield from carry_out(tx, intent, charges.begin_capture(tx, charge, amount, wanted.final_capture))
    return answer


def carry_out(tx: Tx, intent: PaymentIntent, attempt: Attempt) -> Steps:
    """Capture what an attempt says; answer with the intent, or with the error of one that holds nothing."""
    tx, outcome = yield ask(collect.carry_out, gateway_named(tx, attempt.gateway), attempt)
    settle.settle(tx, rows.lock(tx, Attempt, attempt.id), outcome)
    after = rows.find(tx, PaymentIntent, intent.id)
    done = rows.find(tx, Attempt, attempt.id).state == "succeeded"
    return after if done else intent_states.not_capturable(tx, after)


def let_go_rest(tx: Tx, intent: PaymentIntent) -> Steps:
    """Let go what is left of a hold that was captured in part: its intent has succeeded then."""
    tx, charge = refunds.lock_charge(tx, rows.find(tx, Charge, intent.latest_charge or ""))
    answer = yield from carry_out(tx, intent, charges.begin_capture(tx, charge, 0))
    return answer


def check_capture(tx: Tx, charge: Charge, wanted: Capture, amount: int) -> None:
    """Refuse a capture that the hold does not allow, or that says what captures in parts cannot."""
    hold, final = holds.hold_of(charge), wanted.final_capture
    require(
        amount or (final and hold.captured),
        "This value must be greater than or equal to 1.",
        param="amount_to_capture",
        code="parameter_invalid_integer",
    )
    most = hold.capturable(final)
    require(
        amount <= most,
        f"The amount to capture ({show(amount, charge.currency)}) is greater than what the PaymentIntent"
        f" holds ({show(most, charge.currency)}).",
        param="amount_to_capture",
        code="amount_too_large",
    )
    check_units(amount, charge.currency, "amount_to_capture")
    require(
        final or (holds.allows(charge, rules.MULTICAPTURE) and not charge.application_fee_amount),
        "This PaymentIntent can be captured once: multicapture is not available for it.",
        param="final_capture",
    )
    require(
        final or captures_of(tx, charge, "capture", "succeeded") < rules.CAPTURES - 1,
        f"A PaymentIntent can be captured {rules.CAPTURES} times: this capture has to be the final one.",
        param="final_capture",
    )
    for name in ("application_fee_amount", "transfer_data"):
        require(
            not (wanted.given(name) and (hold.captured or not final)),
            f"A PaymentIntent that is captured more than once is not shared: {name} cannot be set.",
            param=name,
        )
    for name in ("statement_descriptor", "statement_descriptor_suffix"):
        check_descriptor(name, getattr(wanted, name))


def captures_of(tx: Tx, charge: Charge, kind: str, *states: str) -> int:
    """Count the captures of a charge, or the raises of its hold."""
    counted = "charge = %(id)s and kind = %(kind)s and state = any(%(states)s)"
    return len(rows.select(tx, Attempt, counted, id=charge.id, kind=kind, states=list(states)))


def changes_of(intent: PaymentIntent, wanted: Any) -> dict[str, Any]:
    """Return what a request changes on an intent besides the money."""
    changes = kept(wanted, intent)
    if wanted.given("metadata"):
        changes["metadata"] = merged_value(intent, "metadata", wanted.metadata)
    return changes


@PaymentIntent.action("increment_authorization", Increment)
def increment_authorization(tx: Tx, intent: PaymentIntent, wanted: Increment) -> Steps:
    """Raise what a payment intent holds, where its charge shows that as available, at most ten times.

    `amount` is the new total. A decline leaves everything as it is, and the former amount can be captured.
    """
    intent_states.check_capturable(tx, intent)
    charge = rows.find(tx, Charge, intent.latest_charge or "")
    check_increment(tx, intent, charge, wanted)
    terms = {**changes_of(intent, wanted), **shares.at_capture(tx, intent, wanted, wanted.amount)}
    tx, charge = refunds.lock_charge(tx, charge)
    if refunds.processing_capture(tx, charge) or refunds.is_changing(tx, charge):
        raise refunds.in_use(charge)
    raised = charges.of_hold(charge, wanted.amount).but(kind="increment", terms=rows.plain_value(terms))
    attempt = collect.write_down(tx, raised)
    tx, outcome = yield ask(collect.carry_out, gateway_named(tx, attempt.gateway), attempt)
    settle.settle(tx, rows.lock(tx, Attempt, attempt.id), outcome)
    after = rows.find(tx, PaymentIntent, intent.id)
    return not_raised(tx, after, outcome) if isinstance(outcome, Declined) else after


def check_increment(tx: Tx, intent: PaymentIntent, charge: Charge, wanted: Increment) -> None:
    """Refuse to raise a hold that cannot be raised, or not to this amount."""
    require(
        wanted.amount > intent.amount,
        "The amount must be greater than the currently authorized amount.",
        param="amount",
    )
    check_amount(wanted.amount, intent.currency)
    check_descriptor("statement_descriptor", wanted.statement_descriptor)
    if charge.amount_captured or not holds.allows(charge, rules.INCREMENT):
        why = (
            "funds of it have been captured"
            if charge.amount_captured
            else "its charge shows payment_method_details[card][incremental_authorization][status] as"
            " unavailable"
        )
        raise intent_states.unexpected(
            tx, intent, f"This PaymentIntent's authorization cannot be incremented: {why}."
        )
    if captures_of(tx, charge, "increment", "succeeded", "failed") >= rules.INCREMENTS:
        raise intent_states.unexpected(
            tx,
            intent,
            f"This PaymentIntent's authorization was attempted to be incremented {rules.INCREMENTS} times,"
            " which is the maximum.",
        )


def not_raised(tx: Tx, intent: PaymentIntent, outcome: Declined) -> Refused:
    """Return the 402 answer of a hold that the bank does not raise."""
    more: dict[str, Any] = {"decline_code": outcome.decline_code} if outcome.decline_code else {}
    return Refused(
        outcome.message,
        code=outcome.code,
        status=402,
        type="card_error",
        charge=intent.latest_charge,
        payment_intent=render.one(tx, intent),
        **more,
    )
