"""Say what the outcomes of attempts make of payment intents and their methods."""

from collections.abc import Sequence
from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.core.payments import Pending
from billow.flows.customers import payment_methods
from billow.flows.payments import charge_records
from billow.flows.payments.locked_attempt import Case
from billow.flows.subscription_status import transitions
from billow.resources.charge import Charge
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.resources.payment_method_types import BY_NAME
from billow.store.ids import new_id
from billow.store.tx import Tx

PENDING = {
    "network_status": "approved_by_network",
    "seller_message": "Payment complete.",
    "type": "authorized",
}


def future_usage(intent: PaymentIntent, method: PaymentMethod) -> str | None:
    """Return how a payment's method is used later: what is said for its type, or for the whole intent."""
    own = ((intent.payment_method_options or {}).get(method.type) or {}).get("setup_future_usage")
    return None if own == "none" else own or intent.setup_future_usage


def keep_methods(tx: Tx, cases: Sequence[Case]) -> None:
    """Attach the methods that are to be used later to their customers; those without one are used up.

    Emits `payment_method.attached`. A method that a customer has already needs nothing.
    """
    for case in cases:
        intent, method = case.intent, case.method
        if intent is None or method is None or method.customer or method.detached:
            continue
        if case.customer and (case.attempt.keep or future_usage(intent, method)):
            case.method = payment_methods.attach_if_new(tx, method, case.customer.id)
        else:
            case.method = rows.update(tx, method, event=None, detached=True)


def paid(case: Case, charge: Charge) -> dict[str, Any]:
    """Return what a payment that succeeded changes on its intent; one that is held waits for its capture."""
    attempt = case.attempt
    action = "succeed" if attempt.capture else "authorize"
    return {
        "amount_capturable": 0 if attempt.capture else attempt.amount,
        "amount_received": attempt.amount if attempt.capture else 0,
        "status": lifecycle.after(lifecycle.PAYMENT_INTENT, "processing", action),
        "latest_charge": charge.id,
        "last_payment_error": None,
        "next_action": None,
        "processing": None,
    }


def update_paid(tx: Tx, paid_cases: Sequence[tuple[Case, Charge]]) -> None:
    """Update the intents of payments. Emits `payment_intent.succeeded`, or `….amount_capturable_updated`."""
    for captured, event in ((True, "succeeded"), (False, "amount_capturable_updated")):
        rows.update_many(
            tx,
            [
                (case.intent, paid(case, charge))
                for case, charge in paid_cases
                if case.intent and case.attempt.capture == captured
            ],
            event=f"payment_intent.{event}",
        )


def await_settlement(tx: Tx, case: Case, outcome: Pending) -> None:
    """Record that money is on its way, once. Emits `charge.pending` and `payment_intent.processing`.

    A subscription that waits for its first payment begins, if money takes days by its nature (§5.2).
    """
    if case.intent is None or case.charge is not None or not case.attempt.id:
        return
    id = new_id(Charge.prefix)
    facts = {
        "status": "pending",
        "reference": outcome.reference,
        "outcome": {**charge_records.AGREED, **PENDING},
    }
    [charge] = charge_records.write_all(tx, [(case, id, facts)], "charge.pending")
    rows.update(tx, case.attempt, event=None, charge=charge.id)
    rows.update(
        tx,
        case.intent,
        event="payment_intent.processing",
        latest_charge=charge.id,
        last_payment_error=None,
        next_action=None,
        status="processing",
    )
    if case.invoice and case.subscription and case.method and BY_NAME[case.method.type].delayed:
        invoice = rows.update(tx, case.invoice, attempted=True)
        transitions.begin_unsettled(tx, case.subscription, invoice)


def voids_on_failure(case: Case) -> bool:
    """Check whether a payment that failed days later was the first of a subscription that began with it.

    Its invoice is voided then, and the subscription goes on (§5.2).
    """
    begun = case.subscription is not None and case.subscription.status in ("active", "trialing")
    first = case.invoice is not None and case.invoice.billing_reason == "subscription_create"
    return begun and first and case.charge is not None and not case.attempt.automatic
