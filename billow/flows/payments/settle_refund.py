"""Settle the gateway's answer to a refund or a capture: refund, charge, balance, ledger."""

from typing import Any

from billow.api import rows
from billow.core.payments import Declined, NeedsAction, Outcome, Pending, Succeeded
from billow.flows.payments import postings
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge
from billow.resources.customer import Customer
from billow.resources.refund import Refund
from billow.store import clocks, jobs
from billow.store.tx import Tx

EXPIRED = "expired_uncaptured_charge"


def load(tx: Tx, attempt: Attempt) -> tuple[Tx, Charge]:
    """The charge that an attempt is about, locked after its customer, who may be deleted by now."""
    for customer in rows.lock_many(tx, Customer, [attempt.customer] if attempt.customer else []):
        tx = clocks.enter(tx, customer.test_clock)
    return tx, rows.lock(tx, Charge, attempt.charge or "")


def settle_refund(tx: Tx, attempt: Attempt, outcome: Outcome) -> None:
    """Make the answer to a refund fact; the first word of the gateway is when its creation is told."""
    tx, charge = load(tx, attempt)
    refund = rows.lock(tx, Refund, attempt.refund or "")
    match outcome:
        case Succeeded():
            close(tx, attempt, "succeeded")
            returned(tx, charge, refund)
        case Declined():
            close(tx, attempt, "failed")
            told(tx, refund, "failed", status="failed", failure_reason=outcome.decline_code or outcome.code)
        case NeedsAction():
            close(tx, attempt, "requires_action")
            told(tx, refund, "updated", status="requires_action")
        case Pending():
            told(tx, refund, "updated", pending_reason="processing")


def returned(tx: Tx, charge: Charge, refund: Refund) -> None:
    """The money is on its way back. Of a charge that was not captured nothing moves: the hold is let go."""
    changes: dict[str, Any] = {"status": "succeeded", "pending_reason": None}
    if charge.captured:
        changes["balance_transaction"] = postings.left(tx, refund).id
        postings.post_returned(tx, refund)
    told(tx, refund, "updated", **changes)
    total = charge.amount_refunded + refund.amount
    rows.update(
        tx,
        charge,
        event=("charge.expired", "charge.refunded") if refund.reason == EXPIRED else "charge.refunded",
        amount_refunded=total,
        refunded=total == charge.amount,
    )


def told(tx: Tx, refund: Refund, event: str, **changes: Any) -> None:
    if refund.told:
        rows.update(tx, refund, event=event, **changes)
    else:
        created = ["created", *(["failed"] if event == "failed" else [])]
        rows.update(tx, refund, event=created, told=True, **changes)


def settle_capture(tx: Tx, attempt: Attempt, outcome: Outcome) -> None:
    """Make the answer to a capture fact; what was held and not captured is let go."""
    tx, charge = load(tx, attempt)
    if isinstance(outcome, Pending):
        return
    close(tx, attempt, "succeeded" if isinstance(outcome, Succeeded) else "failed")
    if isinstance(outcome, Succeeded):
        movement = postings.arrived(tx, charge.id, attempt.amount, charge.currency, outcome.fee)
        captured = rows.update(
            tx,
            charge,
            event="charge.captured",
            captured=True,
            amount_captured=attempt.amount,
            amount_refunded=charge.amount - attempt.amount,
            balance_transaction=movement.id,
        )
        postings.post_taken(tx, captured, outcome.fee, None)
        jobs.cancel(tx, "charge.expire", charge.id)


def close(tx: Tx, attempt: Attempt, state: str) -> None:
    jobs.cancel(tx, "attempt.resolve", attempt.id)
    rows.update(tx, attempt, event=None, state=state)
