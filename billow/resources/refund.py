"""Refunds: payments that are returned."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.resource import Resource
from billow.store.tx import Tx

STATUSES = ("canceled", "failed", "pending", "requires_action", "succeeded")
REASONS = ("duplicate", "expired_uncaptured_charge", "fraudulent", "requested_by_customer")
TO_CARD = {
    "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
    "type": "card",
}


class Refund(
    Resource, object="refund", path="/v1/refunds", prefix="re_", events=("created", "updated", "failed")
):
    """A charge that is returned to its card, in full or in part."""

    lacks = ("livemode",)

    amount: int = f.amount(required=True)
    balance_transaction: str | None = f.ref("balance_transaction")
    charge: str = f.ref("charge", required=True, filter=True)
    currency: str = f.currency(required=True)
    customer: str | None = f.ref("customer")
    customer_account: str | None = f.absent()
    description: str | None = f.absent()
    destination_details: dict[str, Any] | None = f.absent(TO_CARD)
    failure_balance_transaction: str | None = f.ref("balance_transaction")
    failure_reason: str | None = f.text()
    instructions_email: str | None = f.email()
    metadata: dict[str, str] = f.metadata()
    next_action: dict[str, Any] | None = f.absent()
    payment_intent: str | None = f.ref("payment_intent", filter=True)
    payment_method: str | None = f.ref("payment_method")
    pending_reason: str | None = f.text()
    presentment_details: dict[str, Any] | None = f.absent()
    reason: str | None = f.choice(SHOWN, *REASONS)
    receipt_number: str | None = f.absent()
    source_transfer_reversal: str | None = f.absent(refs="transfer_reversal")
    status: str = f.choice(SHOWN, *STATUSES, default="pending")
    transfer_reversal: str | None = f.ref("transfer_reversal")

    refund_application_fee: bool = f.boolean(default=False, hidden=True)
    reverse_transfer: bool = f.boolean(default=False, hidden=True)
    """What the platform takes back, or gives, once the refund has succeeded."""
    emitted: bool = f.boolean(default=False, hidden=True)
    """Whether `refund.created` was emitted, which waits for the gateway's first answer."""
    credited: int = f.amount(default=0, hidden=True)
    """How much of it belongs to credit notes."""
    granted: dict[str, Any] | None = f.nested(hidden=True)
    """How the rest of it was booked when it succeeded: the net, and the tax of each jurisdiction."""


@Refund.update
def update(tx: Tx, refund: Refund, changes: dict[str, Any]) -> Refund:
    """Update a refund's metadata."""
    return rows.update(tx, refund, **changes)
