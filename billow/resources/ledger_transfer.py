"""Ledger transfers: the journal, one movement of money between two accounts each. Ours, not Stripe's."""

from billow.api import fields as f
from billow.api.resource import Resource


class LedgerTransfer(
    Resource, object="ledger_transfer", path="/v1/ledger_transfers", prefix="ltr_", events=()
):
    """Money that moved from the credited account to the debited one. It is never changed."""

    debit: str = f.text(required=True)
    credit: str = f.text(required=True)
    amount: int = f.amount(required=True)
    currency: str = f.currency(required=True)
    # On the class `event` is the prefix of what it tells; it tells nothing, so the column has the name.
    event: str = f.text(required=True, filter=True)  # type: ignore[misc]
    source: str = f.text(required=True, filter=True)
    sequence: int = f.integer(default=0)
    customer: str | None = f.ref("customer", filter=True)
    invoice: str | None = f.ref("invoice", filter=True)
    line: str | None = f.ref("line_item")
