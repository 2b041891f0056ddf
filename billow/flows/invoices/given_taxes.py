"""Take the taxes of a line as the caller has calculated them, each with a tax rate that stands for it."""

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.core.errors import require
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import REASONS, InvoiceLine
from billow.resources.tax_rate import LEVELS, TAX_TYPES, TaxRate, check_country
from billow.store.tx import Tx

MOST = 20


class TaxRateData(Params):
    """The tax rate of an amount that is given. The same description is the same rate."""

    country: str | None = f.text(max=2)
    description: str | None = f.text()
    display_name: str = f.text(max=100, required=True)
    inclusive: bool = f.boolean(required=True)
    jurisdiction: str | None = f.text(max=200)
    jurisdiction_level: str | None = f.choice(SHOWN, *LEVELS)
    percentage: Decimal = f.number(places=4, min=0, max=100, required=True)
    state: str | None = f.text(max=10)
    tax_type: str | None = f.choice(SHOWN, *TAX_TYPES)


class GivenTax(Params):
    """The amount of one tax on a line."""

    amount: int = f.amount(required=True)
    tax_rate_data: TaxRateData = f.nested(shape=TaxRateData, required=True)
    taxability_reason: str | None = f.choice(SHOWN, *REASONS)
    taxable_amount: int = f.amount(required=True)


def kept(tx: Tx, wanted: Sequence[GivenTax], amount: int, at: str) -> list[dict[str, Any]]:
    """Return the given taxes as a line keeps them; their rates are created, or found again.

    A line has each rate once, and its included taxes are a part of its amount.
    """
    found: list[dict[str, Any]] = []
    for place, one in enumerate(wanted):
        check_country(one.tax_rate_data.country, f"{at}[{place}][tax_rate_data][country]")
        found.append(
            {
                "amount": one.amount,
                "inclusive": one.tax_rate_data.inclusive,
                "tax_rate": rate_of(tx, one.tax_rate_data).id,
                "taxability_reason": one.taxability_reason or "not_available",
                "taxable_amount": one.taxable_amount,
            }
        )
    ids = {one["tax_rate"] for one in found}
    require(len(ids) == len(found), "You cannot pass the same tax rate twice.", param=at)
    inside = sum(one["amount"] for one in found if one["inclusive"])
    require(
        abs(inside) <= abs(amount) and inside * amount >= 0,
        "The inclusive taxes are more than the amount of the line.",
        param=at,
    )
    return found


def rate_of(tx: Tx, data: TaxRateData) -> TaxRate:
    """Find or create the tax rate of this content, which requests cannot attach to anything else."""
    fields = {name: getattr(data, name) for name in sorted(TaxRateData.__dataclass_fields__)}
    text = f"{tx.tenant} given {[str(value) for value in fields.values()]}"
    id = f"{TaxRate.prefix}{hashlib.sha256(text.encode()).hexdigest()[:24]}"
    known = rows.find_many(tx, TaxRate, [id])
    return known[id] if known else rows.insert(tx, TaxRate(id=id, active=False, **fields))


def check_given_taxes(invoice: Invoice, lines: Sequence[InvoiceLine], param: str) -> None:
    """Refuse taxes that are given beside rates, or beside automatic tax, on the same invoice."""
    if not any(line.tax_amounts for line in lines):
        return
    rates = invoice.default_tax_rates or any(line.tax_rates for line in lines)
    require(
        not rates and not invoice.automatic_tax["enabled"],
        "You cannot set tax amounts if any line item has tax rates, or if the invoice has default tax rates"
        " or uses automatic tax.",
        param=param,
    )
