"""Setup intents: payment methods to keep for later, through as many attempts as needed."""

import hmac
from typing import Any

from billow.api import fields as f
from billow.api import rights, rows
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.core.errors import require
from billow.resources.customer import Customer
from billow.resources.payment_intent import IN_AN_ERROR
from billow.resources.payment_method import PaymentMethod
from billow.store.tx import Tx

STATUSES = (
    "canceled",
    "processing",
    "requires_action",
    "requires_confirmation",
    "requires_payment_method",
    "succeeded",
)


class SetupIntent(Resource, object="setup_intent", path="/v1/setup_intents", prefix="seti_"):
    """A payment method to keep for later payments, through as many attempts as needed."""

    owner = "customer"
    called = "setupintent"
    in_path = "intent"

    allowed_payment_method_types: list[str] | None = f.array(item=f.text())
    application: str | None = f.absent(refs="application")
    attach_to_self: bool | None = f.boolean()
    automatic_payment_methods: dict[str, Any] | None = f.nested()
    cancellation_reason: str | None = f.text()
    client_secret: str | None = f.text()
    customer: str | None = f.ref("customer")
    customer_account: str | None = f.absent()
    description: str | None = f.text()
    excluded_payment_method_types: list[str] | None = f.array(item=f.text())
    flow_directions: list[str] | None = f.array(item=f.text())
    last_setup_error: dict[str, Any] | None = f.nested(refs=IN_AN_ERROR)
    latest_attempt: str | None = f.ref("setup_attempt")
    managed_payments: dict[str, Any] | None = f.absent({"enabled": False})
    mandate: str | None = f.ref("mandate")
    metadata: dict[str, str] = f.metadata()
    next_action: dict[str, Any] | None = f.nested()
    on_behalf_of: str | None = f.ref("account")
    payment_method: str | None = f.ref("payment_method")
    payment_method_configuration_details: dict[str, Any] | None = f.nested()
    payment_method_options: dict[str, Any] | None = f.nested()
    payment_method_types: list[str] = f.array(item=f.text(), default=["card"])
    single_use_mandate: str | None = f.ref("mandate")
    status: str = f.choice(SHOWN, *STATUSES, default="requires_payment_method")
    usage: str = f.choice(SHOWN, "off_session", "on_session", default="off_session")

    card_terms: dict[str, Any] | None = f.nested(hidden=True)
    return_url: str | None = f.text(hidden=True)
    """Where the customer is sent after an action."""
    subscription: str | None = f.text(hidden=True)
    """The subscription that waits for a payment method, if any."""


#: The fields of an intent that a browser is shown: no metadata, and nothing about the customer.
SHOWN_TO_BROWSERS = (
    "id", "object", "automatic_payment_methods", "cancellation_reason", "client_secret", "created",
    "description", "last_setup_error", "livemode", "next_action", "payment_method", "payment_method_types",
    "status", "usage",
)  # fmt: skip


class Retrieve(Params):
    client_secret: str | None = f.text()


def check_secret(intent: SetupIntent, given: str | None) -> None:
    """Refuse a wrong client_secret. That a browser must send one is checked in api/rights.py."""
    require(
        given is None or hmac.compare_digest(given.encode(), (intent.client_secret or "").encode()),
        "The client_secret provided does not match the client_secret associated with this SetupIntent.",
        param="client_secret",
    )


@SetupIntent.retrieve(Retrieve)
@rights.browser(*SHOWN_TO_BROWSERS)
def retrieve(tx: Tx, intent: SetupIntent, wanted: Retrieve) -> SetupIntent:
    """Retrieve a setup intent; a browser must send its client_secret."""
    check_secret(intent, wanted.client_secret)
    return intent


class Filters(Params):
    attach_to_self: bool | None = f.boolean()
    customer: str | None = f.ref("customer")
    customer_account: str | None = f.text()
    payment_method: str | None = f.ref("payment_method")


@SetupIntent.listing(Filters)
def listed(tx: Tx, wanted: Filters) -> Where:
    """List setup intents, of a customer or of a payment method."""
    where = Where() if wanted.customer_account is None else Where("false")
    if wanted.customer:
        rows.find(tx, Customer, wanted.customer, param="customer", deleted=True)
        where = where.also("customer = %(customer)s", customer=wanted.customer)
    if wanted.payment_method:
        rows.find(tx, PaymentMethod, wanted.payment_method, param="payment_method")
        where = where.also("payment_method = %(payment_method)s", payment_method=wanted.payment_method)
    if wanted.attach_to_self is not None:
        where = where.also("attach_to_self = %(attach_to_self)s", attach_to_self=wanted.attach_to_self)
    return where
