"""Complete what a bank asks of the customer: 3D Secure, on a page of ours or on one of the bank's."""

from billow.api import rows
from billow.flows.outside.outside import gateway_named
from billow.flows.payments import actions, collect
from billow.resources.checkout_session import CheckoutSession
from billow.store.perform import Steps, ask
from billow.store.tx import Tx


def confirm(tx: Tx, intent: str, passed: bool) -> Steps:
    """Tell the bank whether the customer confirmed, and settle what the gateway then says.

    Returns the transaction: `tx = yield from confirm(…)`. An intent that no longer waits stays as it is, and
    what is asked on a page of the bank's is only looked up.
    """
    if actions.find(tx, intent).status != "requires_action":
        return tx
    waiting = collect.awaiting_action(tx, intent)
    if waiting is not None and waiting.action_url is None:
        tx, _ = yield ask(gateway_named(tx, waiting.gateway).authenticate, waiting.id, passed)
    tx, _ = yield from actions.complete(tx, intent)
    return tx


def elsewhere(tx: Tx, intent: str) -> str | None:
    """Return the address of the page on which the bank asks; None where it asks on a page of ours."""
    waiting = collect.awaiting_action(tx, intent)
    return waiting.action_url if waiting else None


def session_awaiting(tx: Tx, intent: str) -> CheckoutSession | None:
    """Return the checkout session that goes on once its customer has confirmed an intent."""
    where = "pending->>'awaits' = %(id)s and status = 'open'"
    found = rows.select(tx, CheckoutSession, where, "limit 1", id=intent)
    return found[0] if found else None
