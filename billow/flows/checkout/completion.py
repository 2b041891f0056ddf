"""Pay a checkout session, and complete it when its payment has succeeded."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from billow.api import rows
from billow.core.errors import Refused, require
from billow.core.payments import Declined, Outcome
from billow.flows.billing import discounts
from billow.flows.checkout import confirmations, entered_methods, not_made, payment_links, purchase, sessions
from billow.flows.checkout.purchase import Payer
from billow.flows.customers import payment_methods
from billow.flows.invoices import void
from billow.flows.payments import actions, collect
from billow.flows.subscription_status import transitions
from billow.flows.subscriptions import create, incomplete
from billow.providers.gateways import Gateway
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge
from billow.resources.checkout_session import CheckoutSession
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_link import PaymentLink
from billow.resources.payment_method import PaymentMethod
from billow.resources.payment_method_types import BY_NAME
from billow.resources.setup_intent import SetupIntent
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

GUARD = timedelta(minutes=2)
"""How long a payment under way keeps others out, if its answer never comes: then it is found out."""
HELD = timedelta(hours=1)
"""How often a payment is looked at that is held until its merchant captures it."""
MADE = {"subscription", "invoice", "payment_intent", "payment_method", "setup_intent", "redeemed"}
"""What is kept of a payment once something was made for it."""
MOST_DECLINES = 10
"""How many declines a session takes, so that nobody tries stolen cards on it."""
AGAIN = timedelta(minutes=10)
"""How often a payment is looked at that takes days, as that of a bank debit, or waits for its customer."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a payment: the session, and why it was declined, if it was."""

    session: CheckoutSession
    declined: str | None = None
    reason: str | None = None
    """The code of why it was declined; None where no bank has said anything."""
    taxed: bool = False
    """Whether nothing was paid: the tax of the address makes another total, which is to be agreed to."""


def pay(tx: Tx, id: str, payer: Payer) -> Steps:
    """Pay an open session with what the customer entered; returns a `Result`.

    A second call while the first is under way changes nothing. Locks the session; what it sells is written
    before the gateway is asked, so that a crash leaves `checkout.settle` to find out the outcome.
    """
    session = rows.lock(tx, CheckoutSession, id)
    tx = purchase.with_clock(tx, session)
    if session.status != "open" or is_busy(tx, session):
        return Result(session)
    require(not sessions.is_over(session, tx.now), "This checkout session has expired.")
    check_open(tx, session)
    if paid_elsewhere(tx, session):
        pending = {**session.pending, "payment_intent": purchase.tried_intent(session)}
        return settle(tx, rows.update(tx, session, event=None, pending=pending))
    if session.automatic_tax["enabled"]:
        said = session.but(**purchase.collected(session, payer))
        taxed = sessions.taxed_anew(tx, session, said)
        if taxed is not None:
            return taxed_otherwise(taxed)
    session = rows.update(
        tx, session, event=None, attempt_until=tx.wall + GUARD, **purchase.collected(session, payer)
    )
    jobs.put(tx, "checkout.settle", id, tx.wall + GUARD, clock="wall")
    method = None
    check = not purchase.declines_as_payment(session)
    tx, answer = yield from entered_methods.store(tx, payer, session.currency, check=check)
    session = rows.lock(tx, CheckoutSession, id)
    tx = purchase.with_clock(tx, session)
    if isinstance(answer, Declined):
        return refuse(tx, session, answer.message, reason_of(asdict(answer)))
    if answer is not None:
        method = entered_methods.typed(payment_methods.new_method(answer), payer)
    elif payer.method:
        method = purchase.saved_method(tx, session, payer.method)
    session, attempts = begin(tx, session, payer, method)
    if attempts:
        tx, outcomes = yield ask(asked, collect.gateways_of(tx, attempts), attempts)
        collect.settle_answers(tx, outcomes)
    session = rows.lock(tx, CheckoutSession, id)
    return settle(purchase.with_clock(tx, session), session)


def taxed_otherwise(session: CheckoutSession) -> Result:
    """Say what the total is with the tax of the customer's address; it is paid by sending the form again."""
    if session.automatic_tax["status"] != "complete":
        return Result(session, "The tax for this address could not be calculated.")
    return Result(session, taxed=True)


