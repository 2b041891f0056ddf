"""Read what Stripe answers: outcomes, methods, disputes and notices."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from billow.core import holds
from billow.core.disputes import Dispute, Movement
from billow.core.dunning import hard_decline
from billow.core.notices import (
    AttemptChanged,
    DisputeChanged,
    FraudSuspected,
    MethodCollected,
    Notice,
    PayoutChanged,
)
from billow.core.payments import Declined, Exchange, MethodDetails, NeedsAction, Outcome, Pending, Succeeded
from billow.core.payouts import PaidOut
from billow.providers.gateways import StoredMethod

ATTEMPT = "billow_attempt"
"""The key of Stripe's metadata that names our attempt."""
COLLECTION = "billow_collection"
"""The key of Stripe's metadata that names our collection of a method."""
CARD = ("brand", "last4", "exp_month", "exp_year", "funding", "country", "fingerprint")


def stored(method: Any, customer: str) -> StoredMethod:
    """Read a method, and the customer of Stripe's that it is attached to ("" for none)."""
    shown = method.to_dict()[method.type]
    details = {name: shown.get(name) for name in CARD} if method.type == "card" else shown
    return StoredMethod(f"{customer}/{method.id}", MethodDetails(method.type, details))


def id_of(value: Any) -> str:
    """Return the id of an object, expanded or not."""
    return value if isinstance(value, str) else str(value.id)


def attempt_of(found: Any) -> str | None:
    """Return our attempt that an object of Stripe's names in its metadata."""
    named: str | None = getattr(found.metadata, ATTEMPT, None)
    return named


def outcome_of(intent: Any) -> Outcome:
    """Read a payment intent. What is not captured yet has succeeded for a charge that only holds."""
    match intent.status:
        case "succeeded" | "requires_capture":
            return succeeded(intent)
        case "requires_action" | "requires_confirmation":
            return action_of(intent)
        case "processing":
            return Pending(intent.id)
        case _:
            return declined(intent.last_payment_error)


def action_of(intent: Any) -> NeedsAction:
    """Read what the customer must do, and on which page where it is one of Stripe's or of the bank's."""
    action = intent.next_action
    if action is None or action.type == "verify_with_microdeposits":
        return NeedsAction(intent.id, action.type if action else "authenticate")
    url = action.redirect_to_url.url if action.type == "redirect_to_url" else None
    return NeedsAction(intent.id, "authenticate", url)


def succeeded(intent: Any) -> Succeeded:
    """Read the charge of an intent, with the fee and the exchange rate of its balance transaction."""
    charge = intent.latest_charge
    moved = None if isinstance(charge, str) else charge.balance_transaction
    if moved is None or isinstance(moved, str):
        return Succeeded(id_of(charge), 0, **granted(charge))
    return moved_by(moved, charge.amount_captured, intent.currency, charge.id)


def moved_by(moved: Any, amount: int, currency: str, charge: str) -> Succeeded:
    """Read the fee and the exchange rate of a balance transaction, by which so much of a charge came in."""
    if moved.currency == currency:
        return Succeeded(charge, moved.fee)
    into = Exchange(moved.currency, moved.amount, moved.fee, rate_of(moved))
    return Succeeded(charge, into.fee_of(amount), exchange=into)


def rate_of(moved: Any) -> Decimal:
    return Decimal(str(moved.exchange_rate or 1))


def granted(charge: Any) -> dict[str, Any]:
    """Read what the card of a hold allows of what was asked for it."""
    details = None if isinstance(charge, str) else charge.payment_method_details
    card = getattr(details, "card", None)
    if card is None:
        return {}
    allows = tuple(
        wish
        for wish in holds.WISHES
        if getattr(getattr(card, wish, None), "status", None) in ("available", "enabled")
    )
    most = card.overcapture.maximum_amount_capturable if holds.OVERCAPTURE in allows else None
    return {"allows": allows, "most": most}


