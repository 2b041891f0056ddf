"""Application fees: what a platform keeps of the payments of its connected accounts."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.resource import Resource
from billow.store.tx import Tx

REFUNDS = "/v1/application_fees/{id}/refunds"


def application(row: "ApplicationFee", now: datetime, shown: dict[str, Any]) -> str:
    """Return the id that stands for the platform's program, which is no object here."""
    return f"ca_{row.account.removeprefix('acct_')}"


def source(row: "ApplicationFee", now: datetime, shown: dict[str, Any]) -> dict[str, Any]:
    return {"charge": row.charge, "type": "charge"}


class ApplicationFee(
    Resource,
    object="application_fee",
    path="/v1/application_fees",
    prefix="fee_",
    events=("created", "refunded"),
):
    """What a platform keeps of a payment of a connected account."""

    account: str = f.ref("account", required=True)
    amount: int = f.amount(required=True)
    amount_refunded: int = f.amount(default=0)
    application: str = f.computed(application, refs="application")
    balance_transaction: str | None = f.ref("balance_transaction")
    charge: str = f.text(required=True, filter=True)
    """The charge in the books of the connected account, which is not one of ours."""
    currency: str = f.currency(required=True)
    fee_source: dict[str, Any] | None = f.computed(source)
    originating_transaction: str | None = f.ref("charge")
    refunded: bool = f.boolean(default=False)
    refunds: list[Any] = f.sublist("fee_refund", by="fee", url=REFUNDS)


class FeeRefund(Resource, object="fee_refund", prefix="fr_", events=()):
    """A part of an application fee that went back to its account."""

    lacks = ("livemode",)

    amount: int = f.amount(required=True)
    balance_transaction: str | None = f.ref("balance_transaction")
    currency: str = f.currency(required=True)
    fee: str = f.ref("application_fee", required=True)
    metadata: dict[str, str] = f.metadata()


def find_of(tx: Tx, charge: str) -> ApplicationFee | None:
    """Find the fee of a charge of the platform's own."""
    found = rows.select(tx, ApplicationFee, "originating_transaction = %(id)s", id=charge)
    return found[0] if found else None
