"""Read and show `payment_method_options`: what is set for each type of the payment methods of an intent."""

from collections.abc import Mapping
from typing import Any

from billow.api import fields as f
from billow.api.params import Params, json_value, specs
from billow.resources.method_option_shapes import payments, setups
from billow.resources.payment_method_types import BY_NAME


class PaymentOptions(Params):
    """What is set for the payment methods of a payment, by their type."""

    __annotations__ = dict.fromkeys(payments.SHAPES, Any)
    vars().update({name: f.nested(shape=shape, unset=True) for name, shape in payments.SHAPES.items()})


class SetUpOptions(Params):
    """What is set for the payment methods of a set-up, by their type."""

    __annotations__ = dict.fromkeys(setups.SHAPES, Any)
    vars().update({name: f.nested(shape=shape) for name, shape in setups.SHAPES.items()})


#: What a request says that is used once, or that the gateway is told by its own form, and is never shown.
NOT_SHOWN: Mapping[str, tuple[str, ...]] = {
    "blik": ("code",),
    "card": ("cvc_token", "moto", "three_d_secure"),
    "klarna": ("on_demand", "subscriptions"),
    "p24": ("tos_shown_and_accepted",),
    "paypal": ("risk_correlation_id",),
    "us_bank_account": ("networks",),
}
NOT_SHOWN_OF_PAYMENTS = {**NOT_SHOWN, "upi": ("mandate_options",)}
NOT_SHOWN_OF_SET_UPS = {**NOT_SHOWN, "upi": ("setup_future_usage",)}
Sent = dict[str, Any] | None


def said(options: Params | None) -> dict[str, Any]:
    """Return what a request sets for each type, in JSON values; a type that it empties is reset."""
    return {name: values(one) if one else {} for name, one in (options.sent() if options else {}).items()}


def values(one: Params) -> dict[str, Any]:
    """Return what a request sets for one type, in JSON values."""
    known = specs(type(one))
    return {name: json_value(known[name], value) for name, value in one.sent().items()}


def shown(types: list[str], sent: Sent, before: Sent = None, setup: bool = False) -> dict[str, Any]:
    """Return the options of an intent: for each of its types what was sent, or else what is usual."""
    hidden = NOT_SHOWN_OF_SET_UPS if setup else NOT_SHOWN_OF_PAYMENTS
    options = {}
    for name in types:
        kind = BY_NAME[name]
        usual = kind.setup_options if setup else kind.options
        merged = {**usual, **((before or {}).get(name) or {}), **((sent or {}).get(name) or {})}
        merged = {key: value for key, value in merged.items() if key not in hidden.get(name, ())}
        if merged.get("installments"):
            known = ((before or {}).get(name) or {}).get("installments") or {}
            merged["installments"] = in_installments(known, merged["installments"])
        if merged:
            options[name] = merged
    return options


def in_installments(known: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """Return how a payment is made in installments, as it is shown; to choose a plan enables them."""
    plan = sent.get("plan")
    enabled = sent.get("enabled")
    whole = {"count": None, "interval": None, **plan} if plan else None
    shown = {"available_plans": [], "enabled": bool(plan), **known, "plan": whole}
    return shown if enabled is None else {**shown, "enabled": enabled}


#: What subscriptions set for a card, Blik and Pix, and their invoices do not show.
OF_AGREEMENTS: Mapping[str, tuple[str, ...]] = {
    "blik": ("mandate_options",),
    "card": ("mandate_options", "network"),
    "pix": ("mandate_options",),
}


def of_invoice(agreed: Sent) -> Sent:
    """Return what an invoice takes of the options of its subscription: without the terms of the agreement."""
    if agreed is None:
        return None
    found: dict[str, Any] = {}
    for name, one in agreed.items():
        left = OF_AGREEMENTS.get(name, ())
        found[name] = one and {key: value for key, value in one.items() if key not in left}
        if name == "card" and one:
            found[name] = {"installments": None, **found[name]}
    return found


def of_set_up(agreed: Sent) -> dict[str, Any]:
    """Return what a set-up for a subscription takes of its options: without the mandate of a card."""
    found: dict[str, Any] = {}
    for name, one in (agreed or {}).items():
        known = specs(setups.SHAPES[name]).keys() if name in setups.SHAPES else set()
        left = ("mandate_options",) if name == "card" else ()
        found[name] = {k: v for k, v in (one or {}).items() if k in known and k not in left and v is not None}
    return found
