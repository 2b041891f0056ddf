"""Put a credit note into the terms of EN 16931: a document of type 381 that names its invoice."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from billow.api import rows
from billow.core.einvoice import codes
from billow.core.einvoice.lines import Billed, lines_of, major
from billow.core.einvoice.model import CREDIT_NOTE, EInvoice, Line, Payment
from billow.core.errors import needed, require
from billow.core.line_parts import Rated
from billow.core.money import minor_digits
from billow.core.seller import Seller
from billow.flows.papers import credit_note_document, einvoice, invoice_document
from billow.flows.papers.einvoice_parties import buyer_trader, seller_trader
from billow.flows.papers.einvoice_taxes import Taxed, taxed_of
from billow.flows.papers.parties import seller_of_invoice
from billow.flows.taxes import national
from billow.providers.documents import formats, wording
from billow.resources.credit_note import CreditNote
from billow.resources.credit_note_line import CreditNoteLine
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.store.tx import Tx


def written(tx: Tx, note: CreditNote, profile: str) -> bytes:
    """Write a credit note in a format; refuse with the reason what the format cannot say."""
    return einvoice.xml_of(einvoice_of(tx, note), profile)


def einvoice_of(tx: Tx, note: CreditNote) -> EInvoice:
    """Return a credit note in the terms of EN 16931; what it credits is stated as positive amounts."""
    reason = codes.why_no_currency(note.currency)
    require(reason is None, reason or "")
    invoice = rows.find(tx, Invoice, note.invoice)
    seller = seller_of_invoice(tx, invoice)
    locale, digits = invoice_document.locale_for(tx, invoice), minor_digits(note.currency)
    credited = rows.select(tx, CreditNoteLine, "credit_note = %(id)s", id=note.id)
    said = credit_note_document.words_of(tx, invoice, credited, locale, seller.time_zone)
    taxed = taxed_of(tx, [one.taxes for one in credited], note.total_taxes, invoice.customer_tax_exempt)
    lines = tuple(
        made
        for line in credited
        for made in lines_of(_billed(line, note, taxed, said[line.id], locale), digits, 1)
    )
    [customer] = rows.find_all(tx, Customer, [note.customer]).values()
    about = {**customer.metadata, **invoice.metadata}
    made = _put_together(note, invoice, seller, about, _numbered(lines), taxed, locale)
    require(made.gross == major(note.total, digits), "The lines and taxes do not sum to the total.")
    day = einvoice.last_day(rows.select(tx, InvoiceLine, "invoice = %(id)s", id=invoice.id), seller.time_zone)
    return replace(made, supplied_on=day, delivered_to=einvoice.delivered_to(invoice, made.subtotals))


def _put_together(
    note: CreditNote,
    invoice: Invoice,
    seller: Seller,
    about: Mapping[str, str],
    lines: tuple[Line, ...],
    taxed: Taxed,
    locale: str,
) -> EInvoice:
    zone, digits = seller.time_zone, minor_digits(note.currency)
    subtotals = taxed.subtotals(lines, digits)
    outside = any(one.category.code == "O" for one in subtotals)
    of_invoice = needed(invoice.effective_at, "the date of issue of the invoice")
    tax, whole = (sum(one["amount"] for one in each.total_taxes) for each in (note, invoice))
    return EInvoice(
        number=note.number,
        kind=CREDIT_NOTE,
        issued_on=formats.local(note.effective_at, zone).date(),
        currency=note.currency.upper(),
        seller=seller_trader(seller, with_vat=not outside),
        buyer=buyer_trader(invoice, about, with_vat=not outside),
        lines=lines,
        subtotals=subtotals,
        prepaid=major(0, digits),
        terms=", ".join(credit_note_document.went_to(note, locale)),
        note=note.memo or "",
        buyer_reference=about.get("buyer_reference") or "",
        order=about.get(invoice_document.ORDER) or "",
        payment=_payment(seller, note),
        corrects=(invoice.number or "", formats.local(of_invoice, zone).date()),
        national_tax=einvoice.national_tax(national.of_part(invoice.national_tax, tax, whole)),
    )


def _billed(line: CreditNoteLine, note: CreditNote, taxed: Taxed, name: str, locale: str) -> Billed:
    quantity = Decimal(line.quantity) if line.quantity is not None else None
    return Billed(
        Rated(line.amount, quantity, line.unit_amount_decimal),
        line.net,
        name or "-",
        "C62",
        taxed.category_of_line(line.taxes),
        tuple(
            (note.labels.get(one["discount"], wording.say(locale, "discount")), int(one["amount"]))
            for one in line.discount_amounts
        ),
    )


def _numbered(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    return tuple(replace(line, id=str(place)) for place, line in enumerate(lines, start=1))


def _payment(seller: Seller, note: CreditNote) -> Payment | None:
    account = seller.account
    return einvoice.payment_to(account, note.currency, note.number) if account else None
