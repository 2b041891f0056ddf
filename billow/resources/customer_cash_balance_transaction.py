"""Customer cash balance transactions: money of a customer that came in by bank, and what it was used for."""

from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource

TYPES = (
    "adjusted_for_overdraft",
    "applied_to_payment",
    "funded",
    "funding_reversed",
    "refunded_from_payment",
    "return_canceled",
    "return_initiated",
    "transferred_to_balance",
    "unapplied_from_payment",
)


class CustomerCashBalanceTransaction(
    Resource,
    object="customer_cash_balance_transaction",
    prefix="ccsbtxn_",
    table="cash_balance_transactions",
    events=("created",),
):
    """A change of the money that a customer has transferred, and that pays nothing yet; it stays as it is."""

    adjusted_for_overdraft: dict[str, Any] | None = f.absent(typed=True)
    applied_to_payment: dict[str, Any] | None = f.nested(
        typed=True, refs={"payment_intent": "payment_intent"}
    )
    currency: str = f.currency(required=True)
    customer: str = f.ref("customer", required=True, filter=True)
    customer_account: str | None = f.absent()
    ending_balance: int = f.amount(required=True)
    funded: dict[str, Any] | None = f.nested(typed=True)
    net_amount: int = f.amount(required=True)
    refunded_from_payment: dict[str, Any] | None = f.nested(typed=True, refs={"refund": "refund"})
    transferred_to_balance: dict[str, Any] | None = f.absent(typed=True)
    type: str = f.choice(SHOWN, *TYPES, required=True)
    unapplied_from_payment: dict[str, Any] | None = f.nested(
        typed=True, refs={"payment_intent": "payment_intent"}
    )

    entry: str = f.text(required=True, hidden=True)
    """The bank entry that brought the money."""
