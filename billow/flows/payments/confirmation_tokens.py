"""Make confirmation tokens in test mode, and confirm intents with what they hold."""

from datetime import timedelta
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import CREATE
from billow.api.params import Params, made
from billow.api.resource import route
from billow.core.errors import Refused
from billow.flows.customers.payment_methods import NewMethod
from billow.flows.payments import intent_methods
from billow.resources.confirmation_token import ConfirmationToken, usable
from billow.resources.intent_shapes import Shipping
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod, hash_of
from billow.resources.setup_intent import SetupIntent
from billow.store.perform import Steps
from billow.store.tx import Tx

LASTS = timedelta(hours=12)
HELD = ("payment_method_options", "return_url", "setup_future_usage", "shipping")
"""What a token holds besides the method; what a confirmation says itself comes first."""
METHODS = ("payment_method", "payment_method_data")


class Plan(Params):
    count: int | None = f.integer(min=1)
    interval: str | None = f.choice(CREATE, "month")
    type: str = f.choice(CREATE, "bonus", "fixed_count", "revolving", required=True)


class Installments(Params):
    plan: Plan = f.nested(shape=Plan, required=True)


class CardOptions(Params):
    installments: Installments | None = f.nested(shape=Installments)


class Options(Params):
    card: CardOptions | None = f.nested(shape=CardOptions)


class Create(Params):
    payment_method: str | None = f.ref("payment_method")
    payment_method_data: Any = f.nested(shape=NewMethod)
    payment_method_options: Options | None = f.nested(shape=Options)
    return_url: str | None = f.url()
    setup_future_usage: str | None = f.choice(CREATE, "off_session", "on_session")
    shipping: Shipping | None = f.nested(shape=Shipping)


@route("POST", "/v1/test_helpers/confirmation_tokens", Create, of="confirmation_tokens")
def create(tx: Tx, wanted: Create) -> Steps:
    """Make a confirmation token, as a form in a browser does; in test mode only."""
    if tx.livemode:
        raise Refused("Confirmation tokens are made in test mode only.", code="testmode_charges_only")
    tx, method = yield from intent_methods.named(tx, wanted)
    if method is None:
        raise Refused(
            "You must provide one of the following parameters: payment_method, payment_method_data.",
            param="payment_method_data",
            code="parameter_missing",
        )
    options = wanted.payment_method_options
    return rows.insert(
        tx,
        ConfirmationToken(
            expires_at=tx.wall + LASTS,
            payment_method=method.id,
            payment_method_options=options_of(options) if options else None,
            payment_method_preview=preview_of(method),
            return_url=wanted.return_url,
            setup_future_usage=wanted.setup_future_usage,
            shipping=shipping_of(wanted.shipping) if wanted.shipping else None,
        ),
    )


@route("GET", "/v1/confirmation_tokens/{id}", of="confirmation_tokens")
def retrieve(tx: Tx, id: str) -> ConfirmationToken:
    """Retrieve a confirmation token."""
    return rows.find(tx, ConfirmationToken, id)


def options_of(options: Options) -> dict[str, Any]:
    """Return the options of cards as a token shows them."""
    sent = options.card.installments.shown() if options.card and options.card.installments else None
    return {"card": {"cvc_token": None, "installments": rows.plain_value(sent)}}


def shipping_of(given: Shipping) -> dict[str, Any]:
    """Return the address of a delivery as a token shows it, without its carrier."""
    shown = rows.plain_value(given.shown())
    return {name: shown[name] for name in ("address", "name", "phone")}


def preview_of(method: PaymentMethod) -> dict[str, Any]:
    """Return what a token shows of the method that it pays with."""
    return {
        "allow_redisplay": method.allow_redisplay,
        "billing_details": method.billing_details,
        "customer": method.customer,
        "customer_account": None,
        "type": method.type,
        method.type: hash_of(method),
    }


def filled(tx: Tx, wanted: Any) -> Any:
    """Return the params of a confirmation with what its token holds; what they say themselves comes first."""
    if not wanted.confirmation_token:
        return wanted
    token = usable(tx, wanted.confirmation_token)
    taken = {name: getattr(token, name) for name in HELD if hasattr(wanted, name) and not wanted.given(name)}
    if not any(wanted.given(name) for name in METHODS):
        taken["payment_method"] = token.payment_method
    taken = {name: value for name, value in taken.items() if value is not None}
    return made(type(wanted), **{**wanted.sent(), **taken})


def said_before(wanted: Any, intent: PaymentIntent | SetupIntent) -> dict[str, Any]:
    """Return what a request that creates and confirms has said of an intent, and its token leaves alone."""
    if not wanted.confirmation_token:
        return {}
    said = {name: getattr(wanted, name) for name in HELD if wanted.given(name)}
    return {**said, "payment_method": intent.payment_method} if intent.payment_method else said


def use(tx: Tx, id: str | None, intent: PaymentIntent | SetupIntent) -> None:
    """Note which intent a token confirms, once."""
    if id:
        rows.update(tx, usable(tx, id), event=None, **{intent.noun: intent.id})