def check_open(tx: Tx, session: CheckoutSession) -> None:
    """Refuse to pay after too many declines, or where the limit of the session's link is reached."""
    require(
        session.pending.get("declines", 0) < MOST_DECLINES, "This checkout session was declined too often."
    )
    if session.payment_link:
        link = rows.lock(tx, PaymentLink, session.payment_link)
        require(payment_links.has_room(tx, link, session.id), link.inactive_message or payment_links.INACTIVE)


def paid_elsewhere(tx: Tx, session: CheckoutSession) -> bool:
    """Check whether the intent of an earlier attempt was paid by a request to the API."""
    found = rows.find_many(tx, PaymentIntent, [purchase.tried_intent(session) or ""])
    return any(one.status in ("succeeded", "requires_capture") for one in found.values())


def reopen(tx: Tx, id: str) -> None:
    """Let the customer of a payment that was refused before anything was made for it try again.

    A refusal is not counted as a decline: no bank has said anything.
    """
    session = rows.lock(tx, CheckoutSession, id)
    if session.status == "open" and session.attempt_until is not None and not session.pending.keys() & MADE:
        jobs.cancel(tx, "checkout.settle", id)
        rows.update(tx, session, event=None, attempt_until=None)


def asked(gateways: Mapping[str | None, Gateway], attempts: Sequence[Attempt]) -> dict[str, Outcome]:
    """Ask the gateways to charge, or to set up the method that is saved; return the answers that came."""
    if attempts[0].kind == "setup":
        return {one.id: collect.carry_out(gateways[one.gateway], one) for one in attempts}
    return collect.carry_out_each(gateways, attempts)


def confirm(tx: Tx, id: str, passed: bool) -> Steps:
    """Go on after the customer has answered the bank; returns a `Result`. Locks the session."""
    session = rows.lock(tx, CheckoutSession, id)
    tx = purchase.with_clock(tx, session)
    awaits = session.pending.get("awaits")
    if session.status != "open" or not awaits:
        return Result(session)
    tx = yield from confirmations.confirm(tx, awaits, passed)
    session = rows.lock(tx, CheckoutSession, id)
    tx = purchase.with_clock(tx, session)
    if session.status != "open" or session.pending.get("awaits") != awaits:
        return Result(session)
    return settle_or_refund(tx, acted(tx, session))


def acted(tx: Tx, session: CheckoutSession) -> CheckoutSession:
    """Note that the customer is asked for nothing any more."""
    pending = {name: value for name, value in session.pending.items() if name != "awaits"}
    return rows.update(tx, session, event=None, pending=pending)


def is_busy(tx: Tx, session: CheckoutSession) -> bool:
    """Return whether a payment is under way, or waits for the customer's bank."""
    return session.attempt_until is not None or bool(session.pending.get("awaits"))


def begin(
    tx: Tx, session: CheckoutSession, payer: Payer, method: PaymentMethod | None
) -> tuple[CheckoutSession, list[Any]]:
    """Create the customer, write the method, and begin what is sold, in this order (§10.3 F13).

    A new method becomes the customer's where its payment succeeds that says so, or with a subscription.
    """
    customer = purchase.customer_of(tx, session, payer)
    if method is not None and payer.method is None:
        method = rows.insert(tx, method, event=None)
        entered_methods.agree(tx, method, payer)
    found, attempts = purchase.begin(tx, session, customer, method)
    pending = {
        "customer": customer.id if customer else None,
        "declines": session.pending.get("declines", 0),
        "payment_method": method.id if method else None,
        **found,
    }
    one_time = session.mode == "payment" and found.get("payment_intent")
    shown = {"payment_intent": found["payment_intent"]} if one_time else {}
    return rows.update(tx, session, event=None, pending=pending, **shown), attempts


def reason_of(error: Mapping[str, Any]) -> str:
    """Return the code of why a bank declined, the most exact that is known.

    >>> reason_of({"code": "card_declined", "decline_code": "lost_card"}), reason_of({})
    ('lost_card', 'generic')
    """
    return str(error.get("decline_code") or error.get("code") or "generic")


