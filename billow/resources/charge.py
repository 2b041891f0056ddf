"""Charges: payments, or attempts to pay that failed."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN, UPDATE, WRITE
from billow.api.params import Params
from billow.api.resource import Resource
from billow.core.errors import require
from billow.resources.customer import Shipping
from billow.store.search import Searched
from billow.store.tx import Tx

NO_ADDRESS = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}
CARD = "payment_method_details->'card'->>"
DEBIT = {"generated_sepa_debit": "payment_method", "generated_sepa_debit_mandate": "mandate"}
MANDATE = {"mandate": "mandate"}
MANDATES = {"bancontact": DEBIT, "card": MANDATE, "ideal": DEBIT, "sofort": DEBIT, "us_bank_account": MANDATE}
"""The ids in the details of payment methods. Only cards are charged, but clients ask for all of them."""
NOBODY = {"address": NO_ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None}


class FraudDetails(Params):
    """The merchant's assessment of whether a charge is fraudulent."""

    user_report: str | None = f.choice(UPDATE, "fraudulent", "safe", unset=True)


class Charge(
    Resource, object="charge", path="/v1/charges", prefix="ch_", events=("succeeded", "failed", "updated")
):
    """An attempt to take a payment, and its outcome."""

    searched = {
        "amount": Searched("number", "amount"),
        "billing_details.address.postal_code": Searched(
            "whole", "billing_details->'address'->>'postal_code'"
        ),
        "created": Searched("instant", "created"),
        "currency": Searched("token", "currency"),
        "customer": Searched("token", "customer"),
        "disputed": Searched("flag", "disputed"),
        "metadata": Searched("metadata"),
        "payment_method_details.card.brand": Searched("token", f"{CARD}'brand'"),
        "payment_method_details.card.exp_month": Searched("number", f"({CARD}'exp_month')::bigint"),
        "payment_method_details.card.exp_year": Searched("number", f"({CARD}'exp_year')::bigint"),
        "payment_method_details.card.fingerprint": Searched("token", f"{CARD}'fingerprint'"),
        "payment_method_details.card.last4": Searched("token", f"{CARD}'last4'"),
        "refunded": Searched("flag", "refunded"),
        "status": Searched("token", "status"),
    }

    amount: int = f.amount(required=True)
    amount_captured: int = f.amount(default=0)
    amount_refunded: int = f.amount(default=0)
    application: str | None = f.absent(refs="application")
    application_fee: str | None = f.ref("application_fee")
    application_fee_amount: int | None = f.amount()
    authorization_code: str | None = f.absent()
    balance_transaction: str | None = f.ref("balance_transaction")
    billing_details: dict[str, Any] = f.nested(default=NOBODY)
    calculated_statement_descriptor: str | None = f.text()
    captured: bool = f.boolean(default=False)
    currency: str = f.currency(required=True)
    customer: str | None = f.ref("customer", UPDATE, filter=True)
    description: str | None = f.text(WRITE, unset=True)
    disputed: bool = f.boolean(default=False)
    failure_balance_transaction: str | None = f.ref("balance_transaction")
    failure_code: str | None = f.text()
    failure_message: str | None = f.text()
    fraud_details: dict[str, Any] | None = f.nested(UPDATE, FraudDetails, default={})
    level3: dict[str, Any] | None = f.absent()
    metadata: dict[str, str] = f.metadata()
    on_behalf_of: str | None = f.ref("account")
    outcome: dict[str, Any] | None = f.nested(refs={"rule": "rule"})
    paid: bool = f.boolean(default=False)
    payment_intent: str | None = f.ref("payment_intent", filter=True)
    payment_method: str | None = f.text()
    payment_method_details: dict[str, Any] | None = f.nested(refs=MANDATES)
    presentment_details: dict[str, Any] | None = f.absent()
    radar_options: dict[str, Any] | None = f.nested()
    receipt_email: str | None = f.email(UPDATE, unset=True)
    receipt_number: str | None = f.absent()
    receipt_url: str | None = f.text()
    refunded: bool = f.boolean(default=False)
    refunds: list[Any] = f.sublist("refund", by="charge", include=True, url="/v1/charges/{id}/refunds")
    review: str | None = f.absent(refs="review")
    shipping: dict[str, Any] | None = f.nested(UPDATE, Shipping)
    source: dict[str, Any] | None = f.nested(refs={"account": "account", "customer": "customer"})
    source_transfer: str | None = f.ref("transfer")
    statement_descriptor: str | None = f.text()
    statement_descriptor_suffix: str | None = f.text()
    status: str = f.choice(SHOWN, "failed", "pending", "succeeded", required=True)
    transfer: str | None = f.ref("transfer")
    transfer_data: dict[str, Any] | None = f.nested(refs={"destination": "account"})
    transfer_group: str | None = f.text(UPDATE, filter=True, unset=True)

    dispute: str | None = f.text(hidden=True)
    """Its newest dispute, which versions of the API before 2019-12-03 show."""
    gateway: str | None = f.text(hidden=True)
    """The name of the gateway that took it."""
    late_for: str | None = f.text(hidden=True)
    """What it came too late for: the intent, or the charge that had failed. It is refunded by itself."""
    reference: str | None = f.text(hidden=True)
    """The gateway's id of a successful charge, which refunds and captures name."""


@Charge.update
def update(tx: Tx, charge: Charge, changes: dict[str, Any]) -> Charge:
    """Update a charge's description, metadata and the like; a customer can be set where there is none."""
    named = changes.get("customer")
    require(
        named is None or charge.customer in (None, named),
        "You cannot change the customer of a charge that already has one.",
        param="customer",
    )
    if "fraud_details" in changes:
        said = {name: value for name, value in changes["fraud_details"].items() if value is not None}
        changes["fraud_details"] = said
    return rows.update(tx, charge, **changes)


BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "MasterCard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}


def card_of(id: str, card: dict[str, Any], details: dict[str, Any], customer: str | None) -> dict[str, Any]:
    """Return a card on file in the older format, as the source of a charge."""
    address, checks = details.get("address") or {}, card.get("checks") or {}
    return {
        "id": id,
        "object": "card",
        "address_city": address.get("city"),
        "address_country": address.get("country"),
        "address_line1": address.get("line1"),
        "address_line1_check": checks.get("address_line1_check"),
        "address_line2": address.get("line2"),
        "address_state": address.get("state"),
        "address_zip": address.get("postal_code"),
        "address_zip_check": checks.get("address_postal_code_check"),
        "allow_redisplay": "unspecified",
        "brand": BRANDS.get(card["brand"], "Unknown"),
        "country": card["country"],
        "customer": customer,
        "cvc_check": checks.get("cvc_check"),
        "dynamic_last4": None,
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "last4": card["last4"],
        "metadata": {},
        "name": details.get("name"),
        "regulated_status": card.get("regulated_status"),
        "tokenization_method": None,
    }
