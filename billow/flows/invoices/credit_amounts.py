"""Calculate what a credit note credits: its lines, with discounts and taxes in proportion, and its totals."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from billow.api import rows
from billow.core import credit_notes
from billow.core.credit_notes import Parts
from billow.core.errors import require
from billow.core.money import show
from billow.flows.billing import totals
from billow.flows.invoices.credit_params import Terms
from billow.resources.credit_note import CreditNote
from billow.resources.credit_note_line import CreditNoteLine
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.tax_rate import TaxRate
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Case:
    """A finalized invoice with its lines, and what was credited of it before.

    `granted` and `granted_taxes` are the net and the taxes by rate that refunds without a credit note have
    taken back; `creditable` is the most that a credit note may come to.
    """

    invoice: Invoice
    lines: Sequence[InvoiceLine]
    notes: Sequence[CreditNote]
    note_lines: Sequence[CreditNoteLine]
    rates: Mapping[str, TaxRate]
    creditable: int
    granted: int
    granted_taxes: Mapping[str, int]

    def line(self, id: str) -> InvoiceLine | None:
        return next((line for line in self.lines if line.id == id), None)

    @property
    def nets(self) -> dict[str, int]:
        """Return what is left of the net of each invoice line."""
        return {line.id: line.net - line.credited for line in self.lines}

    @property
    def taxes(self) -> dict[str, int]:
        """Return what is left of each tax of the invoice."""
        left = Counter(by_rate(self.invoice.total_taxes))
        for note in self.notes:
            left.subtract(by_rate(note.total_taxes))
        left.subtract(self.granted_taxes)
        return dict(left)


def by_rate(entries: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Return the amounts of taxes by the id of their rate."""
    found = Counter[str]()
    for entry in entries:
        found[entry["tax_rate_details"]["tax_rate"]] += entry["amount"]
    return dict(found)


