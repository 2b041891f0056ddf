"""Lay out a credit note as a document, which refers to its invoice."""

from collections.abc import Sequence
from datetime import datetime

from billow.api import rows
from billow.core.money import show
from billow.flows.outside.outside import outside_of
from billow.flows.papers import invoice_document, links, paper_totals
from billow.flows.taxes import national
from billow.providers.documents import DocumentLine, InvoiceDocument
from billow.resources.credit_note import CreditNote
from billow.resources.credit_note_line import CreditNoteLine
from billow.resources.invoice import Invoice
from billow.store.tx import Tx

KIND = "credit_note"


def url_of(tx: Tx, note: str) -> str:
    """Return the public address of a credit note; `/pdf` below it is its PDF."""
    outside = outside_of(tx)
    return f"{outside.base_url}/n/{tx.tenant}/{note}/{links.seal(outside, tx.tenant, note, KIND)}"


def pdf_of(tx: Tx, note: str) -> str:
    return f"{url_of(tx, note)}/pdf"


def document_of(tx: Tx, note: CreditNote) -> InvoiceDocument:
    """Lay out a credit note from what was stored when it was issued, so that it never changes afterwards."""
    invoice = rows.find(tx, Invoice, note.invoice)
    lines = rows.select(tx, CreditNoteLine, "credit_note = %(id)s", id=note.id)
    of_invoice = invoice_document.document_of(tx, invoice)
    return InvoiceDocument(
        kind=KIND,
        number=note.number,
        status=note.status,
        currency=note.currency.upper(),
        issued_on=note.effective_at.date(),
        due_on=None,
        seller=of_invoice.seller,
        buyer=of_invoice.buyer,
        lines=tuple(line_of(line, note) for line in lines if line.listed),
        totals=totals_of(note),
        notes=(
            reference_to(invoice),
            *national_note(note, invoice, of_invoice.language),
            *((note.memo,) if note.memo else ()),
        ),
        footer=of_invoice.footer,
        language=of_invoice.language,
        reverse_charge=any(tax["taxability_reason"] == "reverse_charge" for tax in note.total_taxes),
    )


def reference_to(invoice: Invoice) -> str:
    """Name the invoice that is corrected, with its date (art. 219 of Directive 2006/112)."""
    issued = invoice.effective_at or invoice_document.issued_at(invoice)
    return f"Invoice {invoice.number} of {issued.day} {issued:%b %Y}"


def national_note(note: CreditNote, invoice: Invoice, locale: str) -> tuple[str, ...]:
    """State the tax that is taken back as the invoice stated it: in the currency of the tax office."""
    tax = sum(one["amount"] for one in note.total_taxes)
    whole = sum(one["amount"] for one in invoice.total_taxes)
    stated = paper_totals.national_row(national.of_part(invoice.national_tax, tax, whole), locale)
    return (": ".join(stated),) if stated else ()


def line_of(line: CreditNoteLine, note: CreditNote) -> DocumentLine:
    unit = line.unit_amount_decimal
    return DocumentLine(
        description=line.description or "",
        quantity=str(line.quantity) if line.quantity is not None else "",
        unit_amount=show(unit, note.currency) if unit is not None else "",
        amount=show(line.amount, note.currency),
        reductions=reductions_of(line.discount_amounts, note),
    )


def reductions_of(entries: Sequence[dict[str, object]], note: CreditNote) -> tuple[tuple[str, str], ...]:
    """List what was discounted of a line, which is not given back."""
    return tuple(
        (
            note.labels.get(str(entry["discount"]), str(entry["discount"])),
            show(-int(str(entry["amount"])), note.currency),
        )
        for entry in entries
        if entry["amount"]
    )


def totals_of(note: CreditNote) -> tuple[tuple[str, str], ...]:
    """List the amounts from the subtotal to the total, and where the credit went."""
    shown = [("Subtotal", note.subtotal)]
    if note.amount_shipping:
        shown.append(("Shipping", note.amount_shipping))
    if note.total_taxes:
        shown.append(("Total excluding tax", note.total_excluding_tax or 0))
        shown += [invoice_document.tax_of(tax, note.labels, note.currency) for tax in note.total_taxes]
    refunded = sum(part["amount_refunded"] for part in note.refunds)
    outside = note.out_of_band_amount or 0
    balance = note.post_payment_amount - refunded - outside
    went = [
        ("Taken off the invoice", note.pre_payment_amount),
        ("Refunded", refunded),
        ("Credited to the balance", balance),
        ("Credited outside", outside),
    ]
    split = [(label, amount) for label, amount in went if amount]
    total = ("Total credit", note.total)
    return tuple((label, show(amount, note.currency)) for label, amount in [*shown, *split, total])


def issued_at(note: CreditNote) -> datetime:
    """Return when the document was issued, in whole seconds as a PDF has them."""
    return note.effective_at.replace(microsecond=0)
