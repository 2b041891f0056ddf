"""Put an invoice into the terms of EN 16931, and write it in the format that is asked for."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from billow.api import rows
from billow.core.addresses import address_of
from billow.core.bank import references
from billow.core.bank.seller import SellerAccount
from billow.core.einvoice import codes, limits
from billow.core.einvoice.lines import Billed, lines_of, major
from billow.core.einvoice.model import BANKGIRO, EInvoice, Line, Payment, Subtotal, Trader
from billow.core.errors import Refused, needed, require
from billow.core.line_parts import Rated, plain_name
from billow.core.money import minor_digits
from billow.core.plain_text import plain
from billow.core.seller import Seller
from billow.flows.papers import invoice_document, line_words, paper_lines, replaced
from billow.flows.papers.einvoice_parties import buyer_trader, receiver_of, seller_trader
from billow.flows.papers.einvoice_taxes import Taxed, taxed_of
from billow.flows.papers.looks import looks_of
from billow.flows.papers.parties import seller_of_invoice
from billow.providers.documents import cii, formats, ubl, wording
from billow.resources.credit_note import CreditNote
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.price import Price
from billow.store.tx import Tx

log = logging.getLogger("billow.mail")
SETTING = "e_invoice"
"""The metadata of a customer that name the format to attach to mails: one of the profiles."""


def written(tx: Tx, invoice: Invoice, profile: str) -> bytes:
    """Write an invoice in a format; refuse with the reason what the format cannot say."""
    return xml_of(einvoice_of(tx, invoice), profile)


def xml_of(made: EInvoice, profile: str) -> bytes:
    """Write a document in a format; refuse with the reason what the format cannot say."""
    require(profile in limits.PROFILES, f"There is no format {profile}.", param="format")
    if profile == "xrechnung":
        made = replace(made, seller=by_mail(made.seller), buyer=by_mail(made.buyer))
    limits.check(made, profile)
    return cii.write(made) if profile in ("cii", "factur-x") else ubl.write(made, profile)


def by_mail(trader: Trader) -> Trader:
    """Return a party whose electronic address is that of its mails, where it has no other one."""
    if trader.endpoint or not trader.email:
        return trader
    return replace(trader, endpoint=(codes.MAIL_SCHEME, trader.email))


def wanted(tx: Tx, customer: str) -> str | None:
    """Return the format that a customer wants with their mails, as it is written there."""
    found = rows.find_many(tx, Customer, [customer]).get(customer)
    return (found.metadata if found else {}).get(SETTING) or None


def attached(
    tx: Tx, paper: Invoice | CreditNote, write: Callable[[Tx, Any, str], bytes]
) -> tuple[tuple[str, bytes] | None, str | None]:
    """Return the machine format that the customer wants, or why the paper goes without it."""
    profile = wanted(tx, paper.customer)
    if profile is None:
        return None, None
    try:
        return (profile, write(tx, paper, profile)), None
    except Refused as refused:
        log.warning("%s %s goes without %s: %s", tx.tenant, paper.id, plain(profile), refused.message)
        return None, f"It went without {profile}: {refused.message}"


def embeddable(tx: Tx, invoice: Invoice) -> bytes | None:
    """Return what a PDF can hold as Factur-X; None where the standard cannot say it."""
    try:
        return written(tx, invoice, "factur-x")
    except Refused:
        return None


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice with what its lines refer to."""

    invoice: Invoice
    lines: Sequence[InvoiceLine]
    taxed: Taxed
    labels: Mapping[str, str]
    seller: Seller
    locale: str
    memo: str

    @property
    def digits(self) -> int:
        return minor_digits(self.invoice.currency)


def einvoice_of(tx: Tx, invoice: Invoice) -> EInvoice:
    """Return a finalized invoice in the terms of EN 16931."""
    require(invoice.finalized_at is not None, "A draft has no machine format: finalize it first.")
    reason = codes.why_no_currency(invoice.currency)
    require(reason is None, reason or "")
    seller = seller_of_invoice(tx, invoice)
    lines = rows.select(tx, InvoiceLine, "invoice = %(id)s", id=invoice.id)
    lines = paper_lines.on_papers(lines, paper_lines.prices_of(tx, lines), seller)
    locale = invoice_document.locale_for(tx, invoice)
    taxed = taxed_of(tx, [one.taxes for one in lines], invoice.total_taxes, invoice.customer_tax_exempt)
    bill = Bill(invoice, lines, taxed, invoice.labels, seller, locale, looks_of(tx, invoice).memo)
    [customer] = rows.find_all(tx, Customer, [invoice.customer]).values()
    return replace(_put_together(bill, customer, _lines(tx, bill)), corrects=replaced.reference(tx, invoice))


