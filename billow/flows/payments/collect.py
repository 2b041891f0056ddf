"""Collect invoices: write the attempts down, ask the gateway, settle its answers."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from billow.api import rows
from billow.core import lifecycle, payments
from billow.core.dunning import hard_decline
from billow.core.errors import Unavailable
from billow.flows.customers import payment_methods
from billow.flows.outside.outside import declined_test_card, gateway, gateway_named, gateway_of, has_gateway
from billow.flows.papers import links
from billow.flows.payments import abandoned, able_accounts, card_terms, holds, intent_states
from billow.flows.payments.settle import settle, settle_all
from billow.providers.gateways import Gateway, accounts
from billow.resources.attempt import Attempt
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.resources.setup_intent import SetupIntent
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

log = logging.getLogger("billow.payments")
RESOLVE = timedelta(minutes=1)
"""How long after an attempt the gateway is asked for its outcome, if the answer never came."""
PENDING = timedelta(days=1)
"""How long at most until the gateway is asked again for money that is on its way for days."""
UNCONFIRMED = timedelta(hours=1)
"""How long a payment that its customer has authenticated waits for a confirmation by hand."""
BATCH = 20
"""How many invoices are collected together. A gateway that takes a second for each has answered long before
`RESOLVE`, and within the time that a worker has to stop."""
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


UNREAL = (None, "simulated")
"""The gateways of such attempts: the simulated one, whose name older versions did not note."""


@job("invoice.collect", batch=BATCH, lane="outside", settled_by="attempt.resolve")
def collect_due(tx: Tx, refs: list[str]) -> Steps:
    """Charge open invoices on schedule, one of each customer; the others are put into the next batch.

    Paying one invoice changes the customer and the subscription, which paying the next one reads.
    Locks the customers, then the invoices.
    """
    invoices = rows.lock_owned(tx, Invoice, refs)
    payable = [one for one in invoices if one.status == "open" and one.auto_advance and one.amount_due > 0]
    if not has_gateway(tx) or (payable and not able_accounts.may_charge(tx)):
        leave_open(tx, payable)
        return None
    first = {one.customer: one for one in reversed(payable)}
    later = [one for one in payable if first[one.customer] is not one]
    jobs.put_many(tx, "invoice.collect", [(one.id, tx.now) for one in later])
    if first:
        yield from attempt_invoices(tx, [one for one in payable if first[one.customer] is one])
    return None


def leave_open(tx: Tx, invoices: Sequence[Invoice]) -> None:
    """Keep invoices open that no gateway can collect: no attempt is counted, and no retry is scheduled."""
    reason = "the account may not charge" if has_gateway(tx) else "live mode has no payment gateway"
    for invoice in invoices:
        log.warning("%s invoice %s stays open: %s", tx.tenant, invoice.id, reason)
    scheduled = [invoice for invoice in invoices if invoice.next_payment_attempt]
    rows.update_many(tx, [(invoice, {"next_payment_attempt": None}) for invoice in scheduled])


def attempt_invoice(
    tx: Tx, invoice: Invoice, *, automatic: bool, method: str | None = None, off_session: bool = True
) -> Steps:
    """Attempt to collect an open invoice, as `attempt_invoices` does."""
    tx = yield from attempt_invoices(tx, [invoice], Manner(automatic, off_session, method))
    return tx


@dataclass(frozen=True, slots=True)
class Manner:
    """How invoices are collected: as the schedule says, or at a request, which may name the method."""

    automatic: bool = True
    off_session: bool = True
    method: str | None = None
    keep: bool = False
    """Whether the method is to be used from now on, once it has paid."""


def attempt_invoices(tx: Tx, invoices: Sequence[Invoice], how: Manner = Manner()) -> Steps:
    """Attempt to collect open invoices, which are locked and each of another customer, in two transactions.

    The first writes the attempts. Then the gateway is asked for each, under the id of the attempt. The second
    settles the outcomes; it is returned, and the outcomes are in the rows. `attempt.resolve` settles attempts
    that the gateway does not answer. Raises `Refused` in a mode without a gateway.
    """
    gateway(tx)
    begun = unfinished(tx, [one.payment_intent or "" for one in invoices])
    if waiting := [one for one in begun if one.state == "requires_action"]:
        tx = yield from abandoned.end(tx, waiting)
        again = rows.lock_owned(tx, Invoice, [one.id for one in invoices])
        invoices = [one for one in again if one.status in lifecycle.PAYABLE]
        begun = unfinished(tx, [one.payment_intent or "" for one in invoices])
    attempts = begin_attempts(tx, invoices, how, begun)
    if not attempts:
        return tx
    tx, outcomes = yield ask(carry_out_each, gateways_of(tx, attempts), attempts)
    settle_answers(tx, outcomes)
    return tx


def settle_answers(tx: Tx, outcomes: Mapping[str, payments.Outcome]) -> None:
    """Lock the attempts that were answered, and settle them."""
    settle_all(tx, [(one, outcomes[one.id]) for one in rows.lock_many(tx, Attempt, outcomes)])


def begin_attempts(
    tx: Tx, invoices: Sequence[Invoice], how: Manner, under_way: Sequence[Attempt] = ()
) -> list[Attempt]:
    """Return the attempts for which the gateway is to be asked: those under way, and new ones, written down.

    An invoice that cannot be paid now, without a method or with one that the bank refused for good, fails at
    once.
    """
    intents = rows.find_all(tx, PaymentIntent, [one.payment_intent or "" for one in invoices])
    attempts = [*under_way]
    begun = {attempt.payment_intent for attempt in attempts}
    new: list[tuple[PaymentIntent, PaymentMethod]] = []
    failed: list[tuple[Attempt, payments.Outcome]] = []
    waiting = [one for one in invoices if one.payment_intent not in begun]
    methods = methods_for(tx, waiting, how.method)
    for invoice in waiting:
        intent, method = intents[invoice.payment_intent or ""], methods.get(invoice.id)
        if method is None or not takes(invoice, method):
            failed.append((unsent(intent, how.automatic), NO_METHOD))
        elif how.automatic and is_hopeless(intent, method):
            failed.append((unsent(intent, how.automatic, method.id), last_decline(intent)))
        else:
            new.append((intent, method))
    attempts += begin_many(tx, new, automatic=how.automatic, off_session=how.off_session, keep=how.keep)
    settle_all(tx, failed)
    return attempts


def takes(invoice: Invoice, method: PaymentMethod) -> bool:
    """Check whether an invoice may be paid by a method, as its payment settings say."""
    types = invoice.payment_settings.get("payment_method_types")
    return not types or method.type in types


def methods_for(tx: Tx, invoices: Sequence[Invoice], method: str | None) -> dict[str, PaymentMethod]:
    """Return the payment method of each invoice that has one: the given one, or the customer's choice."""
    if method:
        found = rows.find_many(tx, PaymentMethod, [method])
        return {invoice.id: found[method] for invoice in invoices if method in found}
    customers = rows.find_many(tx, Customer, [invoice.customer for invoice in invoices])
    subscriptions = rows.find_many(
        tx, Subscription, [one.subscription for one in invoices if one.subscription]
    )
    return payment_methods.methods_of(
        tx,
        {
            invoice.id: (customers[invoice.customer], subscriptions.get(invoice.subscription or ""), invoice)
            for invoice in invoices
        },
    )


