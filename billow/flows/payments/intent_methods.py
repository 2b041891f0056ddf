"""Decide which payment methods an intent offers, and find the one that it is confirmed with."""

from dataclasses import dataclass
from typing import Any

from billow.api import rows
from billow.api.resource import EPOCH
from billow.core import intents
from billow.core.errors import Refused, require
from billow.core.payments import names_test_method
from billow.flows.customers import payment_methods
from billow.flows.customers.shared_methods import USED
from billow.flows.payments import mandates
from billow.resources import method_options
from billow.resources import payment_method_configuration as configurations
from billow.resources.intent_shapes import AutomaticMethods
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.resources.payment_method_types import BY_NAME
from billow.resources.setup_intent import SetupIntent
from billow.store.perform import Steps
from billow.store.tx import Tx

Intent = PaymentIntent | SetupIntent
CARDS = ["card"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request says of the payment methods of an intent."""

    automatic: AutomaticMethods | None
    allowed: list[str] | None
    excluded: list[str] | None
    configuration: str | None
    options: Any
    currency: str | None
    """The currency of a payment; None for a set-up."""


def wish_of(wanted: Any, currency: str | None) -> Wish:
    """Return what the params of an intent say of its payment methods."""
    return Wish(
        wanted.automatic_payment_methods,
        wanted.allowed_payment_method_types,
        wanted.excluded_payment_method_types,
        wanted.payment_method_configuration,
        wanted.payment_method_options,
        currency,
    )


def columns_of(tx: Tx, wish: Wish) -> dict[str, Any]:
    """Return the columns of an intent that say which payment methods it offers, and how.

    Without automatic methods these are the allowed ones, or cards; otherwise those of the configuration.
    """
    automatic = wish.automatic
    fixed = automatic is not None and not automatic.enabled
    columns: dict[str, Any] = {
        "allowed_payment_method_types": None if fixed else wish.allowed,
        "automatic_payment_methods": None,
        "excluded_payment_method_types": wish.excluded,
        "payment_method_configuration_details": None,
    }
    if fixed:
        types = wish.allowed or CARDS
        check_currency(types, wish.currency)
    else:
        redirects = (automatic and automatic.allow_redirects) or "always"
        used = configuration_of(tx, wish.configuration)
        types = offered(used, wish, redirects == "always")
        columns["automatic_payment_methods"] = {"allow_redirects": redirects, "enabled": True}
        columns["payment_method_configuration_details"] = {"id": used.id, "parent": used.parent}
    sent = options_sent(wish.options)
    columns["payment_method_types"] = types
    columns["payment_method_options"] = method_options.shown(types, sent, setup=wish.currency is None) or None
    return columns


def columns_after(tx: Tx, intent: Intent, wanted: Any, currency: str | None) -> dict[str, Any]:
    """Return the columns of an intent after an update of its currency or of the types that it offers."""
    given = wanted.sent()
    before = intent.automatic_payment_methods
    redirects = (before or {}).get("allow_redirects")
    fixed = before is None
    allowed = intent.payment_method_types if fixed else intent.allowed_payment_method_types
    excluded = intent.excluded_payment_method_types
    used = (intent.payment_method_configuration_details or {}).get("id")
    wish = Wish(
        AutomaticMethods(enabled=not fixed, allow_redirects=redirects),
        given.get("allowed_payment_method_types", allowed),
        given.get("excluded_payment_method_types", excluded),
        given.get("payment_method_configuration", used),
        wanted.payment_method_options,
        currency,
    )
    columns = columns_of(tx, wish)
    sent = options_sent(wanted.payment_method_options)
    types, setup = columns["payment_method_types"], currency is None
    columns["payment_method_options"] = (
        method_options.shown(types, sent, intent.payment_method_options, setup) or None
    )
    return columns


def options_after(intent: Intent, options: Any) -> dict[str, Any] | None:
    """Return the options of an intent after a request that sets some."""
    setup = isinstance(intent, SetupIntent)
    sent = options_sent(options)
    return (
        method_options.shown(intent.payment_method_types, sent, intent.payment_method_options, setup) or None
    )


def configuration_of(tx: Tx, id: str | None) -> configurations.PaymentMethodConfiguration:
    if id is None:
        return configurations.the_default(tx)
    return configurations.find(tx, id, "payment_method_configuration")


def options_sent(options: Any) -> dict[str, Any]:
    """Return what a request sets for each type of payment methods; one that it empties is reset."""
    if isinstance(options, dict):  # of a confirmation token
        known = {name: own or {} for name, own in options.items()}
        return {name: {k: v for k, v in own.items() if v is not None} for name, own in known.items()}
    mandates.check_prefixes(options)
    return method_options.said(options)


def offered(
    configuration: configurations.PaymentMethodConfiguration, wish: Wish, redirects: bool
) -> list[str]:
    """Return the types of the configuration that fit an intent; those that are allowed by name are on."""
    named = {*configurations.types_on(configuration), *(wish.allowed or ())}
    known = [
        intents.Offered(name, kind.pays_in(wish.currency) if wish.currency else kind.reusable, kind.redirects)
        for name, kind in BY_NAME.items()
        if name in named
    ]
    return intents.offered(known, wish.allowed, wish.excluded or (), redirects)


def check_currency(types: list[str], currency: str | None) -> None:
    for name in types:
        good = BY_NAME[name].pays_in(currency) if currency else BY_NAME[name].reusable
        what = (
            f"does not support the currency {currency}" if currency else "cannot be set up for later payments"
        )
        require(good, f"The payment method type {name} {what}.", param="allowed_payment_method_types")


def check_type(intent: Intent, method: PaymentMethod) -> None:
    """Refuse a payment method of a type that the intent does not offer."""
    require(
        method.type in intent.payment_method_types,
        f"The payment method type provided: {method.type} is invalid. Please ensure the provided type is"
        f" activated in your payment method configuration and that the {intent.noun.replace('_', ' ')} allows"
        " it.",
        param="payment_method",
    )


def check_owner(method: PaymentMethod, customer: str | None) -> None:
    """Refuse a method of another customer, of one that is not named, or one that was detached."""
    require(not method.detached, USED, param="payment_method")
    require(
        method.customer is None or customer is not None,
        f"The payment method {method.id} belongs to a Customer. Please include the Customer in the `customer`"
        " parameter.",
        param="payment_method",
    )
    require(
        method.customer in (None, customer),
        f"The payment method {method.id} does not belong to the Customer {customer} you supplied. Please"
        " use this"
        " payment method with the Customer that it belongs to instead.",
        param="payment_method",
    )


def named(tx: Tx, wanted: Any) -> Steps:
    """Find or store the method that a request names or describes: `tx, method = yield from named(…)`.

    None where it does neither. A new one is written here, without a customer.
    """
    given, described = wanted.payment_method, wanted.payment_method_data
    if given and described:
        raise Refused(
            "You may only specify one of these parameters: payment_method, payment_method_data.",
            param="payment_method_data",
            code="parameters_exclusive",
        )
    if described:
        tx, method = yield from payment_methods.new_from(tx, described, "payment_method_data", check=False)
    elif given and names_test_method(given):
        tx, answer = yield from payment_methods.store(tx, given, "payment_method", check=False)
        method = payment_methods.new_method(answer)
    else:
        return tx, rows.find(tx, PaymentMethod, given, param="payment_method") if given else None
    return tx, rows.insert(tx, method, event=None) if method.created == EPOCH else method


def attach(tx: Tx, method: PaymentMethod, customer: str | None) -> PaymentMethod:
    """Attach the method of an intent to its customer. Emits `payment_method.attached`."""
    if customer is None or method.customer is not None:
        return method
    return payment_methods.attach_if_new(tx, method, customer)
