"""Complete what a customer has done: authenticated a payment or a set-up, or confirmed it elsewhere."""

from billow.api import rows
from billow.core.payments import NeedsAction, Succeeded
from billow.flows.outside.outside import gateway_named
from billow.flows.payments import collect
from billow.resources.attempt import Attempt
from billow.resources.payment_intent import PaymentIntent
from billow.resources.setup_intent import SetupIntent
from billow.store import jobs
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

Intent = PaymentIntent | SetupIntent


def find(tx: Tx, id: str) -> Intent:
    """Find the payment intent or the setup intent of an id."""
    if id.startswith(SetupIntent.prefix):
        return rows.find(tx, SetupIntent, id)
    return rows.find(tx, PaymentIntent, id)


def complete(tx: Tx, id: str) -> Steps:
    """Find out how the action of an intent ended, and settle it: `tx, intent = yield from complete(…)`.

    Nothing changes where the customer has not acted yet, or the intent waits for nothing. An intent that is
    confirmed by hand becomes `requires_confirmation`; confirming settles it, or a job after an hour.
    """
    waiting = collect.awaiting_action(tx, id)
    if waiting is None or waiting.state != "requires_action":
        return tx, find(tx, id)
    tx, outcome = yield ask(gateway_named(tx, waiting.gateway).look_up, waiting.id)
    if outcome is None or isinstance(outcome, NeedsAction):
        return tx, find(tx, id)
    intent = find(tx, id)
    by_hand = isinstance(intent, PaymentIntent) and intent.confirmation_method == "manual"
    if by_hand and isinstance(outcome, Succeeded):
        return tx, await_confirmation(tx, id, waiting)
    collect.settle_after_action(tx, waiting.id, outcome)
    return tx, find(tx, id)


def await_confirmation(tx: Tx, id: str, attempt: Attempt) -> PaymentIntent:
    """Record that a customer has acted, and that the merchant is to confirm the payment by hand."""
    intent = rows.lock(tx, PaymentIntent, id)
    if intent.status != "requires_action":
        return intent
    jobs.put(tx, "intent.complete", attempt.id, tx.wall + collect.UNCONFIRMED, clock="wall")
    return rows.update(tx, intent, event=None, next_action=None, status="requires_confirmation")


@job("intent.complete", lane="outside")
def complete_unconfirmed(tx: Tx, refs: list[str]) -> Steps:
    """Settle a payment that its customer has authenticated and nobody has confirmed: the money is taken."""
    for id in refs:
        attempt = rows.find_all(tx, Attempt, [id])[id]
        if attempt.state != "requires_action":
            continue
        tx, outcome = yield ask(gateway_named(tx, attempt.gateway).look_up, id)
        if outcome is not None and not isinstance(outcome, NeedsAction):
            collect.settle_after_action(tx, id, outcome)
    return None
