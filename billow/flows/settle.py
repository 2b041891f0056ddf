"""What a gateway said of an attempt becomes fact, in order: intent, charge, invoice, books, subscription."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from billow.api import render, rows
from billow.core import lifecycle
from billow.core.payments import Declined, NeedsAction, Outcome, Pending, Succeeded
from billow.flows import dun, give_back, receipt, takings
from billow.ledger import entries, post
from billow.resources import payment_method as methods
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_payment import InvoicePayment
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.resources.subscription import Subscription
from billow.store import clocks, jobs
from billow.store.ids import new_id
from billow.store.tx import Tx

log = logging.getLogger("billow.settle")

FINAL = {Succeeded: "succeeded", Declined: "failed"}
"""The state of an attempt after an answer that does not change any more."""
HELD = timedelta(days=7)
"""How long a card holds what is not captured."""
AGREED = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "risk_score": 0,
    "seller_message": "Payment complete.",
    "type": "authorized",
}
NOBODY_THERE = Declined(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    retry=False,
)


@dataclass(slots=True)
class Case:
    """An attempt with all that its outcome touches, locked: customer, subscription, invoice, intent, charge.

    A charge without an intent was written before the gateway was asked; one of an intent is written now.
    """

    attempt: Attempt
    customer: Customer | None
    subscription: Subscription | None
    invoice: Invoice | None
    intent: PaymentIntent | None
    method: PaymentMethod | None
    charge: Charge | None


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
        return give_back.settle_refund(tx, attempt, outcome)
    if attempt.kind == "capture":
        return give_back.settle_capture(tx, attempt, outcome)
    tx, case = load(tx, attempt)
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


def load(tx: Tx, attempt: Attempt) -> tuple[Tx, Case]:
    customer = next(iter(rows.lock_many(tx, Customer, [attempt.customer] if attempt.customer else [])), None)
    tx = clocks.enter(tx, customer.test_clock if customer else None)
    invoice = rows.find(tx, Invoice, attempt.invoice) if attempt.invoice else None
    subscription = (
        rows.lock(tx, Subscription, invoice.subscription) if invoice and invoice.subscription else None
    )
    invoice = rows.lock(tx, Invoice, attempt.invoice) if attempt.invoice else None
    intent = rows.lock(tx, PaymentIntent, attempt.payment_intent) if attempt.payment_intent else None
    charge = rows.lock(tx, Charge, attempt.charge) if attempt.charge else None
    id = attempt.payment_method or ""
    method = rows.find_many(tx, PaymentMethod, [id]).get(id)
    return tx, Case(attempt, customer, subscription, invoice, intent, method, charge)


# ------------------------------------------------------------------------------------- yes


def succeed(tx: Tx, case: Case, outcome: Succeeded) -> None:
    close(tx, case, "succeeded")
    charge = charged(tx, case, outcome)
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
        takings.post_taken(tx, charge, outcome.fee, case.invoice.id if case.invoice else None)
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


def charged(tx: Tx, case: Case, outcome: Succeeded) -> Charge:
    """The charge that took the money, or holds it, and what of it reached our balance."""
    attempt = case.attempt
    id = attempt.charge or new_id(Charge.prefix)
    facts = {
        "status": "succeeded",
        "paid": True,
        "outcome": AGREED,
        "reference": outcome.reference,
        "receipt_url": receipt.url_of(tx, id),
        "payment_method_details": details_of(case, outcome),
    }
    if attempt.capture:
        movement = takings.arrived(tx, id, attempt.amount, attempt.currency, outcome.fee)
        facts |= {"captured": True, "amount_captured": attempt.amount, "balance_transaction": movement.id}
    return write(tx, case, id, "succeeded", facts)


def write(tx: Tx, case: Case, id: str, event: str, facts: dict[str, Any]) -> Charge:
    """A charge of an intent is new; one without was pending until now."""
    if case.charge:
        known = ("amount", "currency", "customer", "payment_method", "description", "payment_intent")
        said = {name: value for name, value in of_case(case).items() if name not in known}
        return rows.update(tx, case.charge, event=event, **{**said, **facts})
    return rows.insert(tx, Charge(id=id, **{**of_case(case), **facts}), event=event)


def of_case(case: Case) -> dict[str, Any]:
    """What a charge says of the try that it was."""
    method = case.method
    return {
        "amount": case.attempt.amount,
        "currency": case.attempt.currency,
        "customer": case.customer.id if case.customer else None,
        "payment_intent": case.intent.id if case.intent else None,
        "payment_method": method.id if method else None,
        "description": case.intent.description if case.intent else None,
        "payment_method_details": details_of(case),
        **({"billing_details": method.billing_details} if method else {}),
    }


def details_of(case: Case, said: Succeeded | None = None) -> dict[str, Any] | None:
    """The card of a try, and the names that bank and network gave it."""
    if case.method is None:
        return None
    card = {**methods.checked(case.method.card), "amount_authorized": case.attempt.amount}
    named = (
        {"authorization_code": said.authorization_code, "network_transaction_id": said.network_transaction_id}
        if said
        else {}
    )
    return {"card": {**charge_card(card), **named}, "type": "card"}


def charge_card(card: dict[str, Any]) -> dict[str, Any]:
    """A card as a charge remembers it: some of what the method knows, and what the network said."""
    kept = (
        "amount_authorized",
        "brand",
        "checks",
        "country",
        "exp_month",
        "exp_year",
        "fingerprint",
        "funding",
        "last4",
        "regulated_status",
        "wallet",
    )
    unused = dict.fromkeys(
        ("authorization_code", "installments", "mandate", "network_transaction_id", "three_d_secure")
    )
    most = {"maximum_amount_capturable": card.get("amount_authorized"), "status": "unavailable"}
    return {
        **{name: card.get(name) for name in kept},
        **unused,
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "multicapture": {"status": "unavailable"},
        "overcapture": most,
        "network": card.get("brand"),
        "network_token": {"used": False},
    }


def paid(tx: Tx, case: Case) -> None:
    """The invoice is paid: the words for it in order (§10.3 F1), then what it means for the subscription."""
    assert case.invoice and case.intent and case.customer
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
        attempt_count=dun.counted(invoice, attempt.automatic),
    )
    for timer in dun.TIMERS:
        jobs.cancel(tx, timer, invoice.id)
    if case.subscription:
        dun.paid(tx, case.subscription, invoice, case.method)
    dun.settle_delinquency(tx, case.customer, False)


# ------------------------------------------------------------------------------------- no, and not yet


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
        assert case.customer
        dun.failed(tx, case.customer, case.subscription, case.invoice, automatic=case.attempt.automatic)


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
    return write(tx, case, "", "failed", facts)


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
    assert case.intent
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
        dun.awaits_action(tx, case.subscription, case.invoice)


def close(tx: Tx, case: Case, state: str) -> None:
    """An attempt that never reached the gateway was never written down."""
    if case.attempt.id:
        rows.update(tx, case.attempt, event=None, state=state)
