"""Settle the gateway's answer to a refund: refund, charge, balance, ledger."""

from datetime import timedelta
from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.core.payments import Declined, Exchange, NeedsAction, Outcome, Pending, Succeeded
from billow.flows.invoices import refund_grants
from billow.flows.payments import attached, credit_refunds, late_payments, payment_mails, postings, shares
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge
from billow.resources.customer import Customer
from billow.resources.payment_intent import PaymentIntent
from billow.resources.refund import Refund
from billow.store import clocks, jobs
from billow.store.tx import Tx

EXPIRED = "expired_uncaptured_charge"


def load(tx: Tx, attempt: Attempt) -> tuple[Tx, Charge]:
    """Lock the charge of an attempt after its customer, who may be deleted by now."""
    for customer in rows.lock_many(tx, Customer, [attempt.customer] if attempt.customer else []):
        tx = clocks.enter(tx, customer.test_clock)
    return tx, rows.lock(tx, Charge, attempt.charge or "")


def settle_refund(tx: Tx, attempt: Attempt, outcome: Outcome) -> None:
    """Apply the gateway's answer to a refund; `refund.created` is emitted with the first answer.

    Locks the customer, the charge and the refund.
    """
    tx, charge = load(tx, attempt)
    refund = rows.lock(tx, Refund, attempt.refund or "")
    match outcome:
        case Succeeded():
            close(tx, attempt, "succeeded")
            succeed(tx, charge, refund)
            if outcome.exchange and charge.amount_captured:
                turn_back(tx, charge, refund, outcome.exchange)
            if outcome.news:
                jobs.put(tx, "attempt.follow", attempt.id, tx.wall, clock="wall")
        case Declined() if refund.status == "succeeded":
            close(tx, attempt, "failed")
            fail_afterwards(tx, charge, refund, outcome.decline_code or outcome.code)
        case Declined():
            close(tx, attempt, "failed")
            update_and_emit(
                tx, refund, "failed", status="failed", failure_reason=outcome.decline_code or outcome.code
            )
        case NeedsAction():
            close(tx, attempt, "requires_action")
            update_and_emit(tx, refund, "updated", status="requires_action")
        case Pending():
            at = tx.wall + timedelta(seconds=min(outcome.ask_in, 60))
            jobs.put(tx, "attempt.resolve", attempt.id, at, clock="wall")
            update_and_emit(tx, refund, "updated", pending_reason="processing")


def succeed(tx: Tx, charge: Charge, refund: Refund) -> None:
    """Record a refund that succeeded: post it, and update the charge.

    A charge of which nothing was captured is only released.

    Emits `charge.refunded`, and `charge.expired` if nobody captured the charge in time.
    """
    changes: dict[str, Any] = {"status": "succeeded", "pending_reason": None}
    if charge.amount_captured:
        changes["balance_transaction"] = postings.insert_refund_transaction(tx, refund).id
        refund = credit_refunds.grant(tx, refund, charge)
        postings.post_refund(tx, refund, charge)
        changes |= shares.take_back(tx, charge, refund)
    update_and_emit(tx, refund, "updated", **changes)
    if charge.amount_captured:
        payment_mails.order_refund(tx, refund, charge.customer)
    total = charge.amount_refunded + refund.amount
    rows.update(
        tx,
        charge,
        event=("charge.expired", "charge.refunded") if refund.reason == EXPIRED else "charge.refunded",
        amount_refunded=total,
        refunded=total == charge.amount,
    )
    if charge.late_for and total < charge.amount:
        jobs.put(tx, late_payments.RETURN, charge.id, tx.wall, clock="wall")
    if charge.payment_intent and not charge.amount_captured:
        cancel_released(tx, rows.lock(tx, PaymentIntent, charge.payment_intent), refund.reason == EXPIRED)


def turn_back(tx: Tx, charge: Charge, refund: Refund, into: Exchange) -> None:
    """Post that the gateway takes a refund out of the currency that it had turned its charge into."""
    about = (refund.id, refund.id, postings.name_of(tx, charge), refund.currency, -refund.amount)
    postings.post_exchanged(tx, postings.Exchanged(*about, into, refund.customer))


def cancel_released(tx: Tx, intent: PaymentIntent, expired: bool) -> None:
    """Cancel an intent whose hold was let go, at a request or since it has expired.

    Emits `payment_intent.canceled`.
    """
    if intent.status == "requires_capture":
        attached.release(tx, intent)
        rows.update(
            tx,
            intent,
            event="payment_intent.canceled",
            amount_capturable=0,
            canceled_at=tx.now,
            cancellation_reason="automatic" if expired else intent.cancellation_reason,
            status=lifecycle.after(lifecycle.PAYMENT_INTENT, intent.status, "cancel"),
        )


def fail_afterwards(tx: Tx, charge: Charge, refund: Refund, reason: str) -> None:
    """Record that a refund which had succeeded has failed: the money is back on our balance.

    Emits `refund.updated`, `refund.failed` and `charge.refund.updated`. What the charge has
    refunded is less again, so that it can be refunded anew.
    """
    returned = postings.insert_failed_refund_transaction(tx, refund)
    postings.post_failed_refund(tx, refund, charge)
    postings.undo_exchanged(tx, refund)
    credit_refunds.give_again(tx, refund, charge)
    rows.update(
        tx,
        refund,
        event=("updated", "failed", "charge.refund.updated"),
        status="failed",
        failure_reason=reason,
        failure_balance_transaction=returned.id,
        granted=refund_grants.without_tax(0),
    )
    total = charge.amount_refunded - refund.amount
    rows.update(tx, charge, event="charge.updated", amount_refunded=total, refunded=total == charge.amount)


def update_and_emit(tx: Tx, refund: Refund, event: str, **changes: Any) -> None:
    """Update a refund and emit its event, after `refund.created` where that was not emitted yet."""
    if refund.emitted:
        rows.update(tx, refund, event=event, **changes)
    else:
        created = ["created", *(["failed"] if event == "failed" else [])]
        rows.update(tx, refund, event=created, emitted=True, **changes)


def close(tx: Tx, attempt: Attempt, state: str) -> None:
    """Store the state of an answered attempt, and cancel the job that would ask the gateway for it."""
    jobs.cancel(tx, "attempt.resolve", attempt.id)
    rows.update(tx, attempt, event=None, state=state)