def unfinished(tx: Tx, intents: Sequence[str]) -> list[Attempt]:
    """Find attempts that are begun and not settled; the gateway is asked again under the same id."""
    where = "payment_intent = any(%(ids)s) and state in ('processing', 'requires_action')"
    return rows.select(tx, Attempt, where, "order by id", ids=intents)


def gateways_of(tx: Tx, attempts: Sequence[Attempt]) -> dict[str | None, Gateway]:
    """Return the gateways that attempts name, by their names."""
    return {one.gateway: gateway_named(tx, one.gateway) for one in attempts}


def carry_out_each(
    gateways: Mapping[str | None, Gateway], attempts: Sequence[Attempt]
) -> dict[str, payments.Outcome]:
    """Carry out each attempt at its gateway under the attempt's id; return the answers that came.

    Raises `Unavailable` if no gateway answers.
    """
    outcomes: dict[str, payments.Outcome] = {}
    silence: Unavailable | None = None
    for attempt in attempts:
        try:
            outcomes[attempt.id] = carry_out(gateways[attempt.gateway], attempt)
        except Unavailable as error:
            silence = error
            log.warning("attempt %s is left to attempt.resolve: %s", attempt.id, error)
    if silence and not outcomes:
        raise silence
    return outcomes


def begin(
    tx: Tx, intent: PaymentIntent, method: PaymentMethod, *, automatic: bool, off_session: bool
) -> Attempt:
    """Begin to pay one intent, as `begin_many` does."""
    return begin_many(tx, [(intent, method)], automatic=automatic, off_session=off_session)[0]


