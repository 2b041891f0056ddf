"""Payment intents: payments to collect, through as many attempts as needed."""

import hmac
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rights
from billow.api.fields import SHOWN, WRITE
from billow.api.params import Params
from billow.api.resource import Resource
from billow.core.errors import require
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
CARD_OPTIONS = {
    "card": {
        "installments": None,
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": "automatic",
    }
}


class PaymentIntent(Resource, object="payment_intent", path="/v1/payment_intents", prefix="pi_"):
    """A payment of an amount to collect, through as many attempts as needed."""

    owner = "customer"
    searched = {
        "amount": Searched("number", "amount"),
        "created": Searched("instant", "created"),
        "currency": Searched("token", "currency"),
        "customer": Searched("token", "customer"),
        "metadata": Searched("metadata"),
        "status": Searched("token", "status"),
    }

    allowed_payment_method_types: list[str] | None = f.absent()
    amount: int = f.amount(required=True)
    amount_capturable: int = f.absent(0)
    amount_details: dict[str, Any] | None = f.absent({"tip": {}})
    amount_received: int = f.amount(default=0)
    application: str | None = f.absent(refs="application")
    application_fee_amount: int | None = f.absent()
    automatic_payment_methods: dict[str, Any] | None = f.absent()
    canceled_at: datetime | None = f.timestamp()
    cancellation_reason: str | None = f.text()
    capture_method: str = f.absent("automatic")
    client_secret: str | None = f.text()
    confirmation_method: str = f.absent("automatic")
    currency: str = f.currency(required=True)
    customer: str = f.ref("customer", required=True, filter=True)
    customer_account: str | None = f.absent(filter=True)
    description: str | None = f.text(WRITE, unset=True)
    excluded_payment_method_types: list[str] | None = f.absent()
    hooks: dict[str, Any] | None = f.absent()
    last_payment_error: dict[str, Any] | None = f.nested(refs=IN_AN_ERROR)
    latest_charge: str | None = f.ref("charge")
    managed_payments: dict[str, Any] = f.absent({"enabled": False})
    metadata: dict[str, str] = f.metadata()
    next_action: dict[str, Any] | None = f.nested()
    on_behalf_of: str | None = f.absent(refs="account")
    payment_details: dict[str, Any] | None = f.absent()
    payment_method: str | None = f.ref("payment_method")
    payment_method_configuration_details: dict[str, Any] | None = f.absent()
    payment_method_options: dict[str, Any] | None = f.absent(CARD_OPTIONS)
    payment_method_types: list[str] = f.absent(["card"])
    payment_record: str | None = f.absent(refs="payment_record")
    presentment_details: dict[str, Any] | None = f.absent()
    processing: dict[str, Any] | None = f.absent()
    receipt_email: str | None = f.absent()
    review: str | None = f.absent(refs="review")
    setup_future_usage: str | None = f.choice(SHOWN, "off_session", "on_session")
    shipping: dict[str, Any] | None = f.absent()
    source: str | None = f.absent(refs="card source")
    statement_descriptor: str | None = f.absent()
    statement_descriptor_suffix: str | None = f.absent()
    status: str = f.choice(SHOWN, *STATUSES, default="requires_payment_method")
    transfer_data: dict[str, Any] | None = f.absent(refs={"destination": "account"})
    transfer_group: str | None = f.absent()

    invoice: str | None = f.text(hidden=True)


@PaymentIntent.update
def update(tx: Any, intent: PaymentIntent, changes: dict[str, Any]) -> PaymentIntent:
    """Update a payment intent's description or metadata."""
    from billow.api import rows

    return rows.update(tx, intent, event=None, **changes)


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
