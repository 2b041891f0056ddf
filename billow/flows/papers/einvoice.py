"""Put an invoice into the terms of EN 16931, and write it in the format that is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from email.utils import parseaddr
from typing import Any

from billow.api import rows
from billow.core.addresses import Address, address_of
from billow.core.bank import references
from billow.core.einvoice import categories, codes, limits
from billow.core.einvoice.lines import Billed, lines_of, major
from billow.core.einvoice.model import Category, EInvoice, Line, Payment, Subtotal, Trader
from billow.core.errors import Refused, needed, require
from billow.core.line_parts import plain_name
from billow.core.money import minor_digits
from billow.core.seller import Seller
from billow.core.tax_ids import on_documents
from billow.flows.papers import invoice_document, paper_lines
from billow.flows.papers.parties import seller_of_invoice
from billow.providers.documents import cii, formats, ubl, wording
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.tax_rate import TaxRate
from billow.store.tx import Tx

SETTING = "e_invoice"
"""The metadata of a customer that name the format to attach to mails: one of the profiles."""
VAT_TYPES = ("eu_vat", "gb_vat", "ch_vat", "no_vat", "eu_oss_vat", "li_vat", "is_vat")
LEGAL_TYPES = ("de_stn",)


def written(tx: Tx, invoice: Invoice, profile: str) -> bytes:
    """Write an invoice in a format; refuse with the reason what the format cannot say."""
    require(profile in limits.PROFILES, f"There is no format {profile}.", param="format")
    made = einvoice_of(tx, invoice)
    limits.check(made, profile)
    return cii.write(made) if profile in ("cii", "factur-x") else ubl.write(made, profile)


def wanted(tx: Tx, invoice: Invoice) -> str | None:
    """Return the format that a customer wants with their mails."""
    found = rows.find_many(tx, Customer, [invoice.customer]).get(invoice.customer)
    profile = (found.metadata if found else {}).get(SETTING)
    return profile if profile in limits.PROFILES else None


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
    rates: Mapping[str, TaxRate]
    labels: Mapping[str, str]
    seller: Seller
    locale: str

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
    used = {rate for line in lines for tax in line.taxes if (rate := _rate_of(tax))}
    locale = invoice_document.locale_for(tx, invoice, seller)
    bill = Bill(invoice, lines, rows.find_many(tx, TaxRate, sorted(used)), invoice.labels, seller, locale)
    [customer] = rows.find_all(tx, Customer, [invoice.customer]).values()
    return _put_together(bill, customer, _lines(tx, bill))


def _rate_of(tax: Mapping[str, Any]) -> str:
    return (tax.get("tax_rate_details") or {}).get("tax_rate") or ""


def _put_together(bill: Bill, customer: Customer, lines: tuple[Line, ...]) -> EInvoice:
    invoice, seller, zone = bill.invoice, bill.seller, bill.seller.time_zone
    subtotals = _subtotals(bill, lines)
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
        seller=_seller(seller, with_vat=not outside),
        buyer=_buyer(invoice, about, with_vat=not outside),
        lines=lines,
        subtotals=subtotals,
        prepaid=major(invoice.total - owed, bill.digits),
        terms="" if invoice.due_date else "Payment is taken automatically.",
        note=invoice.description or "",
        buyer_reference=about.get("buyer_reference") or "",
        order=about.get(invoice_document.ORDER) or "",
        starts_on=min(starts, default=None),
        ends_on=max(ends, default=None),
        payment=_payment(seller, invoice),
        national_tax=_national(invoice),
    )
    require(made.gross == major(invoice.total, bill.digits), "The lines and taxes do not sum to the total.")
    return _dated(made)


def _dated(made: EInvoice) -> EInvoice:
    """Say in words a due date before the date of issue, as of a draft that waited: dates keep their order."""
    if made.due_on is None or made.due_on >= made.issued_on:
        return made
    return replace(made, due_on=None, terms=f"Was due on {made.due_on.isoformat()}.")


def _national(invoice: Invoice) -> tuple[str, Decimal] | None:
    kept = invoice.national_tax
    if not kept or kept.get("amount") is None or codes.why_no_currency(kept["currency"]):
        return None
    return kept["currency"].upper(), major(kept["amount"], minor_digits(kept["currency"]))


def _lines(tx: Tx, bill: Bill) -> tuple[Line, ...]:
    prices, made = paper_lines.prices_of(tx, bill.lines), list[Line]()
    for line in bill.lines:
        price = prices.get(line.price or "")
        made += lines_of(_billed(bill, line, paper_lines.rated(line, price)), bill.digits, len(made) + 1)
    return tuple(made)


def _billed(bill: Bill, line: InvoiceLine, rated: Any) -> Billed:
    name, unit = plain_name(line.description or "")
    has_time = line.period_start != line.period_end
    days = formats.days_of(line.period_start, line.period_end, bill.seller.time_zone) if has_time else None
    tier = "" if line.tier is None else f" ({wording.say(bill.locale, 'tier', number=line.tier + 1)})"
    return Billed(
        rated,
        line.net,
        f"{name or '-'}{tier if name != line.description else ''}",
        codes.unit(unit),
        _category(bill, line),
        (
            *(
                (bill.labels.get(one["discount"], "Discount"), int(one["amount"]))
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


def _category(bill: Bill, line: InvoiceLine) -> Category:
    """Return the VAT category of a line, which has one tax or none."""
    if not line.taxes:
        bare = not any(one.taxes for one in bill.lines)
        return categories.of_untaxed(bill.invoice.customer_tax_exempt or "none", all_lines=bare)
    require(len(line.taxes) == 1, "EN 16931 has no place for a second tax on a line.")
    return _category_of(bill, line.taxes[0])


def _category_of(bill: Bill, tax: Mapping[str, Any]) -> Category:
    rate = bill.rates.get(_rate_of(tax))
    require(rate is not None or not tax["amount"], "The rate of a tax is not known.")
    require(rate is None or rate.tax_type not in categories.NO_VAT, "EN 16931 is for value added taxes only.")
    return categories.category(
        tax.get("taxability_reason") or "", Decimal(rate.percentage) if rate else Decimal(0)
    )


def _subtotals(bill: Bill, lines: Sequence[Line]) -> tuple[Subtotal, ...]:
    """Return base and tax of each category and rate; the tax is what the invoice charges."""
    bases = dict.fromkeys((line.category for line in lines), Decimal(0))
    for line in lines:
        bases[line.category] += line.net
    taxed = dict.fromkeys(bases, 0)
    for tax in bill.invoice.total_taxes:
        category = _category_of(bill, tax)
        taxed[category] = taxed.get(category, 0) + tax["amount"]
    return tuple(
        Subtotal(category, bases.get(category, Decimal(0)), major(amount, bill.digits))
        for category, amount in taxed.items()
        if amount or category in bases  # a rate may be that of lines which are not shown
    )


def _payment(seller: Seller, invoice: Invoice) -> Payment | None:
    account, number = seller.account, invoice.payment_number
    if account is None:
        return None
    reference = references.reference(account.reference, number) if number else invoice.number or ""
    return Payment(account.iban, account.bic, account.holder, reference)


def _seller(seller: Seller, *, with_vat: bool) -> Trader:
    where = seller.address or Address(line1=", ".join(seller.address_lines), country=seller.country)
    vat = _number(seller.tax_ids, VAT_TYPES) or _prefixed(seller)
    code = codes.country(where.country or seller.country)
    known = bool(seller.company_number or (vat and with_vat))
    return Trader(
        name=seller.name,
        **_where(where, code),
        vat_id=vat if with_vat else "",
        tax_id=(_number(seller.tax_ids, LEGAL_TYPES) if with_vat else ""),
        company_number=seller.company_number,
        identifier="" if known else seller.tax_number or seller.name,
        contact=seller.contact,
        phone=seller.phone,
        email=parseaddr(seller.email)[1],
        endpoint=_endpoint("", code, seller.company_number, vat),
    )


def _buyer(invoice: Invoice, about: Mapping[str, str], *, with_vat: bool) -> Trader:
    where = address_of(invoice.customer_address)
    vat = _number([(one["type"], one["value"]) for one in invoice.customer_tax_ids or []], VAT_TYPES)
    code = codes.country(where.country)
    return Trader(
        name=invoice.customer_name or invoice.customer_email or invoice.customer,
        **_where(where, code),
        vat_id=vat if with_vat else "",
        email=invoice.customer_email or "",
        endpoint=_endpoint(about.get("peppol_id") or "", code, "", vat),
    )


def _where(address: Address, code: str) -> dict[str, str]:
    names = ("line1", "line2", "city", "postal_code", "state")
    return {**{name: getattr(address, name) for name in names}, "country": code}


def _number(numbers: Sequence[tuple[str, str]], types: Sequence[str]) -> str:
    return next((on_documents(type, value) for type, value in numbers if type in types), "")


def _prefixed(seller: Seller) -> str:
    """Return the tax number of the settings where it begins with letters, as VAT numbers do (BR-CO-9)."""
    plain = on_documents("eu_vat", seller.tax_number)
    return plain if plain[:2].isalpha() and plain[2:].isalnum() and len(plain) > 4 else ""


def _endpoint(given: str, country: str, company: str, vat: str) -> tuple[str, str] | None:
    """Return an electronic address: the one that is given, as 0007:5560004755, or one by a known number."""
    scheme, sign, id = given.partition(":")
    if sign and id:
        return scheme, id
    if company and country in codes.COMPANY_SCHEMES:
        return codes.COMPANY_SCHEMES[country], "".join(each for each in company if each.isalnum())
    return (codes.VAT_SCHEMES[country], vat) if vat and country in codes.VAT_SCHEMES else None
