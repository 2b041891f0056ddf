"""Offer shipping in a checkout session: rates that exist, and rates that a request describes."""

from collections.abc import Sequence
from typing import Any

from billow.flows.checkout.params import ShippingOption
from billow.flows.invoices.shipping import amount_of, rate_of
from billow.store.tx import Tx


def options(tx: Tx, wanted: Sequence[ShippingOption], currency: str | None) -> dict[str, Any]:
    """Return the shipping options of a session; the first is chosen until the customer chooses another."""
    found = []
    for place, one in enumerate(wanted):
        at = f"shipping_options[{place}]"
        rate = rate_of(tx, one, at)
        found.append({"shipping_amount": amount_of(rate, currency, at), "shipping_rate": rate.id})
    return {"shipping_options": found, "shipping_cost": cost(found[0]) if found else None}


def cost(option: dict[str, Any]) -> dict[str, Any]:
    """Return what an option costs. Without automatic tax no tax is added to it."""
    amount = option["shipping_amount"]
    return {
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "shipping_rate": option["shipping_rate"],
    }
