"""Offer shipping in a checkout session: rates that exist, and rates that a request describes."""

from collections.abc import Sequence
from typing import Any

from billow.api import rows
from billow.core.errors import Refused, require
from billow.flows.checkout.params import ShippingOption, ShippingRateData
from billow.resources import shipping_rate
from billow.resources.shipping_rate import ShippingRate
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


def rate_of(tx: Tx, one: ShippingOption, at: str) -> ShippingRate:
    """Find the rate that an option names, or create the one that it describes."""
    require(
        (one.shipping_rate is None) != (one.shipping_rate_data is None),
        "You must pass exactly one of shipping_rate and shipping_rate_data.",
        param=at,
    )
    if one.shipping_rate_data:
        return create(tx, one.shipping_rate_data, at)
    rate = rows.find(tx, ShippingRate, one.shipping_rate or "", param=f"{at}[shipping_rate]")
    require(rate.active, "The shipping rate specified is inactive.", param=f"{at}[shipping_rate]")
    return rate


def create(tx: Tx, data: ShippingRateData, at: str) -> ShippingRate:
    if data.fixed_amount is None:
        name = f"{at}[shipping_rate_data][fixed_amount]"
        raise Refused(f"Missing required param: {name}.", param=name, code="parameter_missing")
    given = {name: rows.plain_value(value) for name, value in data.sent().items()}
    return shipping_rate.create(tx, ShippingRate(**given))


def amount_of(rate: ShippingRate, currency: str | None, at: str) -> int:
    """Return what a rate costs in the currency of the session."""
    fixed = rate.fixed_amount
    if fixed["currency"] == currency:
        return int(fixed["amount"])
    option = fixed["currency_options"].get(currency)
    require(option, f"The shipping rate {rate.id} has no amount in {currency}.", param=f"{at}[shipping_rate]")
    return int(option["amount"])
