"""Lay out the receipt of a charge: what was taken and what was refunded."""

from collections.abc import Sequence

from billow.api import rows
from billow.core.money import show
from billow.flows.outside.outside import outside_of
from billow.flows.outside.seller import seller_of
from billow.flows.papers import invoice_document, links
from billow.providers.documents import DocumentLine, InvoiceDocument, Party
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
    return InvoiceDocument(
        kind=KIND,
        number=charge.id,
        status="refunded" if charge.refunded else "paid" if charge.captured else "uncaptured",
        currency=charge.currency.upper(),
        issued_on=charge.created.date(),
        due_on=None,
        seller=invoice_document.seller_party(seller_of(tx)),
        buyer=invoice_document.buyer_of(invoice) if invoice else buyer_of(tx, charge),
        lines=lines_of(charge, invoice, lines),
        totals=totals_of(charge, invoice, lines),
        notes=(card_of(charge), *((f"Invoice {invoice.number}",) if invoice else ())),
    )


def invoice_of(tx: Tx, charge: Charge) -> Invoice | None:
    """Find the invoice that a charge pays."""
    intent = rows.find_many(tx, PaymentIntent, [charge.payment_intent or ""]).get(charge.payment_intent or "")
    id = (intent.invoice if intent else None) or ""
    return rows.find_many(tx, Invoice, [id]).get(id)


def buyer_of(tx: Tx, charge: Charge) -> Party:
    """Return the customer of a charge, or the billing details of its card if it has none."""
    id = charge.customer or ""
    customer = rows.find_many(tx, Customer, [id]).get(id)
    if customer is None:
        return Party(charge.billing_details.get("name") or "", charge.receipt_email)
    return Party(customer.name or customer.email or customer.id, customer.email)


def lines_of(
    charge: Charge, invoice: Invoice | None, lines: Sequence[InvoiceLine]
) -> tuple[DocumentLine, ...]:
    if invoice is None:
        amount = show(charge.amount, charge.currency)
        return (DocumentLine(charge.description or "Payment", "", "", amount),)
    return tuple(invoice_document.line_of(line, invoice.labels) for line in lines)


def totals_of(
    charge: Charge, invoice: Invoice | None, lines: Sequence[InvoiceLine]
) -> tuple[tuple[str, str], ...]:
    """List what was paid and refunded; before it, the invoice's total if discounts or taxes explain it."""
    shown = [("Refunded", -charge.amount_refunded)] if charge.amount_refunded else []
    if invoice and (invoice.total_discount_amounts or invoice.total_taxes):
        shown = [*invoice_document.sums_of(invoice, lines, invoice.labels), *shown]
    return tuple(
        (label, show(amount, charge.currency))
        for label, amount in [*shown, ("Amount paid", charge.amount_captured)]
    )


def card_of(charge: Charge) -> str:
    card = (charge.payment_method_details or {}).get("card") or {}
    return f"Paid with {card['brand']} ending in {card['last4']}" if card else "Paid"
