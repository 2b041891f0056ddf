"""Put the taxes of an invoice or a credit note into the VAT categories of EN 16931."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billow.api import rows
from billow.core import untaxed
from billow.core.einvoice import categories
from billow.core.einvoice.lines import major
from billow.core.einvoice.model import Category, Line, Subtotal
from billow.core.errors import require
from billow.resources.tax_rate import TaxRate
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Taxed:
    """The taxes of a document: those of its lines and of all of it, with the rates that they name."""

    lines: Sequence[Sequence[Mapping[str, Any]]]
    totals: Sequence[Mapping[str, Any]]
    exempt: str
    rates: Mapping[str, TaxRate]

    def category_of_line(self, taxes: Sequence[Mapping[str, Any]]) -> Category:
        """Return the VAT category of a line, which has one tax or none."""
        if not taxes:
            return categories.of_untaxed(self.exempt, all_lines=not any(self.lines))
        require(len(taxes) == 1, "EN 16931 has no place for a second tax on a line.")
        return self.category_of(taxes[0])

    def category_of(self, tax: Mapping[str, Any]) -> Category:
        rate = self.rates.get(rate_of(tax))
        require(rate is not None or not tax["amount"], "The rate of a tax is not known.")
        require(
            rate is None or rate.tax_type not in categories.NO_VAT, "EN 16931 is for value added taxes only."
        )
        reason = tax.get("taxability_reason") or ""
        goods = untaxed.reason_of(rate.treatment if rate else None, reason) or ""
        if goods in categories.BY_UNTAXED:
            return categories.BY_UNTAXED[goods]
        return categories.category(reason, Decimal(rate.percentage) if rate else Decimal(0))

    def subtotals(self, lines: Sequence[Line], digits: int) -> tuple[Subtotal, ...]:
        """Return base and tax of each category and rate; the tax is what the document charges."""
        bases = dict.fromkeys((line.category for line in lines), Decimal(0))
        for line in lines:
            bases[line.category] += line.net
        taxed = dict.fromkeys(bases, 0)
        for tax in self.totals:
            category = self.category_of(tax)
            taxed[category] = taxed.get(category, 0) + tax["amount"]
        return tuple(
            Subtotal(category, bases.get(category, Decimal(0)), major(amount, digits))
            for category, amount in taxed.items()
            if amount or category in bases  # a rate may be that of lines which are not shown
        )


def taxed_of(
    tx: Tx,
    lines: Sequence[Sequence[Mapping[str, Any]]],
    totals: Sequence[Mapping[str, Any]],
    exempt: str | None,
) -> Taxed:
    """Load the rates that the taxes of a document name."""
    used = {rate for taxes in lines for tax in taxes if (rate := rate_of(tax))}
    return Taxed(lines, totals, exempt or "none", rows.find_many(tx, TaxRate, sorted(used)))


def rate_of(tax: Mapping[str, Any]) -> str:
    return (tax.get("tax_rate_details") or {}).get("tax_rate") or ""
