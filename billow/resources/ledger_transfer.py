"""Ledger transfers: the movements of money between accounts. Billow's own object, not Stripe's."""

from datetime import datetime

from billow.api import fields as f
from billow.api.resource import Resource


class LedgerTransfer(
    Resource, object="ledger_transfer", path="/v1/ledger_transfers", prefix="ltr_", events=()
):
    """A movement of money from the credited to the debited account. It is never changed."""

    debit: str = f.text(required=True)
    credit: str = f.text(required=True)
    amount: int = f.amount(required=True)
    currency: str = f.currency(required=True)
    event: str = f.text(required=True, filter=True)
    source: str = f.text(required=True, filter=True)
    sequence: int = f.integer(default=0)
    customer: str | None = f.ref("customer", filter=True)
    invoice: str | None = f.ref("invoice", filter=True)
    line: str | None = f.ref("line_item")
    dated: datetime | None = f.timestamp()
    """When it happened, if its period was closed before it was posted: `created` is when it is booked."""