@dataclass(frozen=True, slots=True)
class Credited:
    """One line of a credit note that is being made, and the invoice line that it credits."""

    parts: Parts
    row: CreditNoteLine
    taxes: Sequence[dict[str, Any]]
    """The taxes as lines show them, whose amounts are those of the parts."""
    of: InvoiceLine | None = None
    exact: bool = False
    """Whether the caller has said the taxes, which are then not adjusted."""

    def shown(self) -> CreditNoteLine:
        """Return the row with the amounts of the parts."""
        parts = self.parts
        found = [self.tax(entry) for entry in self.taxes]
        return self.row.but(
            amount=parts.amount,
            discount_amount=sum(parts.discounts.values()),
            discount_amounts=[{"amount": amount, "discount": id} for id, amount in parts.discounts.items()],
            net=parts.net,
            taxes=found,
            tax_rates=[entry["tax_rate_details"]["tax_rate"] for entry in found],
            untaxed=parts.untaxed,
        )

    def tax(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Return a tax with the amount credited of it, and the net that it is of."""
        rate = entry["tax_rate_details"]["tax_rate"]
        amount = {**self.parts.inside, **self.parts.on_top}[rate]
        taxable = entry["taxable_amount"] if self.exact else self.parts.net
        if self.of is not None and not self.exact and entry["taxable_amount"] != self.of.net:
            taxable = credit_notes.portion(entry["taxable_amount"], self.parts.amount, self.of.amount)
        return {**entry, "amount": amount, "taxable_amount": taxable}


def in_order(made: Sequence[Credited]) -> list[CreditNoteLine]:
    """Return the rows of lines, in their order."""
    return [one.shown().but(position=place) for place, one in enumerate(made)]


def check(lines: list[CreditNoteLine], case: Case) -> list[CreditNoteLine]:
    """Refuse lines that come to nothing, or to more than is left of the invoice."""
    total = total_of(lines)
    currency = case.invoice.currency
    require(total > 0, "The total of a credit note must be greater than zero.", param="lines")
    require(
        total <= case.creditable,
        f"The credit note amount ({show(total, currency)}) is greater than what can still be credited of this"
        f" invoice ({show(max(case.creditable, 0), currency)}).",
        param="amount",
    )
    net, left = sum(line.net for line in lines), sum(case.nets.values()) - case.granted
    require(
        net <= left,
        f"The credit note amount without tax ({show(net, currency)}) is greater than what is left of the"
        f" invoice without tax ({show(max(left, 0), currency)}).",
        param="lines",
    )
    return lines


def total_of(lines: Iterable[CreditNoteLine]) -> int:
    return sum(line.net + sum(tax["amount"] for tax in line.taxes) for line in lines)


def totals_of(case: Case, lines: Sequence[CreditNoteLine]) -> dict[str, Any]:
    """Return the totals of a credit note. The subtotal is after the discounts of single lines (§7.5)."""
    own = {line.id: set(line.discounts) for line in case.lines}
    off, off_own = Counter[str](), 0
    for line in lines:
        for entry in line.discount_amounts:
            off[entry["discount"]] += entry["amount"]
            single = entry["discount"] in own.get(line.invoice_line_item or "", set())
            off_own += entry["amount"] if single else 0
    goods = [line for line in lines if line.listed]
    inside = sum(tax["amount"] for line in goods for tax in line.taxes if tax["tax_behavior"] == "inclusive")
    subtotal = sum(line.amount for line in goods) - off_own
    total = total_of(lines)
    return {
        "amount": total,
        **shipping_of(case, lines),
        "discount_amount": sum(off.values()),
        "discount_amounts": [{"amount": amount, "discount": id} for id, amount in off.items()],
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - inside - sum(line.untaxed for line in goods),
        "total": total,
        "total_excluding_tax": sum(line.net for line in lines),
        "total_taxes": totals.merged(
            [], [tax for line in lines for tax in line.taxes], ("tax_rate_details",)
        ),
    }


def shipping_of(case: Case, lines: Sequence[CreditNoteLine]) -> dict[str, Any]:
    """Return what a credit note shows of the shipping cost that it credits."""
    found = [line for line in lines if not line.listed]
    if not found:
        return {"amount_shipping": 0, "shipping_cost": None}
    net, gross = sum(line.net for line in found), total_of(found)
    rate = (case.invoice.shipping_cost or {}).get("shipping_rate")
    sums = {"amount_subtotal": net, "amount_tax": gross - net, "amount_total": gross}
    return {
        "amount_shipping": sum(line.amount for line in found),
        "shipping_cost": {**sums, "shipping_rate": rate},
    }


def allocation(case: Case, lines: Sequence[CreditNoteLine]) -> dict[str, int]:
    """Return how much of the net of each invoice line a credit note takes back.

    A line that is of none takes it from those with the same taxes, so that the books lower the same bases as
    the paper; where there are none, from all.
    """
    own, others = Counter[str](), []
    for line in lines:
        if line.invoice_line_item:
            own[line.invoice_line_item] += line.net
        else:
            others.append((alike(case, line), line.net))
    return credit_notes.by_line(own, others, case.nets)


def alike(case: Case, line: CreditNoteLine) -> list[str]:
    """Return the invoice lines with the taxes, in any order, of a line that credits none of them."""
    taxes = {*taxes_named(line.taxes)}
    return [one.id for one in case.lines if {*taxes_named(one.taxes)} == taxes]


def taxes_named(taxes: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the rates of the taxes of a line, in their order."""
    return tuple(tax["tax_rate_details"]["tax_rate"] for tax in taxes)


def named_rates(tx: Tx, invoice: Invoice, wanted: Terms | None) -> dict[str, TaxRate]:
    """Load the tax rates of an invoice, and those that a request names."""
    ids = set(by_rate(invoice.total_taxes))
    for line in (wanted.lines if wanted else None) or []:
        ids |= {*(line.tax_rates or []), *(one.tax_rate for one in line.tax_amounts or [])}
    return rows.find_many(tx, TaxRate, ids)