def refuse(
    tx: Tx, session: CheckoutSession, message: str, reason: str | None = None, **pending: Any
) -> Result:
    """Leave a session open after a declined payment; the customer may try again."""
    jobs.cancel(tx, "checkout.settle", session.id)
    redeemed = [(coupon, code) for coupon, code in session.pending.get("redeemed") or []]
    discounts.uncount_redemptions(tx, redeemed)
    declines = session.pending.get("declines", 0) + 1
    kept = {"customer": session.pending.get("customer"), "declines": declines, **pending}
    if session.mode == "subscription":
        kept["tried"] = session.pending.get("payment_intent") or session.pending.get("tried")
    return Result(rows.update(tx, session, event=None, attempt_until=None, pending=kept), message, reason)


# ------------------------------------------------------------------------------------- what became of it


def settle(tx: Tx, session: CheckoutSession) -> Result:
    """Find out from what was made for a session where its payment stands, and go on from there.

    Paid, it is completed; declined, what was made is removed and it stays open; where the bank asks the
    customer, it waits. Locks the session's rows.
    """
    if session.status != "open":
        return Result(session)
    intent = intent_of(tx, session)
    if intent is None or intent.status in ("succeeded", "requires_capture"):
        return Result(complete(tx, session, intent))
    if intent.status == "requires_action":
        pending = {**session.pending, "awaits": intent.id}
        jobs.put(tx, "checkout.settle", session.id, tx.wall + AGAIN, clock="wall")
        for subscription in rows.lock_many(tx, Subscription, [pending.get("subscription") or ""]):
            transitions.await_customer(tx, subscription)
        return Result(rows.update(tx, session, event=None, attempt_until=None, pending=pending))
    if intent.status == "processing":
        if is_delayed(tx, intent):
            return Result(complete(tx, session, intent))
        jobs.put(tx, "checkout.settle", session.id, tx.wall + GUARD, clock="wall")
        return Result(rows.update(tx, session, event=None, attempt_until=tx.wall + GUARD))
    error = error_of(intent) or {}
    take_back(tx, session)
    return refuse(tx, session, error.get("message") or "Your card was declined.", reason_of(error))


def error_of(intent: PaymentIntent | SetupIntent) -> dict[str, Any] | None:
    return intent.last_payment_error if isinstance(intent, PaymentIntent) else intent.last_setup_error


def intent_of(tx: Tx, session: CheckoutSession) -> PaymentIntent | SetupIntent | None:
    """Return the intent that pays the session or saves the method; None where nothing is to be paid."""
    pending = session.pending
    if pending.get("setup_intent"):
        return rows.find(tx, SetupIntent, pending["setup_intent"])
    id = pending.get("payment_intent")
    if pending.get("invoice"):
        invoice = rows.find(tx, Invoice, pending["invoice"])
        id = None if invoice.status == "paid" else invoice.payment_intent
    return rows.find(tx, PaymentIntent, id) if id else None


def is_delayed(tx: Tx, intent: PaymentIntent | SetupIntent) -> bool:
    """Return whether the payment takes days by its nature, as that of a bank debit does.

    One that has failed has left its method, which its charge still names.
    """
    used = intent.payment_method
    if used is None and isinstance(intent, PaymentIntent) and intent.latest_charge:
        used = rows.find(tx, Charge, intent.latest_charge).payment_method
    found = rows.find_many(tx, PaymentMethod, [used or ""])
    return any(BY_NAME[method.type].delayed for method in found.values())


def take_back(tx: Tx, session: CheckoutSession) -> None:
    """Remove what was made for a payment that failed: the subscription, or the invoice."""
    pending = session.pending
    for subscription in rows.lock_many(tx, Subscription, [pending.get("subscription") or ""]):
        incomplete.remove_unpaid(tx, subscription)
    for invoice in rows.lock_many(tx, Invoice, [pending.get("invoice") or ""]):
        if invoice.status == "open":
            void.void_invoice(tx, invoice)


