"""Refunds: payments that are returned."""

from datetime import datetime
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
TRANSFERS = {"eur": "eu", "gbp": "gb", "jpy": "jp", "mxn": "mx", "usd": "us"}
"""Whose kind of bank transfer a currency is sent by; any other is said to go like a European one."""


def destination(row: "Refund", now: datetime, shown: dict[str, Any]) -> dict[str, Any]:
    """Return where a refund goes: the card that was charged, or for a cash balance an account at a bank."""
    if row.charge is not None:
        return TO_CARD
    kind = f"{TRANSFERS.get(row.currency, 'eu')}_bank_transfer"
    known = "pending" if row.status != "succeeded" else "available" if row.reference else "unavailable"
    return {kind: {"reference": row.reference, "reference_status": known}, "type": kind}


class Refund(
    Resource, object="refund", path="/v1/refunds", prefix="re_", events=("created", "updated", "failed")
):
    """A charge that is returned to its card, in full or in part, or cash that a customer has transferred."""

    lacks = ("livemode",)

    amount: int = f.amount(required=True)
    balance_transaction: str | None = f.ref("balance_transaction")
    charge: str | None = f.ref("charge", filter=True)
    currency: str = f.currency(required=True)
    customer: str | None = f.ref("customer")
    customer_account: str | None = f.absent()
    description: str | None = f.absent()
    destination_details: dict[str, Any] | None = f.computed(destination)
    failure_balance_transaction: str | None = f.ref("balance_transaction")
    failure_reason: str | None = f.text()
    instructions_email: str | None = f.email()
    metadata: dict[str, str] = f.metadata()
    next_action: dict[str, Any] | None = f.nested()
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
    send_to: str | None = f.text(hidden=True)
    """The account that a cash balance is transferred to."""
    bank_entry: str | None = f.text(hidden=True)
    """The entry of a statement that shows the transfer."""
    reference: str | None = f.text(hidden=True)
    """What the bank calls the transfer."""


@Refund.update
def update(tx: Tx, refund: Refund, changes: dict[str, Any]) -> Refund:
    """Update a refund's metadata."""
    return rows.update(tx, refund, **changes)
