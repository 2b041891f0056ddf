"""Balance transactions: what reached our balance, less fees."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource


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
    exchange_rate: float | None = f.absent()
    fee: int = f.amount(default=0)
    fee_details: list[dict[str, Any]] = f.array(default=[])
    net: int = f.amount(required=True)
    reporting_category: str = f.text(required=True)
    source: str | None = f.ref("charge", filter=True)
    status: str = f.choice(SHOWN, "available", "pending", default="pending")
    type: str = f.choice(SHOWN, "charge", "refund", "adjustment", "stripe_fee", required=True, filter=True)
