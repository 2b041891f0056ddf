"""Say how a card is entered: only the simulated gateway has a form of its own on our pages."""

from billow.core.errors import Refused
from billow.flows.outside.outside import gateway_for
from billow.providers.gateways.simulated import Simulated
from billow.store.tx import Tx

FORM = "card"


def of(tx: Tx, currency: str | None = None) -> str | None:
    """Return `card` where our form takes test cards; None where no number may reach us.

    A real gateway takes cards on a page of its own, so that none passes billow.
    """
    try:
        provider = gateway_for(tx, currency=currency, type="card")
    except Refused:
        return None
    return FORM if isinstance(provider, Simulated) and not tx.livemode else None
