"""Create payment methods: new ones, and copies of a platform's in the accounts that are connected to it."""

from typing import Any

from billow.api import fields as f
from billow.api import params, rights, rows
from billow.api.fields import CREATE
from billow.core.errors import Refused, require
from billow.flows.customers import payment_methods
from billow.flows.customers.payment_methods import NewMethod
from billow.resources.customer import Customer
from billow.resources.payment_method import PaymentMethod
from billow.resources.payment_method_types import BY_NAME
from billow.store.ids import new_id
from billow.store.perform import Steps
from billow.store.tx import Tx

COPIED = ("billing_details", "card", "details", "gateway", "radar_options", "token", "type")
"""What a copy has of its original; whose it is and what else is said of it is its own."""

USED = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared"
    " with a connected account without Customer attachment, or was detached from a Customer. It may not be"
    " used again. To use a PaymentMethod multiple times, you must attach it to a Customer first."
)


class Create(NewMethod):
    customer: str | None = f.ref("customer")
    payment_method: str | None = f.ref("payment_method")
    type: str = f.choice(CREATE, *BY_NAME)


@PaymentMethod.create(Create)
@rights.browser()
def create(tx: Tx, wanted: Create) -> Steps:
    """Create a payment method from a token, the number of a test card or account, or the name of a wallet.

    A platform copies one of its own into a connected account with `payment_method`, and `customer` where that
    has one: the request names the account by the header `Stripe-Account`.
    """
    if wanted.payment_method:
        return rows.insert(tx, copied(tx, wanted, wanted.payment_method), event=None)
    require(
        not wanted.customer,
        "The `customer` parameter can only be used with `payment_method`, to copy a payment method to a"
        " connected account. Attach a new payment method to a customer instead.",
        param="customer",
    )
    if not wanted.given("type"):
        raise params.missing("type")
    tx, method = yield from payment_methods.new_from(tx, wanted)
    return rows.insert(tx, method, event=None)


def copied(tx: Tx, wanted: Create, id: str) -> PaymentMethod:
    """Return the copy, not yet written, of a payment method of the platform that sends the request."""
    require(
        tx.cause.platform,
        "You can only use the `payment_method` parameter to share a payment method with a connected account."
        " Send the request as the platform, with the header Stripe-Account.",
        param="payment_method",
    )
    with tx.within(tx.cause.platform or "") as there:
        original = rows.find(there, PaymentMethod, id, param="payment_method")
        if wanted.customer:
            rows.find(there, Customer, wanted.customer, param="customer")
        check(original, wanted)
        if original.customer is None:
            rows.update(there, original, event=None, detached=True)
    return PaymentMethod(
        id=new_id(PaymentMethod.prefix),
        allow_redisplay=wanted.allow_redisplay,
        metadata=params.merged({}, wanted.metadata),
        **{**{name: getattr(original, name) for name in COPIED}, **said(wanted)},
    )


def said(wanted: Create) -> dict[str, Any]:
    """Return what a request says of a copy in place of what its original has."""
    return {"billing_details": wanted.billing_details.shown()} if wanted.billing_details else {}


def check(original: PaymentMethod, wanted: Create) -> None:
    """Refuse a method that is used up, or is not that of the customer whom the request names."""
    require(not original.detached, USED, param="payment_method")
    require(
        not wanted.given("type") or wanted.type == original.type,
        f"The payment method {original.id} is of the type {original.type}.",
        param="type",
    )
    if original.customer is not None and wanted.customer is None:
        raise Refused(
            f"The payment method {original.id} belongs to a Customer. Please include the Customer in the"
            " `customer` parameter.",
            param="payment_method",
        )
    require(
        original.customer == wanted.customer,
        f"The customer {wanted.customer} does not have a payment method with the ID {original.id}.",
        param="payment_method",
        code="resource_missing",
    )
