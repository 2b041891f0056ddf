"""What stands on an invoice? Plain text in a frozen tree; each renderer only lays it out."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Party:
    """`lines` are the address, as on an envelope; a tax id says its kind, as "EU VAT DE123456789"."""

    name: str
    email: str | None = None
    lines: tuple[str, ...] = ()
    tax_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A quantity or unit price that would say nothing, as beside a proration, is an empty text."""

    description: str
    quantity: str
    unit_amount: str
    amount: str
    period: str | None = None
    reductions: tuple[tuple[str, str], ...] = ()
    """What is taken off this line alone: what for, and how much."""


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """All amounts are display text, made by whoever knows the currency.

    `kind` is invoice, credit_note, receipt or quote; a `status` of draft, void or canceled is stamped across
    the paper. A quote holds until it is due. The last of `totals` is the one that matters, and stands out.
    """

    kind: str
    number: str
    status: str
    currency: str
    issued_on: date
    due_on: date | None
    seller: Party
    buyer: Party
    lines: tuple[DocumentLine, ...]
    totals: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    footer: str | None = None
    language: str = "en"
    header: str | None = None
    """A line of the seller's own, above everything else."""
    reverse_charge: bool = False
    """The buyer owes the tax, and the paper must say so."""


class Renderer(Protocol):
    """`text.render` and `html.render`; `pdf.render` wants the instant of issue besides, and returns bytes."""

    def __call__(self, document: InvoiceDocument) -> str: ...
