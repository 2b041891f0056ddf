"""End checkout sessions whose payment was taken, and whose subscription or invoice cannot be made any more.

The currency of the customer may have changed meanwhile, or what is sold may be gone. The money is refunded.
"""

import logging

from billow.api import rows
from billow.core.errors import Refused, needed
from billow.flows.checkout import purchase
from billow.flows.payments import late_payments
from billow.resources.charge import Charge
from billow.resources.checkout_session import CheckoutSession
from billow.resources.payment_intent import PaymentIntent
from billow.resources.setup_intent import SetupIntent
from billow.store import jobs
from billow.store.tx import Tx

log = logging.getLogger("billow.checkout")


def why_not(tx: Tx, session: CheckoutSession, intent: PaymentIntent | SetupIntent | None) -> str | None:
    """Return why what was paid cannot be made, by making it on trial; None where it can be."""
    if not isinstance(intent, PaymentIntent) or not purchase.is_made_by(session, intent):
        return None
    try:
        with tx.taken_back() as trial:
            purchase.finish(trial, session, intent)
    except Refused as refused:
        return refused.message
    return None


def give_back(tx: Tx, session: CheckoutSession, intent: PaymentIntent, why: str) -> CheckoutSession:
    """Refund the payment of a session, which is locked, and end it if it is open.

    Emits `checkout.session.expired`, or `checkout.session.async_payment_failed` of one that was complete.
    """
    log.error("session %s is paid, and is refunded: %s", session.id, why)
    charge = rows.lock(tx, Charge, needed(intent.latest_charge, "the charge of the payment"))
    rows.update(tx, charge, event=None, late_for=session.id)
    jobs.put(tx, late_payments.RETURN, charge.id, tx.wall, clock="wall")
    jobs.cancel(tx, "checkout.settle", session.id)
    jobs.cancel(tx, "checkout.expire", session.id)
    if session.status != "open":
        rows.emit(tx, [(session, None)], "checkout.session.async_payment_failed")
        return session
    ended = {"attempt_until": None, "status": "expired", "url": None}
    return rows.update(tx, session, event="checkout.session.expired", **ended)
