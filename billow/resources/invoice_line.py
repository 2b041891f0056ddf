"""Invoice lines: one charge or credit of an invoice, and what it is for."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.api.resource import Resource
from billow.core.bounds import LARGEST
from billow.core.invoicing import price_details, span

SHIPPING = "shipping"
"""The kind of the line that charges for shipping; in the ledger also its product."""
PRICING = {"price_details": {"price": "price"}}
"""Where the pricing of a line or an invoice item names its price, which callers may expand."""
PREPAID = "prepaid"
"""The kind of a line that sells credits of a wallet: it is no revenue until they are used or expire."""
REASONS = (
    "customer_exempt",
    "not_available",
    "not_collecting",
    "not_subject_to_tax",
    "not_supported",
    "portion_product_exempt",
    "portion_reduced_rated",
    "portion_standard_rated",
    "product_exempt",
    "product_exempt_holiday",
    "proportionally_rated",
    "reduced_rated",
    "reverse_charge",
    "standard_rated",
    "taxable_basis_reduced",
    "zero_rated",
)
"""Why a tax is what it is."""
CREDIT_AMOUNT = {"credit_balance_transaction": "billing.credit_balance_transaction", "discount": "discount"}


def period(row: "InvoiceLine", now: datetime, shown: dict[str, Any]) -> dict[str, int]:
    return span(row.period_start, row.period_end)


def pricing(row: "InvoiceLine", now: datetime, shown: dict[str, Any]) -> dict[str, Any] | None:
    return price_details(row.price, row.product, row.unit_amount_decimal)


def parent(row: "InvoiceLine", now: datetime, shown: dict[str, Any]) -> dict[str, Any] | None:
    """Return the parent of a line: its subscription item or its invoice item; prepaid credits have none."""
    if row.kind == PREPAID:
        return None
    details = {
        "invoice_item": row.invoice_item,
        "proration": row.proration,
        "proration_details": row.proration_details,
        "subscription": row.subscription,
    }
    if row.subscription_item is None:
        return {
            "invoice_item_details": details,
            "subscription_item_details": None,
            "type": "invoice_item_details",
        }
    return {
        "invoice_item_details": None,
        "type": "subscription_item_details",
        "subscription_item_details": {**details, "subscription_item": row.subscription_item},
    }


def whole_quantity(row: "InvoiceLine", now: datetime, shown: dict[str, Any]) -> int | None:
    """Return the quantity, or None if it is no integer that JSON holds exactly (see `quantity_decimal`)."""
    quantity = row.quantity_decimal
    fits = quantity is not None and abs(quantity) <= LARGEST and quantity == quantity.to_integral_value()
    return int(quantity) if quantity is not None and fits else None


def pretax_credits(discounts: list[dict[str, Any]], applied: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what comes off before tax: discounts, then billing credits (§4.7)."""
    kind = "credit_balance_transaction"
    return [
        *({**entry, "type": "discount"} for entry in discounts),
        *({"amount": one["amount"], kind: one.get("transaction"), "type": kind} for one in applied),
    ]


class DiscountAmount(Params):
    """The amount of one discount on a line, or on all lines of an invoice."""

    amount: int = f.amount(required=True)
    discount: str = f.ref("discount", required=True)


class TaxRateDetails(Params):
    tax_rate: str = f.text(required=True)


class TaxAmount(Params):
    """The amount of one tax, on a line or on all lines of an invoice."""

    amount: int = f.amount(required=True)
    tax_behavior: str = f.choice(SHOWN, "exclusive", "inclusive", required=True)
    tax_rate_details: TaxRateDetails | None = f.nested(shape=TaxRateDetails)
    taxability_reason: str = f.choice(SHOWN, *REASONS)
    taxable_amount: int | None = f.amount()
    type: str = f.choice(SHOWN, "tax_rate_details", required=True)


