"""Make the invoice lines of a billing period."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from billow.core import anchors, invoicing, pricing, proration
from billow.core.line_texts import BILLED_BEFORE
from billow.core.money import EXACT
from billow.flows.billing.priced_items import Part
from billow.resources.invoice_item import InvoiceItem
from billow.resources.invoice_line import InvoiceLine


@dataclass(frozen=True, slots=True)
class Period:
    """A period to bill a part for: `kind` is licensed (in advance), metered (in arrears) or trial (free).

    `share` is the fraction of a full period's price that it costs: less than 1 for a partial period.
    """

    part: Part
    kind: str
    start: datetime
    end: datetime
    share: Fraction = anchors.FULL
    counted_from: datetime | None = None
    """From when usage counts towards tiers, where an earlier part of it is billed already (§4.5)."""
    billed_use: Decimal | None = None
    """The quantity of usage since then that is billed already."""
    continued: bool = False
    """Whether late usage of it is billed with the following period instead."""


def lines_of(period: Period, customer: str, used: Decimal | None) -> list[InvoiceLine]:
    """Make the lines of one item for one period, not yet on an invoice: one for each tier that it reaches."""
    part = period.part
    if period.kind == "trial":
        return [_free_line(period, customer)]
    quantity = Decimal(part.item.quantity or 0) if period.kind == "licensed" else used or Decimal(0)
    packed = part.price.transform_quantity is not None
    more = EXACT.subtract(quantity, period.billed_use or Decimal(0))
    return [
        _line(
            period,
            customer,
            proration.portion(step.amount, period.share),
            BILLED_BEFORE if step.earlier else _words(part, more if packed else charge.quantity, charge),
            quantity_decimal=more if packed else charge.quantity,
            unit_amount_decimal=charge.unit_amount,
            flat_amount_decimal=charge.flat_amount,
            tier=charge.tier,
            usage=used,
        )
        for step in pricing.steps(part.rate, period.billed_use, quantity)
        for charge in [step.charge]
    ]


def _words(part: Part, quantity: Decimal, charge: pricing.Charge) -> str:
    """Return the description of a line."""
    product, currency = part.product, part.rate.currency
    return invoicing.describe(
        product.name, product.unit_label, quantity, charge.unit_amount, currency, part.interval, charge.tier
    )


def _free_line(period: Period, customer: str) -> InvoiceLine:
    """Make a line of zero: a trial, or in classic mode usage that a meter is still to count (§5.17)."""
    part = period.part
    if part.meter:
        charge = pricing.charges(part.rate, Decimal(0))[0]
        words = _words(part, Decimal(0), charge)
        return _line(period, customer, 0, words, quantity_decimal=Decimal(0))
    many = part.item.quantity or 1
    words = (
        f"Trial period for {part.product.name}"
        if part.classic
        else f"Free trial for {many} {invoicing.TIMES} {part.product.name}"
    )
    return _line(period, customer, 0, words, quantity_decimal=Decimal(many))


def _line(period: Period, customer: str, amount: int, description: str, **more: Any) -> InvoiceLine:
    part = period.part
    return InvoiceLine(
        amount=amount,
        currency=part.rate.currency,
        description=description,
        invoice="",
        customer=customer,
        subscription=part.item.subscription,
        subscription_item=part.item.id,
        price=part.price.id,
        product=part.product.id,
        period_start=period.start,
        period_end=period.end,
        kind=period.kind,
        discounts=part.item.discounts,
        tax_rates=part.item.tax_rates,
        metadata=dict(part.item.metadata),
        **more,
    )


def item_line(item: InvoiceItem) -> InvoiceLine:
    """Make the line of an invoice item."""
    return InvoiceLine(
        amount=item.amount,
        currency=item.currency,
        description=item.description,
        invoice="",
        customer=item.customer,
        discountable=item.discountable,
        discount_amounts=item.discount_amounts,
        discounts=item.discounts,
        tax_rates=item.tax_rates,
        tax_behavior=item.tax_behavior,
        tax_code=item.tax_code,
        metadata=item.metadata,
        subscription=item.subscription,
        subscription_item=item.subscription_item,
        kind="item",
        invoice_item=item.id,
        proration=item.proration,
        proration_details=credited_lines(item),
        price=item.price,
        product=item.product,
        quantity_decimal=item.quantity_decimal,
        unit_amount_decimal=item.unit_amount_decimal,
        period_start=item.period_start,
        period_end=item.period_end,
    )


def credited_lines(item: InvoiceItem) -> dict[str, Any] | None:
    """Return the lines that a proration credits; an item that was not on an invoice is not named (§5.7)."""
    source = (item.proration_details or {}).get("credited_items") or {}
    return {"credited_items": source.get("invoice_line_item_details")} if item.proration else None


def counting_of(period: Period) -> dict[str, Any]:
    """Return how the usage of a period is counted, as a billing period stores it."""
    names = ("counted_from", "billed_use", "continued")
    return {name: getattr(period, name) for name in names}
