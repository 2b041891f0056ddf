"""Tax calculations: the taxes on a sale that is made elsewhere, line by line."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource

BEHAVIORS = ("exclusive", "inclusive")


class TaxCalculation(
    Resource, object="tax.calculation", prefix="taxcalc_", table="tax_calculations", events=()
):
    """The taxes on a sale, as they were on its day. It is good for ninety days."""

    called = "tax calculation"
    lacks = ("created",)

    amount_total: int = f.amount(required=True)
    currency: str = f.currency(required=True)
    customer: str | None = f.text()
    customer_details: dict[str, Any] = f.nested(required=True)
    expires_at: datetime | None = f.timestamp()
    line_items: list[Any] = f.sublist(
        "tax.calculation_line_item",
        by="calculation",
        url="/v1/tax/calculations/{id}/line_items",
        include=True,
    )
    ship_from_details: dict[str, Any] | None = f.nested()
    shipping_cost: dict[str, Any] | None = f.nested(refs={"shipping_rate": "shipping_rate"})
    tax_amount_exclusive: int = f.amount(required=True)
    tax_amount_inclusive: int = f.amount(required=True)
    tax_breakdown: list[dict[str, Any]] = f.array(default=[])
    tax_date: datetime = f.timestamp(required=True)


class CalculationLineItem(
    Resource,
    object="tax.calculation_line_item",
    prefix="tax_li_",
    table="tax_calculation_line_items",
    events=(),
):
    """One line of a sale with its taxes."""

    lacks = ("created",)
    order = "position"

    amount: int = f.amount(required=True)
    amount_tax: int = f.amount(required=True)
    metadata: dict[str, str] = f.metadata(SHOWN)
    performance_location: str | None = f.absent()
    product: str | None = f.text()
    quantity: int = f.integer(default=1)
    reference: str = f.text(required=True)
    tax_behavior: str = f.choice(SHOWN, *BEHAVIORS, required=True)
    tax_breakdown: list[dict[str, Any]] = f.array(default=[], include=True)
    tax_code: str = f.text(required=True)

    calculation: str = f.text(required=True, hidden=True)
    position: int = f.integer(default=0, hidden=True)