class InvoiceLine(Resource, object="line_item", table="invoice_lines", prefix="il_", events=()):
    """One line of an invoice. `kind` says why it is there.

    Shipping is the last line, and shown as the shipping cost of its invoice.
    """

    lacks = ("created",)
    order = "position, id"

    amount: int = f.amount(required=True)
    currency: str = f.currency(required=True)
    description: str | None = f.text()
    discount_amounts: list[dict[str, Any]] = f.array(item=DiscountAmount, default=[])
    discountable: bool = f.boolean(default=True)
    discounts: list[str] = f.array(item=f.ref("discount"), default=[])
    invoice: str = f.text(required=True)
    metadata: dict[str, str] = f.metadata(SHOWN)
    parent: dict[str, Any] | None = f.computed(parent)
    period: dict[str, Any] = f.computed(period)
    pretax_credit_amounts: list[dict[str, Any]] = f.computed(
        lambda row, now, shown: pretax_credits(row.discount_amounts, row.applied_credits), refs=CREDIT_AMOUNT
    )
    pricing: dict[str, Any] | None = f.computed(pricing, refs=PRICING)
    quantity: int | None = f.computed(whole_quantity)
    quantity_decimal: Decimal | None = f.decimal()
    subscription: str | None = f.ref("subscription")
    subtotal: int = f.computed(lambda row, now, shown: row.amount)
    taxes: list[dict[str, Any]] = f.array(item=TaxAmount, default=[])

    kind: str = f.choice(
        SHOWN, "licensed", "metered", "trial", "item", PREPAID, SHIPPING, required=True, hidden=True
    )
    position: int = f.integer(default=0, hidden=True)
    customer: str = f.text(required=True, hidden=True)
    subscription_item: str | None = f.text(hidden=True)
    invoice_item: str | None = f.text(hidden=True)
    proration: bool = f.boolean(default=False, hidden=True)
    proration_details: dict[str, Any] | None = f.nested(hidden=True)
    price: str | None = f.text(hidden=True)
    product: str | None = f.text(hidden=True)
    unit_amount_decimal: Decimal | None = f.decimal(hidden=True)
    flat_amount_decimal: Decimal | None = f.decimal(hidden=True)
    tier: int | None = f.integer(hidden=True)
    period_start: datetime = f.timestamp(required=True, hidden=True)
    period_end: datetime = f.timestamp(required=True, hidden=True)
    tax_rates: list[str] = f.array(default=[], hidden=True)
    """Its own tax rates, instead of the invoice's default tax rates."""
    tax_amounts: list[dict[str, Any]] = f.array(default=[], hidden=True)
    """Its taxes as the caller has calculated them, in place of any rates (flows/invoices/given_taxes.py)."""
    tax_behavior: str | None = f.text(hidden=True)
    """Whether its amount includes automatic tax, where that does not follow from its price."""
    tax_code: str | None = f.text(hidden=True)
    net: int = f.amount(default=0, hidden=True)
    """The amount after discounts and without tax, which becomes revenue."""
    earned: int = f.amount(default=0, hidden=True)
    """How much of it the ledger has recognized as revenue, without what was credited of that since."""
    credited: int = f.amount(default=0, hidden=True)
    """How much of the net credit notes have taken back."""
    applied_credits: list[dict[str, Any]] = f.array(default=[], hidden=True)
    """The credits that pay for it: the amount of each grant, and since finalization its transaction."""
    usage: Decimal | None = f.decimal(hidden=True)
    """The metered usage of the period, before tiers and packages."""

    @property
    def listed(self) -> bool:
        return self.kind != SHIPPING

    @property
    def sold(self) -> str:
        """Return under which product the ledger has its revenue."""
        return SHIPPING if self.kind == SHIPPING else self.product or "none"

    @property
    def discounted(self) -> int:
        """The amount after discounts, including inclusive tax."""
        return self.amount - sum(int(entry["amount"]) for entry in self.discount_amounts)
