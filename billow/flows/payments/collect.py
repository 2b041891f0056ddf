"""Collect an invoice: write the attempt down, ask the gateway, settle its answer."""

import logging
from datetime import timedelta

from billow.api import rows
from billow.core import payments
from billow.core.dunning import hard_decline
from billow.core.errors import Inconsistent
from billow.flows.customers import payment_methods
from billow.flows.outside.outside import declined_test_card, gateway, has_gateway
from billow.flows.payments.settle import settle
from billow.providers.gateways import Gateway, instruments
from billow.resources.attempt import Attempt
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

log = logging.getLogger("billow.payments")
RESOLVE = timedelta(minutes=1)
"""After how long we ask the gateway what became of an attempt whose answer never came."""
NO_METHOD = payments.Declined(
    "missing_payment_method",
    None,
    "This customer has no attached payment source or default payment method. Please"
    " consider adding a default payment method.",
    retry=True,
)
NEVER_MADE = payments.Declined(
    "testmode_charges_only", None, "Live mode has no payment gateway: no money was moved.", retry=False
)
"""The outcome of an attempt in live mode that was left over from when live mode simulated payments."""


@job("invoice.collect", lane="outside", settled_by="attempt.resolve")
def collect_due(tx: Tx, refs: list[str]) -> Steps:
    """Charge an open invoice, as the schedule says."""
    [id] = rows.find_all(tx, Invoice, refs)
    invoice = lock_payable(tx, id)
    if invoice is None:
        return None
    if not has_gateway(tx):
        leave_open(tx, invoice)
        return None
    yield from attempt_invoice(tx, invoice, automatic=True)
    return None


def leave_open(tx: Tx, invoice: Invoice) -> None:
    """Keep an invoice open that no gateway can collect: no attempt is counted, and no retry is planned."""
    log.warning("%s invoice %s stays open: live mode has no payment gateway", tx.tenant, invoice.id)
    if invoice.next_payment_attempt:
        rows.update(tx, invoice, next_payment_attempt=None)


def lock_payable(tx: Tx, id: str) -> Invoice | None:
    """The invoice if it is still to be collected by itself."""
    found = rows.find_many(tx, Invoice, [id])
    invoice = rows.lock(tx, Invoice, id) if found else None
    collected = invoice and invoice.status == "open" and invoice.auto_advance and invoice.amount_due > 0
    return invoice if collected else None


def attempt_invoice(
    tx: Tx, invoice: Invoice, *, automatic: bool, method: str | None = None, off_session: bool = True
) -> Steps:
    """One try to collect an open invoice.

    Returns the transaction it ends in; what became of it is in the rows. Refused where the mode has no
    gateway.
    """
    asks = gateway(tx)
    customer = rows.find(tx, Customer, invoice.customer)
    subscription = rows.find_many(tx, Subscription, [invoice.subscription or ""]).get(
        invoice.subscription or ""
    )
    chosen = (
        rows.find_many(tx, PaymentMethod, [method]).get(method)
        if method
        else payment_methods.method_of(tx, customer, subscription, invoice)
    )
    intent = rows.find(tx, PaymentIntent, invoice.payment_intent or "")
    attempt = under_way(tx, intent)
    if attempt is None and chosen is None:
        settle(tx, unsent(intent, automatic), NO_METHOD)
        return tx
    if attempt is None:
        if chosen is None:
            raise Inconsistent(f"No payment method was chosen for {intent.id}.")
        if automatic and hopeless(intent, chosen):
            settle(tx, unsent(intent, automatic, chosen.id), again(intent))
            return tx
        attempt = begin(tx, intent, chosen, automatic=automatic, off_session=off_session)
    tx, outcome = yield ask(asks.charge, wish(attempt))
    settle(tx, rows.lock(tx, Attempt, attempt.id), outcome)
    return tx


def under_way(tx: Tx, intent: PaymentIntent) -> Attempt | None:
    """An attempt begun and not settled: it is asked for again under its own id, never charged twice."""
    found = rows.select(tx, Attempt, "payment_intent = %(id)s and state = 'processing'", id=intent.id)
    return found[0] if found else None


