"""Capture what a payment intent holds, raise the hold, and let it go when it expires."""

from typing import Any

from billow.api import rows
from billow.api.operation import merged_value
from billow.core.errors import Refused, require
from billow.core.money import show
from billow.flows.outside.outside import gateway_named
from billow.flows.payments import charges, collect, intent_states, refunds, settle, shares
from billow.flows.payments.amounts import check_descriptor
from billow.flows.payments.confirm_intent import kept
from billow.flows.payments.payment_intent_params import Capture, Increment
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge
from billow.resources.payment_intent import PaymentIntent
from billow.store.perform import Steps, ask
from billow.store.tx import Tx


@PaymentIntent.action("capture", Capture)
def capture(tx: Tx, intent: PaymentIntent, wanted: Capture) -> Steps:
    """Capture what a payment intent holds, in full or in part; the rest of the hold is let go."""
    intent_states.check_capturable(tx, intent)
    amount = wanted.amount_to_capture or intent.amount_capturable
    require(
        amount <= intent.amount_capturable,
        f"The amount to capture ({show(amount, intent.currency)}) is greater than what the PaymentIntent"
        " holds"
        f" ({show(intent.amount_capturable, intent.currency)}).",
        param="amount_to_capture",
        code="amount_too_large",
    )
    check_capture(wanted)
    shared = shares.at_capture(tx, intent, wanted, amount)
    tx, charge = refunds.lock_charge(tx, rows.find(tx, Charge, intent.latest_charge or ""))
    rows.update(tx, intent, event=None, **{**changes_of(intent, wanted), **shared})
    charge = rows.update(tx, charge, event=None, **shared)
    attempt = charges.begin_capture(tx, charge, amount)
    tx, outcome = yield ask(collect.carry_out, gateway_named(tx, attempt.gateway), attempt)
    settle.settle(tx, rows.lock(tx, Attempt, attempt.id), outcome)
    after = rows.find(tx, PaymentIntent, intent.id)
    if after.status != "succeeded":
        return intent_states.not_capturable(tx, after)
    return after


def check_capture(wanted: Capture) -> None:
    require(
        wanted.final_capture,
        "This PaymentIntent can be captured once: multicapture is not available for it.",
        param="final_capture",
    )
    for name in ("statement_descriptor", "statement_descriptor_suffix"):
        check_descriptor(name, getattr(wanted, name))


def changes_of(intent: PaymentIntent, wanted: Any) -> dict[str, Any]:
    """Return what a request changes on an intent besides the money."""
    changes = kept(wanted, intent)
    if wanted.given("metadata"):
        changes["metadata"] = merged_value(intent, "metadata", wanted.metadata)
    return changes


@PaymentIntent.action("increment_authorization", Increment)
def increment_authorization(tx: Tx, intent: PaymentIntent, wanted: Increment) -> PaymentIntent:
    """Raise what a payment intent holds. No card here allows it after the payment, as most cards do not."""
    intent_states.check_capturable(tx, intent)
    require(
        wanted.amount > intent.amount,
        "The amount must be greater than the currently authorized amount.",
        param="amount",
    )
    raise Refused(
        "This PaymentIntent's authorization cannot be incremented: its charge shows"
        " payment_method_details[card][incremental_authorization][status] as unavailable.",
        code="payment_intent_unexpected_state",
    )
