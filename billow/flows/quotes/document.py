"""Lay out a quote as a document."""

from decimal import Decimal

from billow.api import rows
from billow.api.operation import Answer
from billow.core.errors import Inconsistent, Refused
from billow.flows.billing import priced_items
from billow.flows.billing.labels import language_of
from billow.flows.outside.seller import seller_of
from billow.flows.papers.parties import address_lines, seller_party
from billow.flows.quotes import price_lines
from billow.flows.quotes.lines import PricedLine, lines_of
from billow.providers.documents import DocumentLine, InvoiceDocument, Party, formats, pdf, wording
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
    seller = seller_of(tx)
    locale = language_of(tx, customer)
    currency = quote.currency or ""
    if not quote.finalized_at:
        raise Inconsistent(f"The quote {quote.id} is not finalized.")
    return InvoiceDocument(
        kind="quote",
        number=quote.number or "",
        status=quote.status,
        currency=currency.upper(),
        issued_on=formats.local(quote.finalized_at, seller.time_zone).date(),
        due_on=formats.local(quote.expires_at, seller.time_zone).date(),
        seller=seller_party(seller, locale),
        buyer=buyer_of(customer, locale),
        language=locale,
        logo=seller.logo,
        color=seller.primary_color,
        second_color=seller.secondary_color,
        header=quote.header,
        lines=tuple(line for one in priced for line in price_lines.split(one, line_of(one, locale), locale)),
        totals=formats.sums(totals_of(quote, locale), currency, locale),
        notes=tuple(notes_of(quote, currency, locale)),
        footer=quote.footer,
    )


def buyer_of(customer: Customer, locale: str) -> Party:
    name = customer.business_name or customer.name or customer.email or customer.id
    return Party(name, customer.email, address_lines(customer.address, locale))


def line_of(one: PricedLine, locale: str) -> DocumentLine:
    """Build a line for one full period.

    It shows a unit price only where that times the quantity is the amount.
    """
    item, rate = one.item, priced_items.rate_of(one.price)
    single = rate.model == "per_unit" and rate.unit_amount is not None
    return DocumentLine(
        description=item.description or "",
        quantity="" if item.quantity is None else formats.number(Decimal(item.quantity), locale),
        unit_amount=formats.money(rate.unit_amount, item.currency, locale)
        if single and rate.unit_amount is not None
        else "",
        amount=formats.money(item.amount_subtotal, item.currency, locale)
        if item.quantity is not None
        else wording.say(locale, "by_usage"),
        period=wording.every(locale, *one.rhythm) if one.recurs else None,
    )


def totals_of(quote: Quote, locale: str) -> list[tuple[str, int]]:
    """Return the rows from subtotal to total, and what is due when accepted where that differs."""
    parts, labels = quote.total_details["breakdown"], quote.labels
    shown = [(wording.say(locale, "subtotal"), quote.amount_subtotal)]
    shown += [(labels[one["discount"]["id"]], -one["amount"]) for one in parts["discounts"] if one["amount"]]
    shown += [(labels[one["rate"]["id"]], one["amount"]) for one in parts["taxes"]]
    shown.append((wording.say(locale, "total"), quote.amount_total))
    first = quote.computed["upfront"]["amount_total"]
    return (
        [*shown, (wording.say(locale, "due_when_accepted"), first)] if first != quote.amount_total else shown
    )


def notes_of(quote: Quote, currency: str, locale: str) -> list[str]:
    """Return the description, the length of the trial and the recurring charge as notes."""
    days, later = quote.subscription_data["trial_period_days"], quote.computed["recurring"]
    notes = [quote.description] if quote.description else []
    if days and later:
        notes.append(wording.say(locale, "days_free", days=days))
    if later:
        price = formats.named(later["amount_total"], currency, locale)
        every = wording.every(locale, later["interval"], later["interval_count"])
        notes.append(wording.say(locale, "renews", price=price, every=every))
    return notes
