"""Shipping rates: what shipping costs, and how long it takes."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import CREATE, SHOWN, UPDATE, WRITE
from billow.api.params import Params
from billow.api.params import merged as merged_metadata
from billow.api.resource import Resource, Where
from billow.core.errors import Refused, require
from billow.core.money import CURRENCIES
from billow.store.tx import Tx

BEHAVIORS = ("exclusive", "inclusive", "unspecified")
HOURS = {"hour": 1, "day": 24, "business_day": 24, "week": 168, "month": 720}


class Bound(Params):
    unit: str = f.choice(CREATE, "business_day", "day", "hour", "month", "week", required=True)
    value: int = f.integer(min=1, max=10000, required=True)


class DeliveryEstimate(Params):
    maximum: Bound | None = f.nested(shape=Bound)
    minimum: Bound | None = f.nested(shape=Bound)


class CurrencyOption(Params):
    amount: int = f.amount(min=0, required=True)
    tax_behavior: str = f.choice(SHOWN, *BEHAVIORS, default="unspecified")


class FixedAmount(Params):
    amount: int = f.amount(min=0, required=True)
    currency: str = f.currency(required=True)
    currency_options: dict[str, Any] = f.map_of(shape=CurrencyOption, include=True, default={})


class ChangedOption(Params):
    amount: int | None = f.amount(min=0)
    tax_behavior: str | None = f.choice(SHOWN, *BEHAVIORS)


class ChangedAmount(Params):
    currency_options: dict[str, Any] = f.map_of(shape=ChangedOption, default={})


class ShippingRateData(Params):
    """A shipping rate that is created for one invoice or checkout session."""

    delivery_estimate: DeliveryEstimate | None = f.nested(shape=DeliveryEstimate)
    display_name: str = f.text(max=100, required=True)
    fixed_amount: FixedAmount | None = f.nested(shape=FixedAmount)
    metadata: dict[str, str] = f.metadata()
    tax_behavior: str = f.choice(SHOWN, *BEHAVIORS, default="unspecified")
    tax_code: str | None = f.ref("tax_code")
    type: str = f.choice(SHOWN, "fixed_amount", default="fixed_amount")


class ShippingRate(Resource, object="shipping_rate", path="/v1/shipping_rates", prefix="shr_", events=()):
    """What shipping costs: a fixed amount, in one or more currencies."""

    active: bool = f.boolean(UPDATE, default=True, filter=True)
    delivery_estimate: dict[str, Any] | None = f.nested(CREATE, DeliveryEstimate)
    display_name: str = f.text(CREATE, max=100, required=True)
    fixed_amount: dict[str, Any] = f.nested(CREATE, FixedAmount)
    metadata: dict[str, str] = f.metadata()
    tax_behavior: str = f.choice(WRITE, *BEHAVIORS, default="unspecified")
    tax_code: str | None = f.ref("tax_code", CREATE)
    type: str = f.choice(CREATE, "fixed_amount", default="fixed_amount")


class Change(Params):
    active: bool = f.boolean(default=True)
    fixed_amount: ChangedAmount | None = f.nested(shape=ChangedAmount)
    metadata: dict[str, str] = f.metadata()
    tax_behavior: str = f.choice(SHOWN, *BEHAVIORS, default="unspecified")


def _check_currencies(options: dict[str, Any], own: str) -> None:
    for currency in options:
        at = f"fixed_amount[currency_options][{currency}]"
        require(currency in CURRENCIES, f"Invalid currency: {currency[:12]}.", param=at)
        require(currency != own, f"The rate's own currency is {currency} already.", param=at)


def _check_estimate(estimate: dict[str, Any]) -> None:
    least, most = (estimate.get(name) for name in ("minimum", "maximum"))
    if least and most:
        require(
            least["value"] * HOURS[least["unit"]] <= most["value"] * HOURS[most["unit"]],
            "The minimum of the delivery estimate is longer than its maximum.",
            param="delivery_estimate[minimum]",
        )


@ShippingRate.create
def create(tx: Tx, rate: ShippingRate) -> ShippingRate:
    """Create a shipping rate."""
    if not rate.fixed_amount:
        message = "Missing required param: fixed_amount."
        raise Refused(message, param="fixed_amount", code="parameter_missing")
    _check_currencies(rate.fixed_amount["currency_options"], rate.fixed_amount["currency"])
    _check_estimate(rate.delivery_estimate or {})
    return rows.insert(tx, rate)


@ShippingRate.update(Change)
def update(tx: Tx, rate: ShippingRate, wanted: Change) -> ShippingRate:
    """Archive a shipping rate, or set its amount in other currencies."""
    changes = {name: value for name, value in wanted.sent().items() if name in ("active", "tax_behavior")}
    if wanted.given("metadata"):
        changes["metadata"] = merged_metadata(rate.metadata, wanted.metadata)
    if wanted.fixed_amount:
        changes["fixed_amount"] = _with_currencies(rate.fixed_amount, wanted.fixed_amount)
    return rows.update(tx, rate, **changes)


def _with_currencies(kept: dict[str, Any], wanted: ChangedAmount) -> dict[str, Any]:
    """Add or change currencies one by one; a new currency needs an amount."""
    options = dict(kept["currency_options"])
    _check_currencies(wanted.currency_options, kept["currency"])
    for currency, option in wanted.currency_options.items():
        old = options.get(currency, {"amount": None, "tax_behavior": "unspecified"})
        sent = {name: value for name, value in option.sent().items() if value is not None}
        options[currency] = {**old, **sent}
        at = f"fixed_amount[currency_options][{currency}][amount]"
        if options[currency]["amount"] is None:
            raise Refused(f"Missing required param: {at}.", param=at, code="parameter_missing")
    return {**kept, "currency_options": options}


class Filters(Params):
    currency: str | None = f.currency()


@ShippingRate.listing(Filters)
def listing(tx: Tx, wanted: Filters) -> Where:
    """List shipping rates, newest first."""
    if wanted.currency is None:
        return Where()
    return Where("fixed_amount->>'currency' = %(currency)s", currency=wanted.currency)
