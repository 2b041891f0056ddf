"""Load and lock drafts that are being finalized, with their customers and lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from billow.api import rows
from billow.core import invoicing
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.store.tx import Tx

Wanted = Callable[[Invoice], bool]


@dataclass(slots=True)
class Sheet:
    """An invoice on its way from draft to open, with all that it touches."""

    invoice: Invoice
    customer: Customer
    lines: list[InvoiceLine]
    settled: invoicing.Settlement | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    stale: bool = False
    """Its lines are others than when it was last reckoned."""
    spares: bool = False
    """It leaves the customer's balance as it is."""


def load(tx: Tx, refs: Sequence[str], wanted: Wanted) -> list[Sheet]:
    """Drafts with their customers and lines, locked: customers first, then invoices."""
    found = rows.lock_owned(tx, Invoice, refs)
    customers = rows.find_many(tx, Customer, [invoice.customer for invoice in found])
    drafts = [invoice for invoice in found if invoice.status == "draft" and wanted(invoice)]
    lines = rows.below(tx, InvoiceLine, "invoice", [draft.id for draft in drafts])
    return [Sheet(draft, customers[draft.customer], lines[draft.id]) for draft in drafts]
