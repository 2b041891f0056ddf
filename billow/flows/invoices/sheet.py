"""Load and lock drafts that are being finalized, with their customers and lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from billow.api import rows
from billow.core import invoicing
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.payment_intent import PaymentIntent
from billow.store.tx import Tx

Wanted = Callable[[Invoice], bool]


@dataclass(slots=True)
class Sheet:
    """A draft that is being finalized, with the rows that change with it."""

    invoice: Invoice
    customer: Customer
    lines: list[InvoiceLine]
    settled: invoicing.Settlement | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    stale: bool = False
    """Whether its lines changed since its totals were calculated."""
    spares: bool = False
    """Whether it leaves the customer's balance as it is."""
    paid_by: PaymentIntent | None = None
    """The intent that has paid it before it was made, as that of a checkout session does."""
    intent: PaymentIntent | None = None
    """The intent that pays it, if it is to be charged; its columns are among the changes."""


def load(tx: Tx, refs: Sequence[str], wanted: Wanted) -> list[Sheet]:
    """Lock the wanted drafts among these invoices, after their customers, and load their lines."""
    found = rows.lock_owned(tx, Invoice, refs)
    customers = rows.find_many(tx, Customer, [invoice.customer for invoice in found])
    drafts = [invoice for invoice in found if invoice.status == "draft" and wanted(invoice)]
    lines = rows.below(tx, InvoiceLine, "invoice", [draft.id for draft in drafts])
    return [Sheet(draft, customers[draft.customer], lines[draft.id]) for draft in drafts]
