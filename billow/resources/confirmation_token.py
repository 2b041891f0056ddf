"""Confirmation tokens: what a form has collected of a payment, to confirm one intent with."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.resource import Resource
from billow.core.errors import require
from billow.store.tx import Tx

USED = (
    "The provided confirmation_token has already been used to confirm a PaymentIntent or SetupIntent. Create"
    " a new ConfirmationToken and try again."
)
EXPIRED = "The provided confirmation_token has expired. Create a new ConfirmationToken and try again."


class ConfirmationToken(Resource, object="confirmation_token", prefix="ctoken_", events=()):
    """What was collected of a payment: its method, address and terms. It confirms one intent."""

    expires_at: datetime = f.timestamp(required=True)
    mandate_data: dict[str, Any] | None = f.absent()
    metadata: dict[str, str] | None = f.absent()
    payment_intent: str | None = f.text()
    payment_method_options: dict[str, Any] | None = f.nested()
    payment_method_preview: dict[str, Any] = f.nested(required=True)
    return_url: str | None = f.text()
    setup_future_usage: str | None = f.choice(SHOWN, "off_session", "on_session")
    setup_intent: str | None = f.text()
    shipping: dict[str, Any] | None = f.nested()
    use_stripe_sdk: bool = f.absent(True)

    payment_method: str = f.text(required=True, hidden=True)
    """The method that pays, which is stored when the token is made."""


def usable(tx: Tx, id: str) -> ConfirmationToken:
    """Lock a token that was not used and has not expired."""
    found = rows.lock(tx, ConfirmationToken, id, param="confirmation_token")
    used = found.payment_intent or found.setup_intent
    require(not used, USED, param="confirmation_token")
    require(tx.wall < found.expires_at, EXPIRED, param="confirmation_token")
    return found
