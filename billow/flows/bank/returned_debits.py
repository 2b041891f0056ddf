"""Take back payments by direct debit that were settled and then returned by the payer's bank."""

from billow.api import rows
from billow.core import lifecycle
from billow.core.errors import Inconsistent
from billow.core.payments import Declined
from billow.flows.bank.take_back import reopen_changes
from billow.flows.credits import purchases
from billow.flows.invoices import invoice_intents
from billow.flows.outside.outside import gateway_named
from billow.flows.payments import locked_attempt, postings, retries, settle
from billow.flows.payments.locked_attempt import Case
from billow.ledger import entries, post
from billow.resources.attempt import Attempt
from billow.resources.balance_transaction import BalanceTransaction
from billow.resources.charge import Charge
from billow.resources.invoice import Invoice
from billow.resources.invoice_payment import InvoicePayment
from billow.resources.payment_intent import PaymentIntent
from billow.store import clocks
from billow.store.tx import Tx


def take_back(tx: Tx, attempt: Attempt, outcome: Declined) -> None:
    """Take back the payment of an attempt, which is locked and has succeeded.

    The charge has failed after all, which our balance shows; the invoice is open again with an intent of its
    own, so that it can be retried, and its payment is missed. Locks customer, invoice, subscription, intent.
    """
    [case] = locked_attempt.load(tx, [attempt])
    tx = clocks.enter(tx, case.customer.test_clock if case.customer else None)
    rows.update(tx, attempt, event=None, state="failed")
    charge = fail_charge(tx, case, outcome)
    customer, currency = charge.customer or "", charge.currency
    name = gateway_named(tx, attempt.gateway).name
    moved = (
        entries.payment_succeeded(name, customer, currency, -charge.amount_captured)
        if case.invoice
        else entries.sold(name, currency, -charge.amount_captured)
    )
    about = (charge.customer, case.invoice.id if case.invoice else None)
    post.post(tx, [post.Posting("payment.returned", charge.id, tx.now, moved, *about)])
    if case.invoice:
        reopen(tx, case, charge, outcome)


def fail_charge(tx: Tx, case: Case, outcome: Declined) -> Charge:
    """Mark the charge of a payment failed, and take it off our balance. Emits `charge.failed`."""
    id = (case.intent.latest_charge if case.intent else None) or case.attempt.charge or ""
    charge = rows.lock(tx, Charge, id)
    back = postings.transaction(
        tx, charge.id, -charge.amount_captured, charge.currency, "payment_failure_refund"
    )
    movement: BalanceTransaction = rows.insert(tx, back)
    return rows.update(
        tx,
        charge,
        event="charge.failed",
        failure_balance_transaction=movement.id,
        failure_code=outcome.code,
        failure_message=outcome.message,
        status="failed",
    )


def reopen(tx: Tx, case: Case, charge: Charge, outcome: Declined) -> None:
    """Open the invoice again, and record the failure as that of a retry.

    Emits `invoice.updated`, then what follows from a failed payment.
    """
    if case.invoice is None or case.customer is None or case.intent is None:
        raise Inconsistent("A payment of an invoice has its intent and customer.")
    payments = rows.select(tx, InvoicePayment, "payment_intent = %(id)s", id=case.intent.id)
    changes = {"amount_paid": None, "canceled_at": tx.now, "status": "canceled", "is_default": False}
    rows.update_many(tx, [(one, changes) for one in payments], event=None)
    opened = rows.update(
        tx,
        case.invoice,
        **reopen_changes(case.invoice, charge.amount_captured),
        attempt_count=case.invoice.attempt_count - 1,  # the failure counts it again
        auto_advance=True,
    )
    purchases.reopen(tx, opened)
    [linked] = invoice_intents.link_intents(tx, [(opened, case.customer)])
    again = rows.lock(tx, PaymentIntent, linked.payment_intent or "")
    error = settle.error_of(tx, case, outcome, charge)
    status = lifecycle.after(lifecycle.PAYMENT_INTENT, "processing", "fail")
    rows.update(
        tx,
        again,
        event="payment_intent.payment_failed",
        last_payment_error=error,
        payment_method=None,
        status=status,
    )
    invoice = rows.find(tx, Invoice, linked.id)
    failure = settle.declined_of(case, outcome)
    retries.record_failure(tx, case.customer, case.subscription, invoice, failure)
