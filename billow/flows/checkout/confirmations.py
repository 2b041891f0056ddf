"""Complete what a bank asks of the customer: 3D Secure, on a page of ours."""

from billow.core.errors import Refused
from billow.core.payments import Outcome
from billow.flows.outside.outside import gateway_named
from billow.flows.payments import actions, collect
from billow.providers.gateways import Gateway
from billow.providers.gateways.simulated import Simulated
from billow.store.perform import Steps, ask
from billow.store.tx import Tx


def confirm(tx: Tx, intent: str, passed: bool) -> Steps:
    """Tell the simulated bank whether the customer confirmed, and settle what the gateway then says.

    Returns the transaction: `tx = yield from confirm(…)`. An intent that no longer waits stays as it is.
    """
    if actions.find(tx, intent).status != "requires_action":
        return tx
    waiting = collect.awaiting_action(tx, intent)
    if waiting is not None:
        tx, _ = yield ask(answered, gateway_named(tx, waiting.gateway), waiting.id, passed)
    tx, _ = yield from actions.complete(tx, intent)
    return tx


def answered(provider: Gateway, attempt: str, passed: bool) -> Outcome | None:
    """Return the outcome after the customer has answered; only the simulated bank asks on our page."""
    if not isinstance(provider, Simulated):
        raise Refused("This payment is confirmed at the gateway.")
    return provider.authenticate(attempt, passed)
