"""Transfers: shares of a platform's money that go to connected accounts."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import WRITE
from billow.api.resource import Resource
from billow.store.tx import Tx

REVERSALS = "/v1/transfers/{id}/reversals"


class Transfer(
    Resource, object="transfer", path="/v1/transfers", prefix="tr_", events=("created", "updated", "reversed")
):
    """An amount that goes from a platform's balance to the balance of a connected account."""

    amount: int = f.amount(required=True)
    amount_reversed: int = f.amount(default=0)
    balance_transaction: str | None = f.ref("balance_transaction")
    currency: str = f.currency(required=True)
    description: str | None = f.text(WRITE, unset=True)
    destination: str | None = f.ref("account", required=True, filter=True)
    destination_payment: str | None = f.text(required=True)
    """The charge in the books of the connected account, which is not one of ours."""
    metadata: dict[str, str] = f.metadata()
    reversals: list[Any] = f.sublist("transfer_reversal", by="transfer", url=REVERSALS)
    reversed: bool = f.boolean(default=False)
    source_transaction: str | None = f.ref("charge")
    source_type: str | None = f.text(default="card")
    transfer_group: str | None = f.text(filter=True)


class TransferReversal(Resource, object="transfer_reversal", prefix="trr_", events=()):
    """A part of a transfer that came back."""

    lacks = ("livemode",)

    amount: int = f.amount(required=True)
    balance_transaction: str | None = f.ref("balance_transaction")
    currency: str = f.currency(required=True)
    destination_payment_refund: str | None = f.text()
    """The refund in the books of the connected account."""
    metadata: dict[str, str] = f.metadata()
    source_refund: str | None = f.ref("refund")
    transfer: str = f.ref("transfer", required=True)


@Transfer.update
def update(tx: Tx, transfer: Transfer, changes: dict[str, Any]) -> Transfer:
    """Update a transfer's description or metadata."""
    return rows.update(tx, transfer, **changes)
