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
ENDS = {
    "au_becs_debit": "au_bank_transfer", "bacs_debit": "gb_bank_transfer", "bancontact": "eu_bank_transfer",
    "boleto": "br_bank_transfer", "customer_balance": "customer_cash_balance", "ideal": "eu_bank_transfer",
    "konbini": "jp_bank_transfer", "link": "card", "nz_bank_account": "nz_bank_transfer",
    "oxxo": "mx_bank_transfer", "pay_by_bank": "gb_bank_transfer", "promptpay": "th_bank_transfer",
    "revolut_pay": "revolut", "sepa_debit": "eu_bank_transfer", "us_bank_account": "us_bank_transfer",
}  # fmt: skip
"""Where refunds of types go whose own name is no destination of Stripe's: mostly to an account at a bank."""
REFERENCED = frozenset({
    "afterpay_clearpay", "blik", "br_bank_transfer", "eu_bank_transfer", "gb_bank_transfer",
    "jp_bank_transfer", "klarna", "mb_way", "multibanco", "mx_bank_transfer", "p24", "paypal", "swish",
    "th_bank_transfer", "us_bank_transfer",
})  # fmt: skip
"""The destinations that say how the receiver finds the money."""
DECLINING = frozenset({"blik", "paypal", "swish"})
"""Those that say besides why the network has declined it."""
BARE = frozenset({
    "affirm", "alipay", "alma", "amazon_pay", "au_bank_transfer", "cashapp", "customer_cash_balance", "eps",
    "giropay", "grabpay", "nz_bank_transfer", "paynow", "pix", "revolut", "scalapay", "sofort", "twint",
    "wechat_pay", "zip",
})  # fmt: skip
"""The destinations of which nothing more is said."""
TRANSFERS = {"eur": "eu", "gbp": "gb", "jpy": "jp", "mxn": "mx", "usd": "us"}
"""Whose kind of bank transfer a currency is sent by; any other is said to go like a European one."""


def destination(row: "Refund", now: datetime, shown: dict[str, Any]) -> dict[str, Any] | None:
    """Return where a refund goes: to where its charge came from, or for a cash balance an account at a bank.

    None for a type of payment method of which Stripe knows no destination.
    """
    kind = f"{TRANSFERS.get(row.currency, 'eu')}_bank_transfer"
    if row.charge is not None or row.payment_intent is not None:
        kind = ENDS.get(row.method_type or "card", row.method_type or "card")
    if kind == "card":
        return TO_CARD
    if kind == "crypto":
        return {kind: {"reference": None}, "type": kind}
    if kind in REFERENCED:
        known = "pending" if row.status != "succeeded" else "available" if row.reference else "unavailable"
        declined = {"network_decline_code": None} if kind in DECLINING else {}
        return {kind: {**declined, "reference": row.reference, "reference_status": known}, "type": kind}
    return {kind: {}, "type": kind} if kind in BARE else None


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
    method_type: str | None = f.text(hidden=True)
    """The type of payment method that its charge was paid with."""
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
