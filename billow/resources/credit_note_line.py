"""Credit note lines: what is credited, of a line of the invoice or by itself."""

from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource
from billow.resources.invoice_line import CREDIT_AMOUNT, DiscountAmount, TaxAmount

TYPES = ("custom_line_item", "invoice_line_item")


def pretax_credits(row: Any, now: Any, shown: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**entry, "type": "discount"} for entry in row.discount_amounts]


class CreditNoteLine(
    Resource, object="credit_note_line_item", table="credit_note_lines", prefix="cnli_", events=()
):
    """A line of a credit note. Its amount is before discounts and without the tax on top of it."""

    lacks = ("created",)
    order = "position, id"

    amount: int = f.amount(required=True)
    description: str | None = f.text()
    discount_amount: int = f.amount(default=0)
    discount_amounts: list[dict[str, Any]] = f.array(item=DiscountAmount, default=[])
    invoice_line_item: str | None = f.text()
    metadata: dict[str, str] = f.metadata(SHOWN)
    pretax_credit_amounts: list[dict[str, Any]] = f.computed(pretax_credits, refs=CREDIT_AMOUNT)
    quantity: int | None = f.integer()
    tax_rates: list[str] = f.array(item=f.ref("tax_rate"), embed=True, default=[])
    taxes: list[dict[str, Any]] = f.array(item=TaxAmount, default=[])
    type: str = f.choice(SHOWN, *TYPES, required=True)
    unit_amount: int | None = f.amount()
    unit_amount_decimal: Decimal | None = f.decimal()

    credit_note: str = f.text(required=True, hidden=True)
    net: int = f.amount(default=0, hidden=True)
    """The amount after discounts and without tax."""
    position: int = f.integer(default=0, hidden=True)
    shipping: bool = f.boolean(default=False, hidden=True)
    """Whether it credits what shipping cost; it is shown as the shipping cost of its credit note."""
    untaxed: int = f.amount(default=0, hidden=True)
    """Inclusive tax that an exempt customer does not pay."""

    @property
    def listed(self) -> bool:
        return not self.shipping
