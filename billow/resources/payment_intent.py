"""Payment intents: payments to collect, through as many attempts as needed."""

import hmac
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rights
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.api.resource import Resource
from billow.core.errors import require
from billow.resources.payment_method_types import card
from billow.store.search import Searched
from billow.store.tx import Tx

STATUSES = (
    "canceled",
    "processing",
    "requires_action",
    "requires_capture",
    "requires_confirmation",
    "requires_payment_method",
    "succeeded",
)
IN_AN_ERROR = {name: name for name in ("payment_intent", "payment_method", "setup_intent", "source")}
"""The objects in an error, which are shown whole, and whose own references callers may expand."""
CAPTURE_METHODS = ("automatic", "automatic_async", "manual")


class PaymentIntent(Resource, object="payment_intent", path="/v1/payment_intents", prefix="pi_"):
    """A payment of an amount to collect, through as many attempts as needed."""

    owner = "customer"
    called = "payment_intent"
    in_path = "intent"
    searched = {
        "amount": Searched("number", "amount"),
        "created": Searched("instant", "created"),
        "currency": Searched("token", "currency"),
        "customer": Searched("token", "customer"),
        "metadata": Searched("metadata"),
        "status": Searched("token", "status"),
    }

    allowed_payment_method_types: list[str] | None = f.array(item=f.text())
    amount: int = f.amount(required=True)
    amount_capturable: int = f.amount(default=0)
    amount_details: dict[str, Any] | None = f.nested(default={"tip": {}})
    amount_received: int = f.amount(default=0)
    application: str | None = f.absent(refs="application")
    application_fee_amount: int | None = f.amount()
    automatic_payment_methods: dict[str, Any] | None = f.nested()
    canceled_at: datetime | None = f.timestamp()
    cancellation_reason: str | None = f.text()
    capture_method: str = f.choice(SHOWN, *CAPTURE_METHODS, default="automatic")
    client_secret: str | None = f.text()
    confirmation_method: str = f.choice(SHOWN, "automatic", "manual", default="automatic")
    currency: str = f.currency(required=True)
    customer: str | None = f.ref("customer", filter=True)
    customer_account: str | None = f.absent(filter=True)
    description: str | None = f.text(unset=True)
    excluded_payment_method_types: list[str] | None = f.array(item=f.text())
    hooks: dict[str, Any] | None = f.nested()
    last_payment_error: dict[str, Any] | None = f.nested(refs=IN_AN_ERROR)
    latest_charge: str | None = f.ref("charge")
    managed_payments: dict[str, Any] = f.absent({"enabled": False})
    metadata: dict[str, str] = f.metadata()
    next_action: dict[str, Any] | None = f.nested()
    on_behalf_of: str | None = f.ref("account")
    payment_details: dict[str, Any] | None = f.nested()
    payment_method: str | None = f.ref("payment_method")
    payment_method_configuration_details: dict[str, Any] | None = f.nested()
    payment_method_options: dict[str, Any] | None = f.nested(default={"card": card.TYPE.options})
    payment_method_types: list[str] = f.array(item=f.text(), default=["card"])
    payment_record: str | None = f.absent(refs="payment_record")
    presentment_details: dict[str, Any] | None = f.absent()
    processing: dict[str, Any] | None = f.nested()
    receipt_email: str | None = f.email()
    review: str | None = f.absent(refs="review")
    setup_future_usage: str | None = f.choice(SHOWN, "off_session", "on_session")
    shipping: dict[str, Any] | None = f.nested()
    source: str | None = f.absent(refs="card source")
    statement_descriptor: str | None = f.text()
    statement_descriptor_suffix: str | None = f.text()
    status: str = f.choice(SHOWN, *STATUSES, default="requires_payment_method")
    transfer_data: dict[str, Any] | None = f.nested(refs={"destination": "account"})
    transfer_group: str | None = f.text()

    invoice: str | None = f.text(hidden=True)
    card_terms: dict[str, Any] | None = f.nested(hidden=True)
    """What its next payment by card is made with, once."""
    mandate: str | None = f.text(hidden=True)
    """The mandate that a debit of this intent is made by."""
    radar_options: dict[str, Any] | None = f.nested(hidden=True)
    """What its charges show of the browser."""
    return_url: str | None = f.text(hidden=True)
    """Where the customer is sent after an action."""


#: The fields of an intent that a browser is shown: no metadata, and nothing about the customer.
SHOWN_TO_BROWSERS = (
    "id", "object", "amount", "amount_details", "automatic_payment_methods", "canceled_at",
    "cancellation_reason", "capture_method", "client_secret", "confirmation_method", "created", "currency",
    "description", "last_payment_error", "livemode", "next_action", "payment_method", "payment_method_types",
    "processing", "receipt_email", "setup_future_usage", "shipping", "source", "status",
)  # fmt: skip


class Retrieve(Params):
    client_secret: str | None = f.text()


def check_secret(intent: PaymentIntent, given: str | None) -> None:
    """Refuse a wrong client_secret. That a browser must send one is checked in api/rights.py."""
    require(
        given is None or hmac.compare_digest(given.encode(), (intent.client_secret or "").encode()),
        "The client_secret provided does not match the client_secret associated with this PaymentIntent.",
        param="client_secret",
    )


@PaymentIntent.retrieve(Retrieve)
@rights.browser(*SHOWN_TO_BROWSERS)
def retrieve(tx: Tx, intent: PaymentIntent, wanted: Retrieve) -> PaymentIntent:
    """Retrieve a payment intent; a browser must send its client_secret."""
    check_secret(intent, wanted.client_secret)
    return intent