def complete(tx: Tx, session: CheckoutSession, intent: PaymentIntent | SetupIntent | None) -> CheckoutSession:
    """Mark a session complete, with what it has created. Emits `checkout.session.completed` last."""
    made = isinstance(intent, PaymentIntent) and purchase.is_made_by(session, intent)
    pending = {**session.pending, **(purchase.finish(tx, session, intent) if made else {})}  # type: ignore[arg-type]
    jobs.cancel(tx, "checkout.settle", session.id)
    jobs.cancel(tx, "checkout.expire", session.id)
    if pending.get("subscription"):
        subscription = rows.lock(tx, Subscription, pending["subscription"])
        transitions.keep(tx, [subscription])
        create.conclude(tx, subscription.id)
    customer = pending.get("customer")
    waits = intent is not None and intent.status == "processing"
    held = intent is not None and intent.status == "requires_capture"
    if waits or (held and purchase.has_invoice(session)):
        jobs.put(tx, "checkout.follow", session.id, tx.now + (AGAIN if waits else HELD))
    completed = rows.update(
        tx,
        session,
        event="checkout.session.completed",
        attempt_until=None,
        customer=customer or session.customer,
        invoice=pending.get("invoice"),
        payment_intent=session.payment_intent,
        payment_status=status_of(session, waits or held),
        pending={**pending, "awaits": None},
        status="complete",
        subscription=pending.get("subscription"),
        url=None,
    )
    if session.payment_link:
        payment_links.count_completed(tx, session.payment_link)
    return completed


def status_of(session: CheckoutSession, waits: bool) -> str:
    """Return whether a completed session is paid; a trial or a whole discount needs no payment."""
    if session.mode == "setup" or not session.amount_total:
        return "no_payment_required"
    return "unpaid" if waits else "paid"


@job("checkout.settle", lane="outside")
def settle_due(tx: Tx, refs: list[str]) -> None:
    """Find out what became of a payment whose request died, or whose customer has not come back.

    A card that was not stored leaves the session open.
    """
    [id] = refs
    session = rows.lock(tx, CheckoutSession, id)
    tx = purchase.with_clock(tx, session)
    awaits = session.pending.get("awaits")
    if session.status != "open":
        return
    if awaits and actions.find(tx, awaits).status == "requires_action":
        jobs.put(tx, "checkout.settle", id, tx.wall + AGAIN, clock="wall")
        return
    if awaits:
        settle_or_refund(tx, acted(tx, session))
        return
    if session.attempt_until is None:
        return
    if not session.pending.keys() & MADE:
        refuse(tx, session, "")
        return
    settle_or_refund(tx, session)


def settle_or_refund(tx: Tx, session: CheckoutSession) -> Result:
    """Go on from where a payment stands; one that was taken for what cannot be made any more is refunded."""
    intent = intent_of(tx, session)
    why = not_made.why_not(tx, session, intent)
    if why and intent and intent.status == "processing":  # given back when it has come
        jobs.put(tx, "checkout.settle", session.id, tx.wall + AGAIN, clock="wall")
        return Result(session, why)
    if why and isinstance(intent, PaymentIntent):
        return Result(not_made.give_back(tx, session, intent, why), why)
    return settle(tx, session)


@job("checkout.follow", lane="outside")
def follow(tx: Tx, refs: list[str]) -> None:
    """Emit whether a payment that takes days has succeeded, once it is known, and make its invoice.

    One that is held until its merchant captures it has its invoice then.
    """
    [id] = refs
    session = rows.lock(tx, CheckoutSession, id)
    tx = purchase.with_clock(tx, session)
    intent = rows.find(tx, PaymentIntent, paying(tx, session))
    delayed = is_delayed(tx, intent)
    if why := not_made.why_not(tx, session, intent):
        not_made.give_back(tx, session, intent, why)
    elif intent.status == "succeeded":
        event = "checkout.session.async_payment_succeeded" if delayed else None
        made = {"invoice": session.invoice, **purchase.finish(tx, session, intent)}
        rows.update(tx, session, event=event, payment_status="paid", invoice=made["invoice"])
    elif intent.status in ("processing", "requires_capture"):
        jobs.put(tx, "checkout.follow", id, tx.now + (AGAIN if delayed else HELD))
    elif delayed:
        rows.emit(tx, [(session, None)], "checkout.session.async_payment_failed")


def paying(tx: Tx, session: CheckoutSession) -> str:
    """Return the id of the intent that pays a completed session."""
    if session.payment_intent:
        return session.payment_intent
    invoice = rows.find(tx, Invoice, session.invoice or "")
    if invoice.payment_intent is None:
        raise Refused("This session has no payment.")
    return invoice.payment_intent
