"""Link to the page on which a customer adds a payment method and pays what is open at once."""

from billow.flows.outside.outside import outside_of
from billow.flows.papers import links
from billow.store.tx import Tx

KIND = "payment method"


def update_method(tx: Tx, customer: str, invoice: str = "") -> str:
    """Return the address at which a customer adds a payment method, and pays the named invoice with it."""
    outside, id = outside_of(tx), f"{customer}.{invoice}"
    return f"{outside.base_url}/m/{tx.tenant}/{id}/{links.seal(outside, tx.tenant, id, KIND)}"
