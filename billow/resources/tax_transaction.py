"""Tax transactions: sales whose tax is owed, and their reversals."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource

TYPES = ("reversal", "transaction")


class TaxTransaction(Resource, object="tax.transaction", prefix="tax_", table="tax_transactions", events=()):
    """A sale whose tax is owed, made from a calculation; or a reversal of one, with negative amounts."""

    called = "tax transaction"

    currency: str = f.currency(required=True)
    customer: str | None = f.text()
    customer_details: dict[str, Any] = f.nested(required=True)
    line_items: list[Any] = f.sublist(
        "tax.transaction_line_item",
        by="transaction",
        url="/v1/tax/transactions/{id}/line_items",
        include=True,
    )
    metadata: dict[str, str] = f.metadata(SHOWN)
    posted_at: datetime = f.timestamp(required=True)
    reference: str = f.text(required=True)
    reversal: dict[str, Any] | None = f.nested()
    ship_from_details: dict[str, Any] | None = f.nested()
    shipping_cost: dict[str, Any] | None = f.nested(refs={"shipping_rate": "shipping_rate"})
    tax_date: datetime = f.timestamp(required=True)
    type: str = f.choice(SHOWN, *TYPES, required=True)

    calculation: str | None = f.text(hidden=True)


class TransactionLineItem(
    Resource,
    object="tax.transaction_line_item",
    prefix="tax_li_",
    table="tax_transaction_line_items",
    events=(),
):
    """One line of a tax transaction."""

    lacks = ("created",)
    order = "position"

    amount: int = f.amount(required=True)
    amount_tax: int = f.amount(required=True)
    metadata: dict[str, str] = f.metadata(SHOWN)
    product: str | None = f.text()
    quantity: int = f.integer(default=1)
    reference: str = f.text(required=True)
    reversal: dict[str, Any] | None = f.nested()
    tax_behavior: str = f.choice(SHOWN, "exclusive", "inclusive", required=True)
    tax_code: str = f.text(required=True)
    type: str = f.choice(SHOWN, *TYPES, required=True)

    transaction: str = f.text(required=True, hidden=True)
    position: int = f.integer(default=0, hidden=True)
