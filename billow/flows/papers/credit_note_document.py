"""Lay out a credit note as a document, which refers to its invoice."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from billow.api import rows
from billow.core import credit_notes
from billow.flows.outside.outside import outside_of
from billow.flows.papers import invoice_document, line_words, links, paper_totals
from billow.flows.papers.paper_lines import prices_of
from billow.flows.papers.parties import seller_of_invoice
from billow.flows.taxes import national
from billow.providers.documents import DocumentLine, InvoiceDocument, formats, wording
from billow.resources.credit_note import CreditNote
from billow.resources.credit_note_line import CreditNoteLine
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
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
    seller, locale = seller_of_invoice(tx, invoice), of_invoice.language
    said = words_of(tx, invoice, lines, locale, seller.time_zone)
    return replace(
        of_invoice,
        kind=KIND,
        number=note.number,
        status=note.status,
        currency=note.currency.upper(),
        issued_on=formats.local(note.effective_at, seller.time_zone).date(),
        due_on=None,
        lines=tuple(line_of(line, note, said, locale) for line in lines if line.listed),
        totals=totals_of(note, locale),
        taxes=tuple(
            paper_totals.row_of(tax, note.labels, note.currency, locale, paper_totals.treatments_of(invoice))
            for tax in note.total_taxes
        ),
        notes=(
            reference_to(invoice, locale, seller.time_zone),
            *national_note(note, invoice, locale),
            *((note.memo,) if note.memo else ()),
        ),
        details=(),
        transfer=None,
        pay_at="",
    )


def reference_to(invoice: Invoice, locale: str, zone: str) -> str:
    """Name the invoice that is corrected, with its date (art. 219 of Directive 2006/112)."""
    issued = formats.local(invoice.effective_at or invoice_document.issued_at(invoice), zone).date()
    return wording.say(locale, "of_invoice", number=invoice.number, day=formats.day(issued, locale))


def national_note(note: CreditNote, invoice: Invoice, locale: str) -> tuple[str, ...]:
    """State the tax that is taken back as the invoice stated it: in the currency of the tax office."""
    tax = sum(one["amount"] for one in note.total_taxes)
    whole = sum(one["amount"] for one in invoice.total_taxes)
    stated = paper_totals.national_row(national.of_part(invoice.national_tax, tax, whole), locale)
    return (": ".join(stated),) if stated else ()


def words_of(
    tx: Tx, invoice: Invoice, lines: Sequence[CreditNoteLine], locale: str, zone: str
) -> dict[str, str]:
    """Return what papers say of the lines of a credit note, by line: as the invoice says it of its own."""
    billed = rows.find_many(
        tx, InvoiceLine, [one.invoice_line_item for one in lines if one.invoice_line_item]
    )
    prices = prices_of(tx, list(billed.values()))
    found = {}
    for line in lines:
        text, own = line.description or "", billed.get(line.invoice_line_item or "")
        if line.shipping:
            text = wording.say(locale, "shipping")
        elif own is not None and own.description == text:
            said = line_words.whole if line.quantity is None else line_words.beside_columns
            text = said(own, prices.get(own.price or ""), locale, zone)
        elif text == credit_notes.of_invoice(invoice.number):
            text = wording.say(locale, "credit_for", number=invoice.number)
        found[line.id] = text
    return found


def line_of(line: CreditNoteLine, note: CreditNote, said: Mapping[str, str], locale: str) -> DocumentLine:
    unit = line.unit_amount_decimal
    return DocumentLine(
        description=said[line.id],
        quantity=formats.number(Decimal(line.quantity), locale) if line.quantity is not None else "",
        unit_amount=formats.money(unit, note.currency, locale) if unit is not None else "",
        amount=formats.money(line.amount, note.currency, locale),
        reductions=reductions_of(line.discount_amounts, note, locale),
    )


def reductions_of(
    entries: Sequence[dict[str, object]], note: CreditNote, locale: str
) -> tuple[tuple[str, str], ...]:
    """List what was discounted of a line, which is not given back."""
    return tuple(
        (
            note.labels.get(str(entry["discount"]), str(entry["discount"])),
            formats.money(-int(str(entry["amount"])), note.currency, locale),
        )
        for entry in entries
        if entry["amount"]
    )


def totals_of(note: CreditNote, locale: str) -> tuple[tuple[str, str], ...]:
    """List the amounts from the subtotal to the total, and where the credit went."""
    shown = [("subtotal", note.subtotal)]
    if note.amount_shipping:
        shown.append(("shipping", note.amount_shipping))
    if note.total_taxes:
        shown.append(("untaxed", note.total_excluding_tax or 0))
    named = [(wording.say(locale, name), amount) for name, amount in shown]
    named += [paper_totals.tax_of(tax, note.labels, note.currency, locale) for tax in note.total_taxes]
    named += went_to(note, locale).items()
    named.append((wording.say(locale, "total_credit"), note.total))
    return formats.sums(named, note.currency, locale)


def went_to(note: CreditNote, locale: str) -> dict[str, int]:
    """Return where the credit went, in words: off the invoice, back to the customer, or to the balance."""
    refunded = sum(part["amount_refunded"] for part in note.refunds)
    outside = note.out_of_band_amount or 0
    went = {
        "taken_off": note.pre_payment_amount,
        "refunded": refunded,
        "to_balance": note.post_payment_amount - refunded - outside,
        "credited_outside": outside,
    }
    return {wording.say(locale, name): amount for name, amount in went.items() if amount}


def issued_at(note: CreditNote) -> datetime:
    """Return when the document was issued, in whole seconds as a PDF has them."""
    return note.effective_at.replace(microsecond=0)
