"""Charges: money taken, or a try that failed."""

from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN, WRITE
from billow.api.resource import Resource

NO_ADDRESS = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}
NOBODY = {"address": NO_ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None}


class Charge(
    Resource, object="charge", path="/v1/charges", prefix="ch_", events=("succeeded", "failed", "updated")
):
    """One try to take money, and what became of it."""

    amount: int = f.amount(required=True)
    amount_captured: int = f.amount(default=0)
    amount_refunded: int = f.amount(default=0)
    application: str | None = f.absent()
    application_fee: str | None = f.absent()
    application_fee_amount: int | None = f.absent()
    authorization_code: str | None = f.absent()
    balance_transaction: str | None = f.ref("balance_transaction")
    billing_details: dict[str, Any] = f.hash(default=NOBODY)
    calculated_statement_descriptor: str | None = f.text()
    captured: bool = f.boolean(default=False)
    currency: str = f.currency(required=True)
    customer: str | None = f.ref("customer", filter=True)
    description: str | None = f.text(WRITE, unset=True)
    disputed: bool = f.absent(False)
    failure_balance_transaction: str | None = f.absent()
    failure_code: str | None = f.text()
    failure_message: str | None = f.text()
    fraud_details: dict[str, Any] | None = f.absent({})
    level3: dict[str, Any] | None = f.absent()
    metadata: dict[str, str] = f.metadata()
    on_behalf_of: str | None = f.absent()
    outcome: dict[str, Any] | None = f.hash()
    paid: bool = f.boolean(default=False)
    payment_intent: str | None = f.ref("payment_intent", filter=True)
    payment_method: str | None = f.text()
    payment_method_details: dict[str, Any] | None = f.hash()
    presentment_details: dict[str, Any] | None = f.absent()
    radar_options: dict[str, Any] | None = f.absent()
    receipt_email: str | None = f.absent()
    receipt_number: str | None = f.absent()
    receipt_url: str | None = f.absent()
    refunded: bool = f.boolean(default=False)
    review: str | None = f.absent()
    shipping: dict[str, Any] | None = f.absent()
    source: dict[str, Any] | None = f.absent()
    source_transfer: str | None = f.absent()
    statement_descriptor: str | None = f.absent()
    statement_descriptor_suffix: str | None = f.absent()
    status: str = f.choice(SHOWN, "failed", "pending", "succeeded", required=True)
    transfer: str | None = f.absent()
    transfer_data: dict[str, Any] | None = f.absent()
    transfer_group: str | None = f.absent()


@Charge.update
def update(tx: Any, charge: Charge, changes: dict[str, Any]) -> Charge:
    """Update a charge's description or metadata."""
    from billow.api import rows

    return rows.update(tx, charge, **changes)
