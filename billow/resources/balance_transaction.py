"""Balance transactions: movements on our balance with the gateway, and their fees."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.resources.payout import Payout
from billow.store.tx import Tx

TYPES = (
    "adjustment",
    "application_fee",
    "application_fee_refund",
    "charge",
    "payment",
    "payment_failure_refund",
    "payment_refund",
    "payout",
    "payout_cancel",
    "payout_failure",
    "refund",
    "refund_failure",
    "stripe_fee",
    "transfer",
    "transfer_refund",
)


def status(row: "BalanceTransaction", now: datetime, shown: dict[str, Any]) -> str:
    return "available" if row.available_on <= now else "pending"


class BalanceTransaction(
    Resource, object="balance_transaction", path="/v1/balance_transactions", prefix="txn_", events=()
):
    """A movement on our balance with the gateway."""

    lacks = ("livemode",)

    amount: int = f.amount(required=True)
    available_on: datetime = f.timestamp(required=True)
    balance_type: str = f.absent("payments")
    currency: str = f.currency(required=True, filter=True)
    description: str | None = f.text()
    exchange_rate: Decimal | None = f.number(places=12)
    fee: int = f.amount(default=0)
    fee_details: list[dict[str, Any]] = f.array(default=[])
    net: int = f.amount(required=True)
    reporting_category: str = f.text(required=True)
    source: str | None = f.ref(
        "charge", refs="application_fee charge dispute fee_refund payout refund transfer transfer_reversal"
    )
    status: str = f.computed(status)
    type: str = f.choice(SHOWN, *TYPES, required=True)

    payout: str | None = f.text(hidden=True)
    """The payout that it is of, or that pays it out."""


class Filters(Params):
    payout: str | None = f.text()
    source: str | None = f.text()
    type: str | None = f.text()


@BalanceTransaction.listing(Filters)
def listing(tx: Tx, wanted: Filters) -> Where:
    """List balance transactions, newest first; `source` selects those of a charge or refund.

    With `payout` those of a payout, and what an automatic payout pays out.
    """
    if wanted.payout:
        rows.find(tx, Payout, wanted.payout, param="payout")
    where = Where()
    for name, value in wanted.sent().items():
        where = where.also(f"{name} = %({name})s", **{name: value})
    return where
