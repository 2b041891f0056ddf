"""Settle the outcomes of attempts: charge, intent, ledger, invoice, subscription, customer, in this order."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from billow.api import render, rows
from billow.core import lifecycle
from billow.core.errors import Inconsistent, ensure
from billow.core.payments import Declined, NeedsAction, Outcome, Pending, Succeeded
from billow.flows.credits import purchases
from billow.flows.invoices import due_dates, invoice_intents
from billow.flows.payments import (
    attached,
    charge_records,
    debit_notices,
    holds,
    intent_outcomes,
    kept_methods,
    late_payments,
    locked_attempt,
    next_action,
    payment_mails,
    postings,
    retries,
    settle_capture,
    settle_refund,
    settle_setup,
    shares,
)
from billow.flows.payments.locked_attempt import Case
from billow.flows.subscription_status import transitions
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_payment import InvoicePayment
from billow.resources.payment_intent import PaymentIntent
from billow.store import clocks, jobs
from billow.store.ids import new_id
from billow.store.tx import Tx

log = logging.getLogger("billow.settle")
FINAL = {Succeeded: "succeeded", Declined: "failed"}
"""The state of an attempt after a final answer."""
ACTS_WITHIN = timedelta(hours=1)
"""How long after a customer was asked to act the gateway is asked whether they did, if no notice comes."""
BLOCKED = {
    "network_status": "not_sent_to_network",
    "reason": "highest_risk_level",
    "risk_level": "highest",
    "risk_score": 100,
    "seller_message": "The gateway blocked this payment as too risky.",
    "type": "blocked",
}
"""What a charge says that the gateway blocked before a bank was asked."""
NOT_AUTHENTICATED = "payment_intent_authentication_failure"
"""The code of a decline where the customer did not authenticate, so that no bank was asked to pay."""
AUTHENTICATION_REQUIRED = Declined(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    retry=False,
)


def settle(tx: Tx, attempt: Attempt, outcome: Outcome) -> None:
    """Settle the outcome of one attempt, as `settle_all` does."""
    settle_all(tx, [(attempt, outcome)])


def settle_all(tx: Tx, answers: Sequence[tuple[Attempt, Outcome]]) -> None:
    """Settle the outcomes of attempts, which the caller has locked; no two of them are of the same customer.

    Each attempt is settled once: one that was settled before stays as it is, but for a refund that fails
    after it had succeeded, and a payment that succeeds after all. Any other answer that differs is logged.
    """
    customers = [attempt.customer for attempt, _ in answers if attempt.customer]
    ensure(
        len(customers) == len(set(customers)), "Each customer has one attempt among those settled together."
    )
    payments: dict[str | None, list[tuple[Case, Outcome]]] = {}
    waiting = [(attempt, outcome) for attempt, outcome in answers if is_waiting(attempt, outcome)]
    charged = [(attempt, outcome) for attempt, outcome in waiting if attempt.kind == "charge"]
    for case, (_, outcome) in zip(locked_attempt.load(tx, [a for a, _ in charged]), charged, strict=True):
        payments.setdefault(case.customer.test_clock if case.customer else None, []).append((case, outcome))
    for clock, own in payments.items():
        settle_payments(clocks.enter(tx, clock), own)
    for attempt, outcome in waiting:
        if attempt.kind == "refund":
            settle_refund.settle_refund(tx, attempt, outcome)
        elif attempt.kind == "setup":
            settle_setup.settle_setup(tx, attempt, outcome)
        elif attempt.kind == "capture":
            settle_capture.settle_capture(tx, attempt, outcome)
        elif attempt.kind == "increment":
            settle_capture.settle_increment(tx, attempt, outcome)


def is_waiting(attempt: Attempt, outcome: Outcome) -> bool:
    """Check whether an attempt waits for its outcome; log an outcome that contradicts the settled one.

    Where the customer had to act, only a final outcome is news. A refund that has succeeded can still fail,
    and a payment that was declined or canceled can have succeeded: then there is money.
    """
    if attempt.state == "processing":
        return True
    if attempt.state == "requires_action":
        return not isinstance(outcome, NeedsAction)
    if attempt.kind == "refund" and attempt.state == "succeeded" and isinstance(outcome, Declined):
        return True
    if attempt.kind == "charge" and attempt.state == "failed" and isinstance(outcome, Succeeded):
        return True
    if FINAL.get(type(outcome), attempt.state) != attempt.state:
        log.error("attempt %s is %s, and the gateway now says %s", attempt.id, attempt.state, outcome)
    return False


def settle_payments(tx: Tx, answers: Sequence[tuple[Case, Outcome]]) -> None:
    """Settle payments at the time of their customers: all that succeeded together, each other one alone."""
    asked = [case.attempt.id for case, _ in answers if case.attempt.id]
    if asked:
        jobs.cancel(tx, "attempt.resolve", *asked)
    paid = [(case, outcome) for case, outcome in answers if isinstance(outcome, Succeeded)]
    late = [case.attempt.id for case, _ in paid if late_payments.is_too_late(tx, case)]
    succeed(tx, [(case, outcome) for case, outcome in paid if case.attempt.id not in late])
    late_payments.take(tx, [(case, outcome) for case, outcome in paid if case.attempt.id in late])
    for case, outcome in answers:
        match outcome:
            case Declined():
                decline(tx, case, outcome)
            case NeedsAction() if case.intent is None:
                decline(tx, case, AUTHENTICATION_REQUIRED)
            case NeedsAction():
                need_action(tx, case, outcome)
            case Pending():
                intent_outcomes.await_settlement(tx, case, outcome)
                at = tx.wall + timedelta(seconds=outcome.ask_in)
                jobs.put(tx, "attempt.resolve", case.attempt.id, at, clock="wall")
                debit_notices.order_notice(tx, case)
                payment_mails.order_invoices(tx, [case])


def succeed(tx: Tx, paid: Sequence[tuple[Case, Succeeded]]) -> None:
    """Record payments that succeeded, in a fixed number of statements: charge, intent, ledger, invoice."""
    if not paid:
        return
    cases = [case for case, _ in paid]
    rows.update_many(tx, [(case.attempt, {"state": "succeeded"}) for case in cases], event=None)
    intent_outcomes.keep_methods(tx, cases)
    charges = charge_records.write_succeeded(tx, paid)
    intent_outcomes.update_paid(tx, list(zip(cases, charges, strict=True)))
    postings.post_payments(
        tx,
        [
            postings.Payment(
                charge,
                outcome.fee + shares.own_fee(charge, charge.amount_captured),
                case.invoice.id if case.invoice else None,
            )
            for charge, (case, outcome) in zip(charges, paid, strict=True)
            if charge.captured
        ],
    )
    for charge, (_, outcome) in zip(charges, paid, strict=True):
        if charge.captured:
            for one in postings.exchanged_charge(charge, outcome, charge.amount_captured, charge.id):
                postings.post_exchanged(tx, one)
    for charge in charges:
        if charge.transfer or charge.application_fee:
            shares.divide(tx, charge)
    payment_mails.order_paid(tx, list(zip(cases, charges, strict=True)))
    held = [(charge.id, holds.until(charge)) for charge in charges if not charge.captured]
    jobs.put_many(tx, "charge.expire", held)
    ask_for_news(tx, paid)
    mark_paid(tx, [case for case in cases if case.invoice])
    alone = [case.intent.id for case in cases if case.intent and not case.invoice and case.attempt.capture]
    if alone:
        attached.settle_succeeded(tx, alone)
    for case in cases:
        if case.attempt.keep and case.method and case.method.customer:
            kept_methods.use_from_now_on(tx, case.method)


def ask_for_news(tx: Tx, paid: Sequence[tuple[Case, Succeeded]]) -> None:
    """Set the timers that ask the gateway for what it said would follow, such as a dispute."""
    news = [(case.attempt.id, tx.wall) for case, outcome in paid if outcome.news]
    jobs.put_many(tx, "attempt.follow", news, clock="wall")


@dataclass(frozen=True, slots=True)
class PaidInvoice:
    """An invoice that a payment has settled, with its intent and its customer."""

    case: Case
    invoice: Invoice
    intent: PaymentIntent
    customer: Customer


def paid_invoice(case: Case) -> PaidInvoice:
    if not (case.invoice and case.intent and case.customer):
        raise Inconsistent("Only an invoice with its intent and customer is paid.")
    return PaidInvoice(case, case.invoice, case.intent, case.customer)


def mark_paid(tx: Tx, cases: Sequence[Case]) -> None:
    """Mark invoices paid, and update their subscriptions and customers. Emits events in order (§10.3 F1)."""
    if not cases:
        return
    found = [paid_invoice(case) for case in cases]
    for one in found:
        attached.recover_loss(tx, one.invoice, one.case.attempt.amount)
    amounts = {one.intent.id: one.case.attempt.amount for one in found}
    of_invoices = "invoice = any(%(ids)s) and (status = 'open' or payment_intent = any(%(intents)s))"
    ids = [one.invoice.id for one in found]
    known = rows.select(tx, InvoicePayment, of_invoices, ids=ids, intents=list(amounts))
    payments = [one for one in known if one.payment_intent in amounts]
    ensure(len(payments) == len(amounts), "Each intent of an invoice has one invoice payment.")
    rows.update_many(
        tx,
        [
            (one, {"status": "paid", "amount_paid": amounts[one.payment_intent or ""], "paid_at": tx.now})
            for one in payments
        ],
        event="invoice_payment.paid",
    )
    rows.update_many(
        tx,
        [(one.invoice, paid_changes(tx, one.invoice, one.case.attempt)) for one in found],
        event=("updated", "invoice.paid", "invoice.payment_succeeded"),
    )
    for invoice in {one.invoice for one in known if one not in payments}:
        invoice_intents.cancel_attached(tx, invoice, "automatic")
    jobs.cancel_kinds(tx, due_dates.TIMERS, ids)
    transitions.record_payments(
        tx,
        [
            transitions.Paid(one.case.subscription, one.invoice, one.case.method)
            for one in found
            if one.case.subscription
        ],
    )
    purchases.deliver(tx, [one.invoice for one in found])
    transitions.set_delinquents(tx, [one.customer.id for one in found], False)


def paid_changes(tx: Tx, invoice: Invoice, attempt: Attempt) -> dict[str, Any]:
    return {
        "attempted": True,
        "status": lifecycle.after(lifecycle.INVOICE, invoice.status, "pay"),
        "paid_at": tx.now,
        "auto_advance": False,
        "amount_paid": invoice.amount_paid + attempt.amount,
        "next_payment_attempt": None,
        "attempt_count": retries.attempt_count_after(invoice, attempt.automatic),
    }


def decline(tx: Tx, case: Case, outcome: Declined) -> None:
    """Record a declined attempt: charge and intent, then the invoice, its subscription and its customer."""
    close(tx, case, "failed")
    if case.attempt.id or case.method is None:  # a bank that was not asked has said nothing new
        charge = failed_charge(tx, case, outcome) if is_charged(case, outcome) else None
        if case.intent:
            rows.update(
                tx,
                case.intent,
                event="payment_intent.payment_failed",
                status="requires_payment_method",
                latest_charge=charge.id if charge else case.intent.latest_charge,
                next_action=None,
                payment_method=None,
                last_payment_error=error_of(tx, case, outcome, charge),
            )
    if case.invoice:
        if case.customer is None:
            raise Inconsistent(f"The invoice {case.invoice.id} has no customer.")
        if intent_outcomes.voids_on_failure(case):
            retries.void_first(tx, case.invoice)
            return
        retries.record_failure(tx, case.customer, case.subscription, case.invoice, declined_of(case, outcome))


def is_charged(case: Case, outcome: Declined) -> bool:
    """Check whether a declined attempt has a charge: it had a method, and its customer was authenticated."""
    return case.method is not None and (case.charge is not None or outcome.code != NOT_AUTHENTICATED)


def declined_of(case: Case, outcome: Declined) -> retries.Failure:
    """Return how an attempt failed; one without an id was not sent to the gateway."""
    return retries.Failure(
        case.attempt.automatic,
        outcome.decline_code or outcome.code,
        case.method.id if case.method else None,
        sent=bool(case.attempt.id),
    )


def failed_charge(tx: Tx, case: Case, outcome: Declined) -> Charge:
    """Write the charge of a declined attempt. Emits `charge.failed`."""
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
        **(BLOCKED if outcome.blocked else {}),
    }
    facts = {
        "status": "failed",
        "failure_code": outcome.code,
        "failure_message": outcome.message,
        "outcome": said,
    }
    id = case.attempt.charge or new_id(Charge.prefix)
    return charge_records.write_all(tx, [(case, id, facts)], "failed")[0]


def error_of(tx: Tx, case: Case, outcome: Declined, charge: Charge | None) -> dict[str, Any]:
    """Return the `card_error` of a declined attempt, which the intent keeps and the caller gets (§1.10)."""
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
    """Record that the customer must authenticate first; the invoice waits (§8.5)."""
    if case.intent is None:
        raise Inconsistent("Only a payment intent can need an action.")
    close(tx, case, "requires_action", action_url=outcome.url)
    jobs.put(tx, "attempt.follow", case.attempt.id, tx.wall + ACTS_WITHIN, clock="wall")
    rows.update(
        tx,
        case.intent,
        event="payment_intent.requires_action",
        status="requires_action",
        next_action=next_action.of(tx, case.intent, outcome),
    )
    if case.invoice:
        rows.emit(tx, [(case.invoice, None)], "invoice.payment_action_required")
        if case.attempt.automatic:
            payment_mails.order_action(tx, case.invoice)
        transitions.await_action(tx, case.subscription, case.invoice)


def close(tx: Tx, case: Case, state: str, **more: Any) -> None:
    """Store the state of an attempt; one that was not sent to the gateway is not in the table."""
    if case.attempt.id:
        rows.update(tx, case.attempt, event=None, state=state, **more)