def set_up_outcome(intent: Any) -> Outcome:
    """Read a setup intent."""
    match intent.status:
        case "succeeded":
            return Succeeded(intent.id, 0)
        case "requires_action" | "requires_confirmation":
            return action_of(intent)
        case "processing":
            return Pending(intent.id)
        case _:
            return declined(intent.last_setup_error)


def refund_outcome(refund: Any) -> Outcome:
    """Read a refund."""
    match refund.status:
        case "succeeded":
            return Succeeded(refund.id, 0, exchange=turned_back(refund))
        case "pending":
            return Pending(refund.id)
        case "requires_action":
            return NeedsAction(refund.id)
        case _:
            code = refund.failure_reason or "refund_failed"
            return Declined(code, None, "The refund failed.", retry=False)


def turned_back(refund: Any) -> Exchange | None:
    """Read in which other currency a refund has left the balance, if it has."""
    moved = getattr(refund, "balance_transaction", None)
    if moved is None or isinstance(moved, str) or moved.currency == refund.currency:
        return None
    return Exchange(moved.currency, moved.amount, moved.fee, rate_of(moved))


def declined(error: Any) -> Declined:
    """Read an error of Stripe's as a decline, in its own words."""
    told = error if error is not None else {}
    code = getattr(told, "code", None) or "card_declined"
    decline_code = getattr(told, "decline_code", None)
    message = getattr(told, "message", None) or "Your card was declined."
    may_work = getattr(told, "type", "card_error") == "card_error" and not hard_decline(code, decline_code)
    return Declined(code, decline_code, message, retry=may_work)


def dispute_of(found: Any) -> Dispute:
    """Read a dispute, with the money that it moved so far."""
    moved = tuple(movement(one, found.currency) for one in found.balance_transactions)
    due = found.evidence_details.due_by
    return Dispute(
        reference=found.id,
        charge=id_of(found.charge),
        amount=found.amount,
        currency=found.currency,
        reason=found.reason,
        status=found.status,
        network_reason_code=found.network_reason_code,
        movements=moved,
        due_by=datetime.fromtimestamp(due, UTC) if due else None,
    )


def movement(moved: Any, currency: str) -> Movement:
    """Read a balance transaction of a dispute in a currency, which another one may be settled in."""
    other = (moved.currency, rate_of(moved)) if moved.currency != currency else ()
    return Movement(moved.id, moved.amount, moved.fee, *other)


def paid_out(found: Any) -> PaidOut:
    """Read a payout, with the fee of its balance transaction."""
    moved = found.balance_transaction
    return PaidOut(
        reference=found.id,
        amount=found.amount,
        currency=found.currency,
        status=found.status,
        arrives=datetime.fromtimestamp(found.arrival_date, UTC),
        automatic=found.automatic,
        fee=0 if moved is None or isinstance(moved, str) else moved.fee,
        method=found.method,
        description=found.description,
        statement_descriptor=found.statement_descriptor,
        failure_code=found.failure_code,
        failure_message=found.failure_message,
        original=id_of(found.original_payout) if found.original_payout else None,
    )


def paid_out_source(moved: Any) -> str | None:
    """Return what a balance transaction of a payout is of: a charge, or our attempt of a refund."""
    source = moved.source
    if source is None or isinstance(source, str):
        return source
    return (
        source.id if source.object == "charge" else attempt_of(source) if source.object == "refund" else None
    )


def notices_of(type: str, about: Mapping[str, Any]) -> Sequence[Notice]:
    """Read the object of an event as what to ask about."""
    attempt = (about.get("metadata") or {}).get(ATTEMPT)
    if type.startswith("charge.dispute."):
        return [DisputeChanged(about["id"], about["charge"])]
    if type == "radar.early_fraud_warning.created":
        return [FraudSuspected(about["id"], about["charge"], about["fraud_type"])]
    collection = (about.get("metadata") or {}).get(COLLECTION)
    if type == "checkout.session.completed" and collection:
        return [MethodCollected(collection)]
    if type.startswith("payout."):
        return [PayoutChanged(about["id"])]
    if type.startswith(("payment_intent.", "setup_intent.", "refund.")) and attempt:
        return [AttemptChanged(attempt)]
    return []
