"""Payment methods: cards on file."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN, WRITE
from billow.api.params import Params
from billow.api.resource import Resource
from billow.core.errors import Refused, require
from billow.core.payments import CardDetails
from billow.resources.customer import Address
from billow.store.tx import Tx

#: The types that a filter accepts; only cards exist.
TYPES = (
    "acss_debit", "affirm", "afterpay_clearpay", "alipay", "alma", "amazon_pay", "au_becs_debit",
    "bacs_debit", "bancontact", "billie", "bizum", "blik", "boleto", "card", "cashapp", "crypto", "custom",
    "customer_balance", "eps", "fpx", "giropay", "grabpay", "ideal", "kakao_pay", "klarna", "konbini",
    "kr_card", "link", "mb_way", "mobilepay", "multibanco", "naver_pay", "nz_bank_account", "oxxo", "p24",
    "pay_by_bank", "payco", "paynow", "paypal", "paypay", "payto", "pix", "promptpay", "revolut_pay",
    "samsung_pay", "satispay", "scalapay", "sepa_debit", "sequra", "sofort", "sunbit", "swish", "twint",
    "upi", "us_bank_account", "wechat_pay", "zip",
)  # fmt: skip


class BillingDetails(Params):
    address: dict[str, Any] = f.nested(shape=Address, default=f.blank(Address, {}), unset=True)
    email: str | None = f.email(unset=True)
    name: str | None = f.line(unset=True)
    phone: str | None = f.line(unset=True)
    tax_id: str | None = f.text(unset=True)


class Expiry(Params):
    """The expiry of a card on file, which changes when the bank issues a new card."""

    exp_month: int | None = f.integer(min=1, max=12)
    exp_year: int | None = f.integer(min=2000, max=2100)


class PaymentMethod(
    Resource, object="payment_method", path="/v1/payment_methods", prefix="pm_", events=("updated",)
):
    """A card on file. Only the gateway knows its number."""

    owner = "customer"

    allow_redisplay: str = f.choice(
        WRITE, "always", "limited", "unspecified", default="unspecified", filter=True
    )
    billing_details: dict[str, Any] = f.nested(WRITE, BillingDetails, default=f.blank(BillingDetails, {}))
    card: dict[str, Any] = f.nested(
        WRITE, Expiry, required=True, refs={"generated_from": {"setup_attempt": "setup_attempt"}}
    )
    customer: str | None = f.ref("customer", filter=True)
    customer_account: str | None = f.absent(filter=True)
    metadata: dict[str, str] = f.metadata()
    type: str = f.choice(SHOWN, *TYPES, default="card", filter=True)

    token: str = f.text(required=True, hidden=True)
    """The gateway's id of it."""
    detached: bool = f.boolean(default=False, hidden=True)


def blank_details() -> dict[str, Any]:
    """Return billing details of which nothing is known."""
    return f.blank(BillingDetails, {})


def card_shown(card: CardDetails) -> dict[str, Any]:
    """Return a card as the API shows it."""
    return {
        "brand": card.brand,
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "last4": card.last4,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "unchecked"},
        "generated_from": None,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def checked(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card as checked by its bank, which it is once attached to a customer or charged."""
    return {**card, "checks": {**card["checks"], "cvc_check": "pass"}}


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


@PaymentMethod.update
def update(tx: Tx, method: PaymentMethod, changes: dict[str, Any]) -> PaymentMethod:
    """Update billing details, the expiry of a card, or metadata."""
    require(method.customer, "You must save this PaymentMethod to a customer before you can update it.")
    return rows.update(tx, method, **changes)
