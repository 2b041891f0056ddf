"""Payouts: what the gateway pays out of its balance to the bank."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.store.tx import Tx

STATUSES = ("canceled", "failed", "in_transit", "paid", "pending")


class Payout(
    Resource,
    object="payout",
    path="/v1/payouts",
    prefix="po_",
    events=("canceled", "created", "failed", "paid", "reconciliation_completed", "updated"),
):
    """An amount that goes from the balance with a gateway to the bank; a negative one comes back from it."""

    amount: int = f.amount(required=True)
    application_fee: str | None = f.absent(refs="application_fee")
    application_fee_amount: int | None = f.absent()
    arrival_date: datetime = f.timestamp(required=True, filter=True)
    automatic: bool = f.boolean(default=False)
    balance_transaction: str | None = f.ref("balance_transaction")
    currency: str = f.currency(required=True)
    description: str | None = f.text()
    destination: str | None = f.text(refs="bank_account card", filter=True)
    """The bank account of a connected account, which its platform keeps."""
    failure_balance_transaction: str | None = f.ref("balance_transaction")
    failure_code: str | None = f.text()
    failure_message: str | None = f.text()
    metadata: dict[str, str] | None = f.metadata()
    method: str = f.choice(SHOWN, "instant", "standard", default="standard")
    original_payout: str | None = f.ref("payout")
    payout_method: str | None = f.absent()
    reconciliation_status: str = f.choice(
        SHOWN, "completed", "in_progress", "not_applicable", default="not_applicable"
    )
    reversed_by: str | None = f.ref("payout")
    source_type: str = f.choice(SHOWN, "bank_account", "card", "fpx", default="card")
    statement_descriptor: str | None = f.line(max=22)
    status: str = f.choice(SHOWN, *STATUSES, default="pending")
    trace_id: dict[str, Any] | None = f.absent()
    type: str = f.absent("bank_account")

    gateway: str = f.text(hidden=True, required=True)
    reference: str | None = f.text(hidden=True)
    """The gateway's id of a payout that it has made by itself."""
    bank_entry: str | None = f.text(hidden=True)
    """The entry of a bank statement that it was found on."""
    sent_back: bool = f.boolean(default=False, hidden=True)
    """Whether the bank took that entry back, and shows no other yet."""


class Filters(Params):
    status: str | None = f.choice(SHOWN, *STATUSES)


@Payout.listing(Filters)
def listing(tx: Tx, wanted: Filters) -> Where:
    """List payouts, newest first."""
    return Where("status = %(status)s", status=wanted.status) if wanted.status else Where()


@Payout.update
def update(tx: Tx, payout: Payout, changes: dict[str, Any]) -> Payout:
    """Update a payout's metadata."""
    return rows.update(tx, payout, **changes)