def begin_many(
    tx: Tx,
    wanted: Sequence[tuple[PaymentIntent, PaymentMethod]],
    *,
    automatic: bool,
    off_session: bool,
    keep: bool = False,
) -> list[Attempt]:
    """Write down the attempts to pay intents, each with its payment method.

    Refuses an intent that has succeeded or was canceled, whatever asks for the payment.
    """
    for intent, _ in wanted:
        if intent.status not in intent_states.OPEN:
            raise intent_states.unexpected(
                tx, intent, f"This PaymentIntent cannot be paid: it has a status of {intent.status}."
            )
    rows.update_many(tx, [(intent, begun(intent, method)) for intent, method in wanted], event=None)
    return write_down_many(
        tx,
        [
            unsent(intent, automatic, method.id).but(
                token=method.token,
                method_type=method.type,
                off_session=off_session,
                keep=keep,
                capture=captures(intent, method),
                three_d_secure=None if off_session else asked(intent, method),
                card_terms=card_terms.of_attempt(intent, method),
                wishes=[] if captures(intent, method) else holds.wishes_of(intent, method),
                gateway=gateway_of(tx, method.gateway, intent.currency, method.type).name,
            )
            for intent, method in wanted
        ],
    )


def begun(intent: PaymentIntent, method: PaymentMethod) -> dict[str, Any]:
    """Return what an attempt changes on its intent, which takes the type of the method that pays."""
    types = intent.payment_method_types
    return {
        "status": "processing",
        "card_terms": None,
        "payment_method_options": card_terms.with_plans_of(intent, method),
        "payment_method": method.id,
        "payment_method_types": types if method.type in types else [*types, method.type],
    }


def captures(intent: PaymentIntent, method: PaymentMethod) -> bool:
    """Check whether a payment is captured at once, or held until it is captured."""
    own = (intent.payment_method_options or {}).get(method.type) or {}
    return "manual" not in (intent.capture_method, own.get("capture_method"))


def asked(intent: PaymentIntent | SetupIntent, method: PaymentMethod) -> str | None:
    """Return how the options of an intent ask the holder of a card to authenticate, if they do."""
    options = (intent.payment_method_options or {}).get("card") or {} if method.type == "card" else {}
    wish = options.get("request_three_d_secure")
    return wish if wish in ("any", "challenge") else None


def awaiting_action(tx: Tx, intent: str) -> Attempt | None:
    """Find the attempt of a payment intent or a setup intent that waits for an action of the customer."""
    found = rows.select(
        tx,
        Attempt,
        "(payment_intent = %(id)s or setup_intent = %(id)s) and state in ('requires_action', 'processing')",
        "order by created desc, id desc limit 1",
        id=intent,
    )
    return found[0] if found else None


def settle_after_action(tx: Tx, id: str, outcome: payments.Outcome) -> None:
    """Settle an attempt after its customer has acted, once."""
    attempt = rows.lock(tx, Attempt, id)
    if attempt.state == "requires_action":
        attempt = rows.update(tx, attempt, event=None, state="processing")
    settle(tx, attempt, outcome)


def write_down(tx: Tx, attempt: Attempt) -> Attempt:
    """Write down one attempt, as `write_down_many` does."""
    return write_down_many(tx, [attempt])[0]


def write_down_many(tx: Tx, attempts: Sequence[Attempt]) -> list[Attempt]:
    """Write down attempts before the gateway is asked, with a job that asks again if this process dies.

    So no crash loses what the gateway answers. A test card is refused in live mode, also one that was stored
    when live mode still simulated payments.
    """
    name = gateway(tx).name
    if any(attempt.kind == "charge" for attempt in attempts):
        able_accounts.check_charges(tx)
    attempts = [attempt.but(return_url=return_url_of(tx, attempt)) for attempt in attempts]
    for attempt in attempts:
        if tx.livemode and attempt.kind in ("charge", "setup") and accounts.is_test_method(attempt.token):
            raise declined_test_card()
    made = rows.insert_many(
        tx, [one.but(request=tx.cause.request, gateway=one.gateway or name) for one in attempts]
    )
    at = tx.wall + RESOLVE
    jobs.put_many(tx, "attempt.resolve", [(attempt.id, at) for attempt in made], clock="wall")
    return made


