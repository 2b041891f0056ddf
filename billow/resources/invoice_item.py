"""Invoice items: charges and credits for the next invoice."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import listing
from billow.api.fields import WRITE, seconds
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.core.invoicing import price_details, span
from billow.resources.invoice_line import PRICING


def period(row: "InvoiceItem", now: datetime, shown: dict[str, Any]) -> dict[str, int]:
    return span(row.period_start, row.period_end)


def pricing(row: "InvoiceItem", now: datetime, shown: dict[str, Any]) -> dict[str, Any] | None:
    return price_details(row.price, row.product, row.unit_amount_decimal)


def parent(row: "InvoiceItem", now: datetime, shown: dict[str, Any]) -> dict[str, Any] | None:
    if row.subscription is None:
        return None
    return {
        "subscription_details": {
            "subscription": row.subscription,
            "subscription_item": row.subscription_item,
        },
        "type": "subscription_details",
    }


class InvoiceItem(
    Resource,
    object="invoiceitem",
    path="/v1/invoiceitems",
    prefix="ii_",
    table="invoice_items",
    events=("created", "deleted"),
):
    """A charge or credit that is pending for the customer's next invoice, or on an invoice."""

    owner = "customer"
    lacks = ("created",)

    amount: int = f.amount(required=True)
    currency: str = f.currency(required=True)
    customer: str = f.ref("customer", required=True, filter=True)
    customer_account: str | None = f.absent(filter=True)
    date: int = f.computed(lambda row, now, shown: seconds(row.created))
    description: str | None = f.text(WRITE, unset=True)
    discountable: bool = f.boolean(WRITE, default=True)
    discounts: list[str] = f.array(item=f.ref("discount"), default=[])
    frozen_fields: list[str] | None = f.absent()
    invoice: str | None = f.ref("invoice", filter=True)
    invoicing_rules: list[dict[str, Any]] | None = f.absent()
    metadata: dict[str, str] = f.metadata()
    net_amount: int | None = f.computed(lambda row, now, shown: row.net)
    parent: dict[str, Any] | None = f.computed(parent)
    period: dict[str, Any] = f.computed(period)
    pricing: dict[str, Any] | None = f.computed(pricing, refs=PRICING)
    proration: bool = f.boolean(default=False)
    proration_details: dict[str, Any] | None = f.nested(refs={"discount_amounts": {"discount": "discount"}})
    quantity: int = f.computed(lambda row, now, shown: int(row.quantity_decimal))
    quantity_decimal: Decimal = f.decimal(default=Decimal(1))
    tax_rates: list[str] = f.array(item=f.ref("tax_rate"), embed=True, default=[])
    tax_behavior: str | None = f.text(hidden=True)
    tax_code: str | None = f.text(hidden=True)
    test_clock: str | None = f.ref("test_helpers.test_clock")

    price: str | None = f.text(hidden=True)
    product: str | None = f.text(hidden=True)
    unit_amount_decimal: Decimal | None = f.decimal(hidden=True)
    subscription: str | None = f.text(hidden=True)
    subscription_item: str | None = f.text(hidden=True)
    revises: str | None = f.text(hidden=True)
    """The item whose place it takes when the revision that it is on is finalized."""
    period_start: datetime = f.timestamp(required=True, hidden=True)
    period_end: datetime = f.timestamp(required=True, hidden=True)

    @property
    def discount_amounts(self) -> list[dict[str, Any]]:
        """The discounts that a proration shows separately (`proration_discounts` itemized, §5.7)."""
        return list((self.proration_details or {}).get("discount_amounts") or ())

    @property
    def net(self) -> int:
        return self.amount - sum(int(entry["amount"]) for entry in self.discount_amounts)


class Filters(Params):
    created: list[Any] | None = f.instants()
    pending: bool | None = f.boolean()


@InvoiceItem.listing(Filters)
def listed(tx: Any, wanted: Filters) -> Where:
    """List invoice items; `pending` separates the pending ones from those on an invoice."""
    where = listing.between(Where(), "created", "created", wanted.created or ())
    if wanted.pending is None:
        return where
    return where.also("invoice is null" if wanted.pending else "invoice is not null")
