"""Complete what a bank asks of the customer: 3D Secure, on a page of ours."""

from billow.api import rows
from billow.core.errors import Refused, require
from billow.core.payments import NeedsAction, Outcome
from billow.flows.outside.outside import gateway
from billow.flows.payments.settle import settle
from billow.providers.gateways import Gateway
from billow.providers.gateways.simulated import Simulated
from billow.resources.attempt import Attempt
from billow.resources.payment_intent import PaymentIntent
from billow.store.perform import Steps, ask
from billow.store.tx import Tx


def confirm(tx: Tx, intent: str, passed: bool) -> Steps:
    """Tell the simulated bank whether the customer confirmed, and settle what the gateway then says.

    Returns the transaction: `tx = yield from confirm(…)`. An intent that no longer waits stays as it is.
    """
    found = rows.find(tx, PaymentIntent, intent)
    if found.status != "requires_action":
        return tx
    attempt = waiting(tx, intent)
    tx, outcome = yield ask(answered, gateway(tx), attempt.id, passed)
    locked = rows.lock(tx, Attempt, attempt.id)
    if locked.state == "requires_action" and outcome is not None and not isinstance(outcome, NeedsAction):
        settle(tx, rows.update(tx, locked, event=None, state="processing"), outcome)
    return tx


def waiting(tx: Tx, intent: str) -> Attempt:
    """Return the attempt of an intent that waits for the customer."""
    where = "payment_intent = %(id)s and state = 'requires_action'"
    found = rows.select(tx, Attempt, where, "order by id desc limit 1", id=intent)
    require(found, "This payment needs no confirmation any more.")
    return found[0]


def answered(provider: Gateway, attempt: str, passed: bool) -> Outcome | None:
    """Return the outcome after the customer has answered; only the simulated bank asks on our page."""
    if not isinstance(provider, Simulated):
        raise Refused("This payment is confirmed at the gateway.")
    return provider.authenticate(attempt, passed)
