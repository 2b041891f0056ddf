"""Expire checkout sessions, with what was begun in them and is not paid."""

from datetime import timedelta
from typing import Any

from billow.api import rows
from billow.api.fields import seconds
from billow.core.errors import Refused, require
from billow.flows.checkout import completion, purchase, sessions
from billow.flows.papers import links
from billow.flows.payments import abandoned, intent_states, payment_intents, setup_intents
from billow.resources.checkout_session import CheckoutSession
from billow.resources.payment_intent import PaymentIntent
from billow.resources.setup_intent import SetupIntent
from billow.store import jobs
from billow.store.jobs import job
from billow.store.perform import Steps
from billow.store.tx import Tx

RECOVERABLE = timedelta(days=30)
"""How long an expired session can be begun again (§9.1)."""


@CheckoutSession.action("expire")
def expire(tx: Tx, session: CheckoutSession) -> Steps:
    """Expire an open session: nothing can be paid at its address any more."""
    require(
        session.status == "open",
        'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status'
        f" of `{session.status}`.",
    )
    if session.attempt_until is not None:
        raise under_way()
    tx, after = yield from end(tx, session)
    return after if after.status == "expired" else under_way()


def under_way() -> Refused:
    return Refused("This Checkout Session has a payment that is under way: it cannot be expired now.")


def end(tx: Tx, session: CheckoutSession) -> Steps:
    """End what the customer is asked to confirm, and expire: `tx, session = yield from end(…)`.

    A payment that was completed meanwhile completes the session instead.
    """
    awaits = session.pending.get("awaits")
    if awaits is None and completion.paid_elsewhere(tx, session):
        pending = {**session.pending, "payment_intent": purchase.tried_intent(session)}
        return tx, completion.settle(tx, rows.update(tx, session, event=None, pending=pending)).session
    if awaits is None:
        return tx, close(tx, session)
    tx = yield from abandoned.end(tx, abandoned.of_intent(tx, awaits))
    session = rows.lock(tx, CheckoutSession, session.id)
    tx = purchase.with_clock(tx, session)
    if session.status != "open" or session.pending.get("awaits") != awaits:
        return tx, session
    intent = completion.intent_of(tx, session)
    if intent is None or intent.status not in ("requires_action", "canceled"):
        pending = {name: value for name, value in session.pending.items() if name != "awaits"}
        return tx, completion.settle(tx, rows.update(tx, session, event=None, pending=pending)).session
    completion.take_back(tx, session)
    return tx, close(tx, completion.refuse(tx, session, "").session)


def close(tx: Tx, session: CheckoutSession) -> CheckoutSession:
    """Mark a session expired, and cancel its intent; where it can be recovered, it says at which address.

    Emits `checkout.session.expired`.
    """
    changes: dict[str, Any] = {"status": "expired", "url": None}
    recovery = (session.after_expiration or {}).get("recovery")
    if recovery and recovery["enabled"]:
        until = seconds(tx.now + RECOVERABLE)
        found = {**recovery, "expires_at": until, "url": links.recovery(tx, session.id)}
        changes["after_expiration"] = {"recovery": found}
    jobs.cancel(tx, "checkout.expire", session.id)
    if session.setup_intent:
        setup_intents.cancel(
            tx,
            rows.lock(tx, SetupIntent, session.setup_intent),
            setup_intents.Cancel(cancellation_reason="abandoned"),
        )
    tried = purchase.tried_intent(session)
    for intent in rows.lock_many(tx, PaymentIntent, [tried] if tried else []):
        if intent.invoice is None and intent.status in intent_states.OPEN:
            payment_intents.canceled(tx, intent, "automatic")
    return rows.update(tx, session, event="checkout.session.expired", **changes)


@job("checkout.expire", lane="outside")
def expire_due(tx: Tx, refs: list[str]) -> Steps:
    """Expire a session whose time is over; one with a payment under way waits for its outcome."""
    [id] = refs
    session = rows.lock(tx, CheckoutSession, id)
    if session.attempt_until is not None:
        jobs.put(tx, "checkout.expire", id, session.attempt_until + timedelta(minutes=1))
    elif sessions.is_over(session, tx.now):
        yield from end(tx, session)
    return None