def return_url_of(tx: Tx, attempt: Attempt) -> str | None:
    """Return where a customer comes back to from a page of the bank's; None where nobody is there to go."""
    intent = attempt.payment_intent or attempt.setup_intent
    asks = (attempt.kind == "charge" and not attempt.off_session) or attempt.kind == "setup"
    return f"{links.authentication(tx, intent)}/back" if intent and asks else None


def unsent(intent: PaymentIntent, automatic: bool, method: str = "") -> Attempt:
    """Return an attempt to pay an intent that is not written down, and reaches no gateway as it is."""
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


def is_hopeless(intent: PaymentIntent, method: PaymentMethod) -> bool:
    """Check whether the bank has refused this method for good: the retry counts, but is not sent (§8.6)."""
    error = intent.last_payment_error or {}
    refused = error.get("payment_method") or {}
    hard = hard_decline(error.get("code"), error.get("decline_code"))
    return hard and refused.get("id") == method.id


def last_decline(intent: PaymentIntent) -> payments.Declined:
    """Return the decline that the intent keeps as its last error, as the outcome of a retry."""
    error = intent.last_payment_error or {}
    return payments.Declined(error["code"], error.get("decline_code"), error["message"], retry=False)


def charge_of(attempt: Attempt) -> payments.Charge:
    """Return the request to the gateway that charges an attempt."""
    return payments.Charge(
        attempt.id,
        attempt.amount,
        attempt.currency,
        attempt.token,
        attempt.off_session,
        capture=attempt.capture,
        return_url=attempt.return_url,
        type=attempt.method_type,
        wishes=tuple(attempt.wishes),
        three_d_secure=attempt.three_d_secure,
        terms=card_terms.terms_of(attempt),
    )


def carry_out(gateway: Gateway, attempt: Attempt) -> payments.Outcome:
    """Ask the gateway to carry out an attempt; a second call gets the same answer."""
    about = (attempt.id, attempt.token, attempt.amount, attempt.currency)
    if attempt.kind == "capture":
        return gateway.capture(payments.Capture(*about, final=attempt.final))
    if attempt.kind == "increment":
        return gateway.increment(payments.Increment(*about))
    if attempt.kind == "refund":
        return gateway.refund(payments.Refund(*about))
    if attempt.kind == "setup":
        how = (attempt.off_session, attempt.return_url, attempt.method_type, attempt.three_d_secure)
        terms = card_terms.terms_of(attempt)
        return gateway.set_up(payments.SetUp(attempt.id, attempt.token, *how, terms=terms))
    return gateway.charge(charge_of(attempt))


@job("attempt.resolve", lane="outside")
def resolve(tx: Tx, refs: list[str]) -> Steps:
    """Find out the outcome of an attempt whose answer never came."""
    yield from find_out(tx, refs)
    return None


def find_out(tx: Tx, ids: list[str]) -> Steps:
    """Ask the gateway for the outcomes of attempts, or to carry out those that it does not know; settle them.

    The job of each attempt asks again if this process dies.
    """
    for id in ids:
        attempt = rows.find_all(tx, Attempt, [id])[id]
        if attempt.state != "processing":
            continue
        if attempt.gateway in UNREAL and not has_gateway(tx):
            settle(tx, rows.lock(tx, Attempt, id), NEVER_MADE)
            continue
        jobs.put(tx, "attempt.resolve", id, tx.wall + RESOLVE, clock="wall")
        tx, outcome = yield ask(look_up_or_carry_out, gateway_named(tx, attempt.gateway), attempt)
        settle(tx, rows.lock(tx, Attempt, id), outcome)
    return None


def look_up_or_carry_out(gateway: Gateway, attempt: Attempt) -> payments.Outcome:
    """Return the outcome that the gateway knows; if it knows none, ask it to carry out the attempt."""
    return gateway.look_up(attempt.id) or carry_out(gateway, attempt)
