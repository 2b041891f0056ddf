"""Settle the gateway's answer to an attempt: intent, charge, invoice, ledger, subscription, in this order."""

import logging
from datetime import timedelta
from typing import Any

from billow.api import render, rows
from billow.core import lifecycle
from billow.core.errors import Inconsistent
from billow.core.payments import Declined, NeedsAction, Outcome, Pending, Succeeded
from billow.flows.invoices import due_dates
from billow.flows.payments import charge_records, locked_attempt, postings, retries, settle_refund
from billow.flows.payments.locked_attempt import Case
from billow.flows.subscription_status import transitions
from billow.ledger import entries, post
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge
from billow.resources.invoice import Invoice
from billow.resources.invoice_payment import InvoicePayment
from billow.store import jobs
from billow.store.tx import Tx

log = logging.getLogger("billow.settle")
FINAL = {Succeeded: "succeeded", Declined: "failed"}
"""The state of an attempt after an answer that does not change any more."""
HELD = timedelta(days=7)
"""How long a card holds what is not captured."""
NOBODY_THERE = Declined(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    retry=False,
)


def settle(tx: Tx, attempt: Attempt, outcome: Outcome) -> None:
    """Make an outcome fact, once: an attempt that was settled before is left as it is.

    A gateway's first final answer is its last (providers/gateways); one that says otherwise later is named in
    the log, for a person to ask it.
    """
    if attempt.state != "processing":
        if FINAL.get(type(outcome), attempt.state) != attempt.state:
            log.error("attempt %s is %s, and the gateway now says %s", attempt.id, attempt.state, outcome)
        return
    if attempt.kind == "refund":
        return settle_refund.settle_refund(tx, attempt, outcome)
    if attempt.kind == "capture":
        return settle_refund.settle_capture(tx, attempt, outcome)
    tx, case = locked_attempt.load(tx, attempt)
    jobs.cancel(tx, "attempt.resolve", attempt.id)
    match outcome:
        case Succeeded():
            succeed(tx, case, outcome)
        case Declined():
            decline(tx, case, outcome)
        case NeedsAction() if case.intent is None:
            decline(tx, case, NOBODY_THERE)
        case NeedsAction():
            need_action(tx, case, outcome)
        case Pending():
            jobs.put(tx, "attempt.resolve", attempt.id, tx.wall + timedelta(hours=1), clock="wall")


def succeed(tx: Tx, case: Case, outcome: Succeeded) -> None:
    close(tx, case, "succeeded")
    charge = charge_records.charged(tx, case, outcome)
    if case.intent:
        rows.update(
            tx,
            case.intent,
            event="payment_intent.succeeded",
            amount_received=case.attempt.amount,
            status=lifecycle.after(lifecycle.PAYMENT_INTENT, "processing", "succeed"),
            latest_charge=charge.id,
            last_payment_error=None,
            next_action=None,
        )
    if charge.captured:
        postings.post_payment(tx, charge, outcome.fee, case.invoice.id if case.invoice else None)
    else:
        jobs.put(tx, "charge.expire", charge.id, tx.now + HELD)
    if case.invoice:
        recover_loss(tx, case.invoice, case.attempt.amount)
        paid(tx, case)


def recover_loss(tx: Tx, invoice: Invoice, amount: int) -> None:
    """Money for an invoice that was given up: it was no loss after all."""
    if invoice.status == "uncollectible":
        post.post(
            tx,
            [
                post.Posting(
                    "invoice.recovered",
                    invoice.id,
                    tx.now,
                    entries.uncollectible(invoice.customer, invoice.currency, -amount),
                    invoice.customer,
                    invoice.id,
                )
            ],
        )


def paid(tx: Tx, case: Case) -> None:
    """The invoice is paid: the words for it in order (§10.3 F1), then what it means for the subscription."""
    if not (case.invoice and case.intent and case.customer):
        raise Inconsistent("Only an invoice with its intent and customer is paid.")
    invoice, attempt = case.invoice, case.attempt
    [payment] = rows.select(tx, InvoicePayment, "payment_intent = %(id)s", id=case.intent.id)
    rows.update(
        tx, payment, event="invoice_payment.paid", status="paid", amount_paid=attempt.amount, paid_at=tx.now
    )
    rows.update(
        tx,
        invoice,
        event=("updated", "invoice.paid", "invoice.payment_succeeded"),
        attempted=True,
        status=lifecycle.after(lifecycle.INVOICE, invoice.status, "pay"),
        paid_at=tx.now,
        auto_advance=False,
        amount_paid=invoice.amount_paid + attempt.amount,
        next_payment_attempt=None,
        attempt_count=retries.attempt_count_after(invoice, attempt.automatic),
    )
    for timer in due_dates.TIMERS:
        jobs.cancel(tx, timer, invoice.id)
    if case.subscription:
        transitions.record_payment(tx, case.subscription, invoice, case.method)
    transitions.set_delinquent(tx, case.customer, False)


def decline(tx: Tx, case: Case, outcome: Declined) -> None:
    close(tx, case, "failed")
    if case.attempt.id or case.method is None:  # a bank that was not asked again has said nothing new
        charge = refused(tx, case, outcome) if case.method else None
        if case.intent:
            rows.update(
                tx,
                case.intent,
                event="payment_intent.payment_failed",
                status="requires_payment_method",
                latest_charge=charge.id if charge else case.intent.latest_charge,
                payment_method=None,
                last_payment_error=error_of(tx, case, outcome, charge),
            )
    if case.invoice:
        if case.customer is None:
            raise Inconsistent(f"The invoice {case.invoice.id} has no customer.")
        retries.record_failure(
            tx, case.customer, case.subscription, case.invoice, automatic=case.attempt.automatic
        )


def refused(tx: Tx, case: Case, outcome: Declined) -> Charge:
    said = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network",
        "reason": outcome.decline_code or outcome.code,
        "risk_level": "normal",
        "risk_score": 0,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }
    facts = {
        "status": "failed",
        "failure_code": outcome.code,
        "failure_message": outcome.message,
        "outcome": said,
    }
    return charge_records.write(tx, case, "", "failed", facts)


def error_of(tx: Tx, case: Case, outcome: Declined, charge: Charge | None) -> dict[str, Any]:
    """The `card_error` of a declined try, as the intent keeps it and the caller hears it (§1.10)."""
    code = outcome.code
    error: dict[str, Any] = {
        "type": "card_error" if case.method else "invalid_request_error",
        "message": outcome.message,
        "code": code,
        "doc_url": f"https://docs.stripe.com/error-codes/{code.replace('_', '-')}",
    }
    if outcome.decline_code:
        error["decline_code"] = outcome.decline_code
    if charge:
        error["charge"] = charge.id
    if case.method:
        error["payment_method"] = render.one(tx, case.method)
    return error


def need_action(tx: Tx, case: Case, outcome: NeedsAction) -> None:
    """The customer must authenticate first: the invoice waits (§8.5)."""
    if case.intent is None:
        raise Inconsistent("Only a payment intent can need an action.")
    close(tx, case, "requires_action")
    rows.update(
        tx,
        case.intent,
        event="payment_intent.requires_action",
        status="requires_action",
        next_action={"type": "use_stripe_sdk", "use_stripe_sdk": {}},
    )
    if case.invoice:
        rows.emit(tx, [(case.invoice, None)], "invoice.payment_action_required")
        transitions.await_action(tx, case.subscription, case.invoice)


def close(tx: Tx, case: Case, state: str) -> None:
    """An attempt that never reached the gateway was never written down."""
    if case.attempt.id:
        rows.update(tx, case.attempt, event=None, state=state)
