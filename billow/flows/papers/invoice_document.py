"""Lay out an invoice as a document: parties, lines, totals, notes."""

from collections.abc import Sequence
from datetime import datetime

from billow.api import rows
from billow.core import lifecycle
from billow.core.bank import epc_qr, references
from billow.core.bank.seller import SellerAccount
from billow.flows.billing import labels, totals
from billow.flows.papers import paper_totals, replaced
from billow.flows.papers.looks import looks_of
from billow.flows.papers.paper_lines import lines_of, on_papers, prices_of, without_tax
from billow.flows.papers.paper_totals import sums_of, tax_of
from billow.flows.papers.parties import address_lines, buyer_of, seller_of_invoice, seller_party
from billow.providers.documents import InvoiceDocument, Transfer, formats, wording
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.store.tx import Tx

__all__ = ["buyer_of", "document_of", "locale_for", "seller_party", "sums_of", "tax_of"]
LANGUAGE = "language"
"""The label under which an issued invoice keeps the language of its papers."""
ORDER = "po_number"
"""The metadata of an invoice or customer that hold the number of the buyer's order."""


def document_of(tx: Tx, invoice: Invoice) -> InvoiceDocument:
    """Lay out an invoice from what was stored at finalization, so that it never changes afterwards."""
    seller = seller_of_invoice(tx, invoice)
    lines = rows.select(tx, InvoiceLine, "invoice = %(id)s", id=invoice.id)
    locale, zone, prices = locale_for(tx, invoice), seller.time_zone, prices_of(tx, lines)
    names = labels_of(tx, invoice, lines, locale)
    looks = looks_of(tx, invoice)
    if looks.without_tax:
        lines = [without_tax(line) for line in lines]
    return InvoiceDocument(
        kind="invoice",
        number=invoice.number or wording.say(locale, "draft"),
        status=invoice.status,
        currency=invoice.currency.upper(),
        issued_on=formats.local(invoice.effective_at or invoice.created, zone).date(),
        due_on=formats.local(invoice.due_date, zone).date() if invoice.due_date else None,
        seller=seller_party(seller, locale),
        buyer=buyer_of(invoice, locale),
        lines=lines_of(looks.in_order(on_papers(lines, prices, seller)), prices, names, locale, zone),
        totals=paper_totals.totals_of(tx, invoice, lines, names, locale, zone),
        notes=(*replaced.said_of(tx, invoice, locale), *((looks.memo,) if looks.memo else ())),
        footer="\n".join(text for text in (looks.footer, seller.footer) if text) or None,
        language=locale,
        transfer=transfer_of(seller.account, invoice),
        details=(*details_of(invoice, lines, locale, zone), *looks.custom_fields),
        taxes=paper_totals.taxes_of(invoice, lines, names, locale),
        mentions=paper_totals.mentions_of(invoice, locale, seller.country),
        pay_at=paper_totals.pay_address(tx, invoice),
        logo=seller.logo,
        color=seller.primary_color,
        second_color=seller.secondary_color,
        page=looks.page,
    )


def locale_for(tx: Tx, invoice: Invoice) -> str:
    """Return the locale of an invoice's papers: as it was issued, or as its customer prefers now."""
    if invoice.status != "draft":
        return invoice.labels.get(LANGUAGE, "en")
    found = rows.find_many(tx, Customer, [invoice.customer]).get(invoice.customer)
    return labels.language_of(tx, found)


def details_of(
    invoice: Invoice, lines: Sequence[InvoiceLine], locale: str, zone: str
) -> tuple[tuple[str, str], ...]:
    """Return when it was supplied, the buyer's order, and where it is shipped to."""
    shown = []
    if lines:
        start, end = min(line.period_start for line in lines), max(line.period_end for line in lines)
        first, last = formats.days_of(start, end, zone)
        supplied = formats.period(start, end, locale, zone)
        if supplied and first < last:
            shown.append((wording.say(locale, "supplied"), supplied))
        else:
            shown.append((wording.say(locale, "supplied_on"), formats.day(first, locale)))
    if order := invoice.metadata.get(ORDER):
        shown.append((wording.say(locale, "order"), order))
    if to := ship_to(invoice, locale):
        shown.append((wording.say(locale, "ship_to"), to))
    return tuple(shown)


def ship_to(invoice: Invoice, locale: str) -> str:
    """Return where it is shipped to, where the invoice says it; of goods for another member state, always.

    That they were sent there is what exempts them (art. 138): the customer's own shipping address counts.
    """
    abroad = "eu_goods" in paper_totals.treatments_of(invoice).values()
    told = invoice.shipping_details or (invoice.customer_shipping if abroad else None) or {}
    name, phone = told.get("name") or "", told.get("phone") or ""
    return ", ".join(text for text in (name, *address_lines(told.get("address"), locale), phone) if text)


def transfer_of(account: SellerAccount | None, invoice: Invoice) -> Transfer | None:
    """Return how to pay an open invoice by bank transfer: with a QR code where it is in euros to an IBAN."""
    if account is None or invoice.payment_number is None or invoice.status not in lifecycle.PAYABLE:
        return None
    remaining = invoice.amount_due - invoice.amount_paid
    reference = references.reference(account.written_as, invoice.payment_number)
    has_code = account.iban and invoice.currency == "eur" and 0 < remaining <= epc_qr.LARGEST_AMOUNT
    # The field of the code is for RF references only.
    rf = references.rf(invoice.payment_number)
    qr = epc_qr.payload(account.holder, account.iban, remaining, rf) if has_code else ""
    return Transfer(
        account.holder, account.iban, reference, account.bic, references.bankgiro(account.bankgiro), qr
    )


def labels_of(tx: Tx, invoice: Invoice, lines: Sequence[InvoiceLine], locale: str = "en") -> dict[str, str]:
    """Return the names of discounts and tax rates at finalization; of a draft, their names now."""
    if invoice.status != "draft":
        return invoice.labels
    return labels.labels_of(invoice, totals.terms_of(tx, [invoice], lines, decide=False), locale)


def issued_at(invoice: Invoice) -> datetime:
    """Return when the document was issued, in whole seconds as a PDF has them."""
    return (invoice.finalized_at or invoice.created).replace(microsecond=0)
