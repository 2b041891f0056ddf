"""Charge for shipping: a rate that exists or is described, as the last line of an invoice."""

from typing import Any, Protocol

from billow.api import rows
from billow.api.params import Params
from billow.core.errors import Refused, require
from billow.resources import shipping_rate
from billow.resources.invoice_line import SHIPPING, InvoiceLine
from billow.resources.shipping_rate import ShippingRate
from billow.store.tx import Tx

LAST = 10**9
"""The position of shipping, after every line that can come."""
TAX_CODE = "txcd_92010001"
"""The tax code of shipping, where its rate has none."""


class Chosen(Protocol):
    """Params that name a shipping rate, or describe one."""

    @property
    def shipping_rate(self) -> str | None: ...
    @property
    def shipping_rate_data(self) -> Params | None: ...


def rate_of(tx: Tx, wanted: Chosen, at: str) -> ShippingRate:
    """Find the rate that a request names, or create the one that it describes."""
    require(
        (wanted.shipping_rate is None) != (wanted.shipping_rate_data is None),
        "You must pass exactly one of shipping_rate and shipping_rate_data.",
        param=at,
    )
    if wanted.shipping_rate_data:
        return create(tx, wanted.shipping_rate_data, at)
    rate = rows.find(tx, ShippingRate, wanted.shipping_rate or "", param=f"{at}[shipping_rate]")
    require(rate.active, "The shipping rate specified is inactive.", param=f"{at}[shipping_rate]")
    return rate


def create(tx: Tx, data: Params, at: str) -> ShippingRate:
    given = {name: rows.plain_value(value) for name, value in data.sent().items()}
    if not given.get("fixed_amount"):
        name = f"{at}[shipping_rate_data][fixed_amount]"
        raise Refused(f"Missing required param: {name}.", param=name, code="parameter_missing")
    return shipping_rate.create(tx, ShippingRate(**given))


def amount_of(rate: ShippingRate, currency: str | None, at: str) -> int:
    """Return what a rate costs in a currency."""
    return int(offer_of(rate, currency, at)["amount"])


def offer_of(rate: ShippingRate, currency: str | None, at: str) -> dict[str, Any]:
    """Return the amount of a rate in a currency, and whether it includes tax."""
    fixed = rate.fixed_amount
    if fixed["currency"] == currency:
        return {"amount": fixed["amount"], "tax_behavior": rate.tax_behavior}
    option: dict[str, Any] | None = fixed["currency_options"].get(currency)
    require(option, f"The shipping rate {rate.id} has no amount in {currency}.", param=f"{at}[shipping_rate]")
    return option or {}


def line_of(tx: Tx, customer: str, currency: str, rate: ShippingRate) -> InvoiceLine:
    """Make the line that charges for shipping. No discount applies to it; default tax rates do."""
    offer = offer_of(rate, currency, "shipping_cost")
    return InvoiceLine(
        amount=int(offer["amount"]),
        currency=currency,
        customer=customer,
        description=rate.display_name,
        discountable=False,
        invoice="",
        kind=SHIPPING,
        period_end=tx.now,
        period_start=tx.now,
        position=LAST,
        quantity_decimal=None,
        tax_behavior=offer["tax_behavior"],
        tax_code=rate.tax_code or TAX_CODE,
    )
