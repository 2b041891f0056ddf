"""Payment methods: cards, bank accounts and wallets on file."""

from collections.abc import Mapping
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN, WRITE
from billow.api.operation import merged_value
from billow.api.params import Params
from billow.api.resource import Resource
from billow.core.errors import Refused, require
from billow.core.payments import MethodDetails
from billow.resources.customer import Address
from billow.resources.payment_method_types import BY_NAME
from billow.store.tx import Tx

#: Every type that an object or a filter names. The five that are added here are never made.
TYPES = tuple(sorted({*BY_NAME, "card_present", "custom", "interac_present", "payto", "upi"}))


class BillingDetails(Params):
    address: dict[str, Any] = f.nested(shape=Address, default=f.blank(Address, {}), unset=True)
    email: str | None = f.email(unset=True)
    name: str | None = f.line(unset=True)
    phone: str | None = f.line(unset=True)
    tax_id: str | None = f.text(unset=True)


class RadarOptions(Params):
    """What a program says of the browser for Stripe's fraud checks. It has no effect here."""

    session: str | None = f.text()


class Expiry(Params):
    """The expiry of a card on file, which changes when the bank issues a new card."""

    exp_month: int | None = f.integer(min=1, max=12)
    exp_year: int | None = f.integer(min=2000, max=2100)


def other(name: str) -> Any:
    """Declare the hash of another type than cards; only the hash of a method's own type is shown."""
    refs = {"generated_from": {"charge": "charge", "setup_attempt": "setup_attempt"}}
    more = {"refs": refs} if "generated_from" in BY_NAME[name].shown else {}
    return f.computed(lambda row, now, shown: row.details, typed=True, **more)


class PaymentMethod(
    Resource, object="payment_method", path="/v1/payment_methods", prefix="pm_", events=("updated",)
):
    """A card, bank account or wallet on file. Only the gateway knows its number."""

    owner = "customer"
    called = "PaymentMethod"
    elsewhere = (
        "It's possible this PaymentMethod exists on one of your connected accounts, in which case you"
        " should retry"
        " this request on that connected account. Learn more at https://stripe.com/docs/connect/authentication"
    )
    in_path = "payment_method"

    allow_redisplay: str = f.choice(
        WRITE, "always", "limited", "unspecified", default="unspecified", filter=True
    )
    billing_details: dict[str, Any] = f.nested(WRITE, BillingDetails, default=f.blank(BillingDetails, {}))
    card: dict[str, Any] | None = f.nested(
        typed=True, refs={"generated_from": {"setup_attempt": "setup_attempt"}}
    )
    customer: str | None = f.ref("customer", filter=True)
    customer_account: str | None = f.absent(filter=True)
    metadata: dict[str, str] = f.metadata()
    radar_options: dict[str, Any] | None = f.nested()
    type: str = f.choice(SHOWN, *TYPES, default="card", filter=True)
    vars().update({name: other(name) for name in BY_NAME if name != "card"})

    details: dict[str, Any] | None = f.nested(hidden=True)
    """What is shown of another type than a card."""
    gateway: str | None = f.text(hidden=True)
    """The name of the gateway that stores it."""
    token: str = f.text(required=True, hidden=True)
    """The gateway's id of it."""
    detached: bool = f.boolean(default=False, hidden=True)


def blank_details() -> dict[str, Any]:
    """Return billing details of which nothing is known."""
    return f.blank(BillingDetails, {})


def hash_of(method: PaymentMethod) -> dict[str, Any]:
    """Return what is shown of a method's card, account or wallet."""
    return (method.card if method.type == "card" else method.details) or {}


def card_shown(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card as the API shows it."""
    return {
        "brand": card["brand"],
        "country": card["country"],
        "display_brand": card["brand"],
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "last4": card["last4"],
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "unchecked"},
        "generated_from": None,
        "networks": {"available": [card["brand"]], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def shown(known: MethodDetails, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a method as the gateway tells it, with what else a request sent of it."""
    if known.type == "card":
        return {"type": "card", "card": card_shown(known.details)}
    return {"type": known.type, "details": BY_NAME[known.type].kept(sent, known.details)}


def checked(card: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a card as checked by its bank, which it is once attached to a customer or charged."""
    return card and {**card, "checks": {**card["checks"], "cvc_check": "pass"}}


def attach(tx: Tx, method: PaymentMethod, customer: str) -> PaymentMethod:
    """Attach a payment method to a customer, once; refuse one that was detached or is another customer's."""
    if method.customer == customer:
        return method
    require(
        method.customer is None,
        "The payment method you provided has already been attached to a customer.",
        param="payment_method",
    )
    require(
        not method.detached,
        "The payment method you provided was detached from a customer and may not be used again.",
        param="payment_method",
    )
    return rows.update(
        tx, method, event="payment_method.attached", customer=customer, card=checked(method.card)
    )


def of_customer(tx: Tx, id: str, customer: str, param: str) -> PaymentMethod:
    """Find a payment method that this customer can pay with."""
    found = rows.find(tx, PaymentMethod, id, param=param)
    if found.customer != customer:
        raise Refused(
            f"The customer does not have a payment method with the ID {id}. The payment method"
            " must be"
            " attached to the customer.",
            param=param,
            code="resource_missing",
        )
    return found


class UsAccount(Params):
    account_holder_type: str | None = f.choice(WRITE, "company", "individual")
    account_type: str | None = f.choice(WRITE, "checking", "savings")


class Update(Params):
    allow_redisplay: str | None = f.choice(WRITE, "always", "limited", "unspecified")
    billing_details: BillingDetails | None = f.nested(shape=BillingDetails)
    card: Expiry | None = f.nested(shape=Expiry)
    metadata: dict[str, str] = f.metadata()
    us_bank_account: UsAccount | None = f.nested(shape=UsAccount)


@PaymentMethod.update(Update)
def update(tx: Tx, method: PaymentMethod, wanted: Update) -> PaymentMethod:
    """Update billing details, the expiry of a card, whose a US bank account is, or metadata."""
    require(method.customer, "You must save this PaymentMethod to a customer before you can update it.")
    sent = wanted.sent()
    for name in ("card", "us_bank_account"):
        require(
            name not in sent or method.type == name,
            f"You provided the `{name}` parameter, but this PaymentMethod is of type {method.type}.",
            param=name,
        )
    columns = {"us_bank_account": "details"}
    changes = {
        columns.get(name, name): merged_value(method, columns.get(name, name), value)
        for name, value in sent.items()
    }
    return rows.update(tx, method, **changes)