def begin(
    tx: Tx, intent: PaymentIntent, method: PaymentMethod, *, automatic: bool, off_session: bool
) -> Attempt:
    """Write down what is about to be done, and the job that finds out should we not come back."""
    rows.update(tx, intent, event=None, status="processing", payment_method=method.id)
    return write_down(
        tx,
        Attempt(
            payment_intent=intent.id,
            invoice=intent.invoice,
            customer=intent.customer,
            amount=intent.amount,
            currency=intent.currency,
            payment_method=method.id,
            token=method.token,
            off_session=off_session,
            automatic=automatic,
        ),
    )


def write_down(tx: Tx, attempt: Attempt) -> Attempt:
    """From here on no crash loses what the gateway will say: the job asks again.

    No test card is charged in live mode, also none that was stored when live mode still simulated payments.
    """
    gateway(tx)
    if tx.livemode and attempt.kind == "charge" and instruments.is_test_card(attempt.token):
        raise declined_test_card()
    attempt = rows.insert(tx, attempt.but(request=tx.cause.request))
    jobs.put(tx, "attempt.resolve", attempt.id, tx.wall + RESOLVE, clock="wall")
    return attempt


def unsent(intent: PaymentIntent, automatic: bool, method: str = "") -> Attempt:
    """A try that never reaches a gateway."""
    return Attempt(
        payment_intent=intent.id,
        invoice=intent.invoice,
        customer=intent.customer,
        amount=intent.amount,
        currency=intent.currency,
        payment_method=method,
        token="",
        automatic=automatic,
    )


def hopeless(intent: PaymentIntent, method: PaymentMethod) -> bool:
    """The bank has said that this method will not do: the retry counts, but the bank is not asked (§8.6)."""
    error = intent.last_payment_error or {}
    refused = error.get("payment_method") or {}
    hard = hard_decline(error.get("code"), error.get("decline_code"))
    return hard and refused.get("id") == method.id


def again(intent: PaymentIntent) -> payments.Declined:
    error = intent.last_payment_error or {}
    return payments.Declined(error["code"], error.get("decline_code"), error["message"], retry=False)


def wish(attempt: Attempt) -> payments.Charge:
    return payments.Charge(
        attempt.id,
        attempt.amount,
        attempt.currency,
        attempt.token,
        attempt.off_session,
        capture=attempt.capture,
    )


def asked(gateway: Gateway, attempt: Attempt) -> payments.Outcome:
    """Ask the gateway for what an attempt wants; asked twice, it answers the same."""
    about = (attempt.id, attempt.token, attempt.amount, attempt.currency)
    if attempt.kind == "capture":
        return gateway.capture(payments.Capture(*about))
    if attempt.kind == "refund":
        return gateway.refund(payments.Refund(*about))
    return gateway.charge(wish(attempt))


@job("attempt.resolve", lane="outside")
def resolve(tx: Tx, refs: list[str]) -> Steps:
    """Find out what became of an attempt whose answer never came."""
    yield from find_out(tx, refs)
    return None


def find_out(tx: Tx, ids: list[str]) -> Steps:
    """Ask the gateway what became of attempts, and settle them; what never reached it is asked for again.

    The job goes on asking where we do not come back.
    """
    for id in ids:
        attempt = rows.find_all(tx, Attempt, [id])[id]
        if attempt.state != "processing":
            continue
        if not has_gateway(tx):
            settle(tx, rows.lock(tx, Attempt, id), NEVER_MADE)
            continue
        jobs.put(tx, "attempt.resolve", id, tx.wall + RESOLVE, clock="wall")
        tx, outcome = yield ask(known, gateway(tx), attempt)
        settle(tx, rows.lock(tx, Attempt, id), outcome)
    return None


def known(asked_of: Gateway, attempt: Attempt) -> payments.Outcome:
    """What a gateway knows of an attempt; where it knows nothing, it is asked for it."""
    return asked_of.look_up(attempt.id) or asked(asked_of, attempt)
