"""Lay out a quote as a document."""

from decimal import Decimal

from billow.api import rows
from billow.api.fields import plain
from billow.api.operation import Answer
from billow.core.errors import Inconsistent, Refused
from billow.core.money import show
from billow.flows.billing import priced_items
from billow.flows.outside.seller import seller_of
from billow.flows.papers.invoice_document import seller_party
from billow.flows.quotes.lines import PricedLine, lines_of
from billow.providers.documents import DocumentLine, InvoiceDocument, Party, pdf
from billow.resources.customer import Customer
from billow.resources.quote import Quote
from billow.store.tx import Tx


@Quote.below("GET", "pdf", of=Quote)
def download_pdf(tx: Tx, quote: Quote) -> Answer:
    """Fetch a finalized quote as a PDF."""
    if quote.finalized_at is None:
        raise Refused("A quote has a PDF when it is finalized; this one is a draft.")
    body = pdf.render(document_of(tx, quote), quote.finalized_at)
    return Answer(
        200,
        body,
        {
            "Content-Type": "application/pdf",
            "Content-Disposition": f'attachment; filename="{quote.number}.pdf"',
            "Cache-Control": "private, no-store",
        },
    )


def document_of(tx: Tx, quote: Quote) -> InvoiceDocument:
    """Build the document of a finalized quote: the lines and totals, and later charges as notes."""
    customer = rows.find(tx, Customer, quote.customer or "", deleted=True)
    priced = lines_of(tx, quote)
    currency = quote.currency or ""
    if not quote.finalized_at:
        raise Inconsistent(f"The quote {quote.id} is not finalized.")
    return InvoiceDocument(
        kind="quote",
        number=quote.number or "",
        status=quote.status,
        currency=currency.upper(),
        issued_on=quote.finalized_at.date(),
        due_on=quote.expires_at.date(),
        seller=seller_party(seller_of(tx)),
        buyer=buyer_of(customer),
        header=quote.header,
        lines=tuple(line_of(one) for one in priced),
        totals=tuple((label, show(amount, currency)) for label, amount in totals_of(quote)),
        notes=tuple(notes_of(quote, currency)),
        footer=quote.footer,
    )


def buyer_of(customer: Customer) -> Party:
    address = customer.address or {}
    city = " ".join(part for part in (address.get("postal_code"), address.get("city")) if part)
    lines = (address.get("line1"), address.get("line2"), city, address.get("state"), address.get("country"))
    name = customer.business_name or customer.name or customer.email or customer.id
    return Party(name, customer.email, tuple(line for line in lines if line))


def line_of(one: PricedLine) -> DocumentLine:
    """Build a line for one full period.

    It shows a unit price only where that times the quantity is the amount.
    """
    item, rate = one.item, priced_items.rate_of(one.price)
    single = rate.model == "per_unit" and rate.unit_amount is not None
    return DocumentLine(
        description=item.description or "",
        quantity="" if item.quantity is None else plain(Decimal(item.quantity)),
        unit_amount=show(rate.unit_amount, item.currency) if single and rate.unit_amount is not None else "",
        amount=show(item.amount_subtotal, item.currency) if item.quantity is not None else "by usage",
        period=every(*one.rhythm) if one.recurs else None,
    )


def every(interval: str, count: int) -> str:
    return f"every {interval}" if count == 1 else f"every {count} {interval}s"


def totals_of(quote: Quote) -> list[tuple[str, int]]:
    """Return the rows from subtotal to total, and what is due when accepted where that differs."""
    parts, labels = quote.total_details["breakdown"], quote.labels
    shown = [("Subtotal", quote.amount_subtotal)]
    shown += [(labels[one["discount"]["id"]], -one["amount"]) for one in parts["discounts"] if one["amount"]]
    shown += [(labels[one["rate"]["id"]], one["amount"]) for one in parts["taxes"]]
    shown.append(("Total", quote.amount_total))
    first = quote.computed["upfront"]["amount_total"]
    return [*shown, ("Due when accepted", first)] if first != quote.amount_total else shown


def notes_of(quote: Quote, currency: str) -> list[str]:
    """Return the description, the length of the trial and the recurring charge as notes."""
    days, later = quote.subscription_data["trial_period_days"], quote.computed["recurring"]
    notes = [quote.description] if quote.description else []
    if days and later:
        notes.append(f"The first {days} days are free.")
    if later:
        price = show(later["amount_total"], currency)
        notes.append(f"Renews at {price} {every(later['interval'], later['interval_count'])}.")
    return notes