def _put_together(bill: Bill, customer: Customer, lines: tuple[Line, ...]) -> EInvoice:
    invoice, seller, zone = bill.invoice, bill.seller, bill.seller.time_zone
    subtotals = bill.taxed.subtotals(lines, bill.digits)
    outside = any(one.category.code == "O" for one in subtotals)
    owed = invoice.amount_due - invoice.amount_paid
    starts = [line.starts_on for line in lines if line.starts_on]
    ends = [line.ends_on for line in lines if line.ends_on]
    about = {**customer.metadata, **invoice.metadata}
    made = EInvoice(
        number=invoice.number or "",
        issued_on=formats.local(needed(invoice.effective_at, "the date of issue"), zone).date(),
        due_on=formats.local(invoice.due_date, zone).date() if invoice.due_date else None,
        currency=invoice.currency.upper(),
        seller=seller_trader(seller, with_vat=not outside),
        buyer=buyer_trader(invoice, about, with_vat=not outside),
        lines=lines,
        subtotals=subtotals,
        prepaid=major(invoice.total - owed, bill.digits),
        terms="" if invoice.due_date else wording.say(bill.locale, "taken_automatically"),
        note=bill.memo,
        buyer_reference=about.get("buyer_reference") or "",
        order=about.get(invoice_document.ORDER) or "",
        starts_on=min(starts, default=None),
        ends_on=max(ends, default=None),
        supplied_on=None if starts else last_day(bill.lines, zone),
        delivered_to=delivered_to(invoice, subtotals),
        ship_to=ship_to(invoice, subtotals),
        payment=_payment(seller, invoice),
        national_tax=national_tax(invoice.national_tax),
    )
    require(made.gross == major(invoice.total, bill.digits), "The lines and taxes do not sum to the total.")
    return _dated(made, bill.locale)


def last_day(lines: Sequence[InvoiceLine], zone: str) -> date | None:
    """Return the last day on which something of an invoice was supplied, as its paper says it."""
    days = (formats.days_of(line.period_start, line.period_end, zone)[1] for line in lines)
    return max(days, default=None)


def delivered_to(invoice: Invoice, subtotals: Sequence[Subtotal]) -> str:
    """Return the country of the Union that goods were sent to (BT-80), which the paper says as well."""
    if not any(one.category.code == "K" for one in subtotals):
        return ""
    given = [(told or {}).get("address") for told in (invoice.shipping_details, invoice.customer_shipping)]
    places = [address_of(one).country for one in (*given, invoice.customer_address)]
    return codes.country(next(filter(None, places), ""))


def ship_to(invoice: Invoice, subtotals: Sequence[Subtotal]) -> Trader | None:
    """Return whom an invoice is shipped to, as papers say; never beside another country of arrival."""
    found, arrived = receiver_of(invoice), delivered_to(invoice, subtotals)
    return None if found and arrived not in ("", found.country) else found


def _dated(made: EInvoice, locale: str) -> EInvoice:
    """Say in words a due date before the date of issue, as of a draft that waited: dates keep their order."""
    if made.due_on is None or made.due_on >= made.issued_on:
        return made
    terms = wording.say(locale, "was_due", day=formats.short_day(made.due_on, locale))
    return replace(made, due_on=None, terms=terms)


def national_tax(kept: Mapping[str, Any] | None) -> tuple[str, Decimal] | None:
    """Return the currency of the tax office and all tax in it; None where there is none or it is unknown."""
    if not kept or kept.get("amount") is None or codes.why_no_currency(kept["currency"]):
        return None
    return kept["currency"].upper(), major(kept["amount"], minor_digits(kept["currency"]))


def _lines(tx: Tx, bill: Bill) -> tuple[Line, ...]:
    prices, made = paper_lines.prices_of(tx, bill.lines), list[Line]()
    for line in bill.lines:
        price = prices.get(line.price or "")
        made += lines_of(
            _billed(bill, line, price, paper_lines.rated(line, price)), bill.digits, len(made) + 1
        )
    return tuple(made)


def _billed(bill: Bill, line: InvoiceLine, price: Price | None, rated: Rated) -> Billed:
    _, unit = plain_name(line.description or "")
    has_time = line.period_start != line.period_end
    days = formats.days_of(line.period_start, line.period_end, bill.seller.time_zone) if has_time else None
    return Billed(
        rated,
        line.net,
        line_words.named(line, price, bill.locale, bill.seller.time_zone) or "-",
        codes.unit(unit),
        bill.taxed.category_of_line(line.taxes),
        (
            *(
                (bill.labels.get(one["discount"], wording.say(bill.locale, "discount")), int(one["amount"]))
                for one in line.discount_amounts
            ),
            *(
                (wording.say(bill.locale, "billing_credits"), int(one["amount"]))
                for one in line.applied_credits
            ),
        ),
        days[0] if days else None,
        days[1] if days else None,
        flat_fee=wording.say(bill.locale, "flat_fee"),
    )


def _payment(seller: Seller, invoice: Invoice) -> Payment | None:
    account, number = seller.account, invoice.payment_number
    if account is None:
        return None
    reference = references.reference(account.written_as, number) if number else invoice.number or ""
    return payment_to(account, invoice.currency, reference)


def payment_to(account: SellerAccount, currency: str, reference: str) -> Payment:
    """Return how to pay to an account: by its Bankgiro in kronor, or where it has no IBAN."""
    if account.bankgiro and (currency == "sek" or not account.iban):
        return Payment(account.bankgiro.replace("-", ""), BANKGIRO, account.holder, reference)
    return Payment(account.iban, account.bic, account.holder, reference, is_sepa=currency == "eur")
