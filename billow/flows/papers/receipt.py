"""Lay out the receipt of a charge: what was taken and what was refunded."""

from collections.abc import Sequence

from billow.api import rows
from billow.flows.billing.labels import language_of
from billow.flows.outside.outside import outside_of
from billow.flows.outside.seller import seller_at, seller_of
from billow.flows.papers import invoice_document, links, paper_lines, paper_totals
from billow.flows.papers.parties import address_lines
from billow.providers.documents import DocumentLine, InvoiceDocument, Party, formats, wording
from billow.resources.charge import Charge
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.payment_intent import PaymentIntent
from billow.store.tx import Tx

KIND = "receipt"


def url_of(tx: Tx, charge: str) -> str:
    """Return the public address of a receipt."""
    outside = outside_of(tx)
    return f"{outside.base_url}/r/{tx.tenant}/{charge}/{links.seal(outside, tx.tenant, charge, KIND)}"


def document_of(tx: Tx, charge: Charge) -> InvoiceDocument:
    """Lay out the receipt of a charge as it is now, with the lines of its invoice if it has one."""
    invoice = invoice_of(tx, charge)
    lines = rows.select(tx, InvoiceLine, "invoice = %(id)s", id=invoice.id) if invoice else []
    seller = seller_of(tx)
    customer = rows.find_many(tx, Customer, [charge.customer or ""]).get(charge.customer or "")
    locale = invoice_document.locale_for(tx, invoice) if invoice else language_of(tx, customer)
    return InvoiceDocument(
        kind=KIND,
        number=charge.id,
        status="refunded" if charge.refunded else "paid" if charge.captured else "uncaptured",
        currency=charge.currency.upper(),
        issued_on=formats.local(charge.created, seller.time_zone).date(),
        due_on=None,
        seller=invoice_document.seller_party(seller, locale),
        buyer=invoice_document.buyer_of(invoice, locale) if invoice else buyer_of(charge, customer, locale),
        lines=lines_of(tx, charge, invoice, lines, locale),
        totals=totals_of(charge, invoice, lines, locale),
        notes=(
            paid_with(charge, locale, seller.time_zone),
            *((f"{wording.say(locale, 'invoice')} {invoice.number}",) if invoice else ()),
        ),
        language=locale,
        logo=seller.logo,
        color=seller.primary_color,
        second_color=seller.secondary_color,
    )


def invoice_of(tx: Tx, charge: Charge) -> Invoice | None:
    """Find the invoice that a charge pays."""
    intent = rows.find_many(tx, PaymentIntent, [charge.payment_intent or ""]).get(charge.payment_intent or "")
    id = (intent.invoice if intent else None) or ""
    return rows.find_many(tx, Invoice, [id]).get(id)


def buyer_of(charge: Charge, customer: Customer | None, locale: str) -> Party:
    """Return the customer of a charge, or the billing details of its card if it has none."""
    if customer is None:
        address = address_lines(charge.billing_details.get("address"), locale)
        return Party(charge.billing_details.get("name") or "", charge.receipt_email, address)
    name = customer.business_name or customer.name or customer.email or customer.id
    return Party(name, customer.email, address_lines(customer.address, locale))


def lines_of(
    tx: Tx, charge: Charge, invoice: Invoice | None, lines: Sequence[InvoiceLine], locale: str
) -> tuple[DocumentLine, ...]:
    if invoice is None:
        amount = formats.money(charge.amount, charge.currency, locale)
        return (DocumentLine(charge.description or wording.say(locale, "received"), "", "", amount),)
    prices = paper_lines.prices_of(tx, lines)
    shown = paper_lines.on_papers(lines, prices, seller_at(tx, invoice.seller_version))
    return paper_lines.lines_of(shown, prices, invoice.labels, locale)


def totals_of(
    charge: Charge, invoice: Invoice | None, lines: Sequence[InvoiceLine], locale: str
) -> tuple[tuple[str, str], ...]:
    """List what was paid and refunded; before it, the invoice's total if discounts or taxes explain it."""
    refunded = wording.say(locale, "refunded")
    shown = [(refunded, -charge.amount_refunded)] if charge.amount_refunded else []
    if invoice and (invoice.total_discount_amounts or invoice.total_taxes):
        shown = [*invoice_document.sums_of(invoice, lines, invoice.labels, locale), *shown]
    shown.append((wording.say(locale, "amount_paid"), charge.amount_captured))
    return formats.sums(shown, charge.currency, locale)


def paid_with(charge: Charge, locale: str, zone: str) -> str:
    """Say when and how a charge was paid."""
    on = formats.short_day(formats.local(charge.created, zone).date(), locale)
    said, method = (
        wording.say(locale, "payment", day=on),
        paper_totals.method_of(charge.payment_method_details, locale),
    )
    return f"{said}, {method}" if method else said
