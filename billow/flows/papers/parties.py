"""Name the seller and the buyer on papers: in words, and in the order of their countries."""

from collections.abc import Mapping
from dataclasses import replace
from email.utils import parseaddr
from typing import Any

from billow.core import addresses
from billow.core.addresses import Address, address_of
from billow.core.seller import Seller
from billow.core.tax_ids import on_documents
from billow.flows.customers import tax_ids
from billow.flows.outside.seller import seller_at
from billow.providers.documents import Party, formats, wording
from billow.resources.invoice import Invoice
from billow.store.tx import Tx


def seller_of_invoice(tx: Tx, invoice: Invoice) -> Seller:
    """Return the seller as the invoice was issued by, with the tax ids that the invoice names."""
    seller = seller_at(tx, invoice.seller_version)
    if not invoice.account_tax_ids:
        return seller
    kept = invoice.labels if invoice.status != "draft" else tax_ids.of_sellers(tx, [invoice])
    named = [kept[id].partition(" ")[::2] for id in invoice.account_tax_ids if id in kept]
    return replace(seller, tax_ids=tuple(named), tax_number="")


def seller_party(seller: Seller, locale: str = "en") -> Party:
    """Return the seller as papers name it."""
    numbers = tuple(wording.tax_id(locale, type, on_documents(type, value)) for type, value in seller.tax_ids)
    typed = (seller.tax_number,) if seller.tax_number and not numbers else ()
    company = (
        (wording.company_number(locale, seller.country, seller.company_number),)
        if seller.company_number
        else ()
    )
    contact = (f"{wording.say(locale, 'contact')}: {seller.contact}",) if seller.contact else ()
    reached = tuple(one for one in (seller.phone, seller.url) if one)
    return Party(
        seller.name,
        parseaddr(seller.email)[1] or seller.email or None,
        lines_of(seller.address, locale) if seller.address else seller.address_lines,
        (*numbers, *typed),
        (*company, *reached, *contact, *seller.statements),
    )


def buyer_of(invoice: Invoice, locale: str = "en") -> Party:
    """Return the customer of an invoice, with the name and address that the invoice keeps."""
    return Party(
        invoice.customer_name or invoice.customer_email or invoice.customer,
        invoice.customer_email,
        address_lines(invoice.customer_address, locale),
        tuple(
            wording.tax_id(locale, one["type"], on_documents(one["type"], one["value"]))
            for one in invoice.customer_tax_ids or []
        ),
    )


def address_lines(given: Mapping[str, Any] | None, locale: str = "en") -> tuple[str, ...]:
    """Return an address of the API as papers show it."""
    return lines_of(address_of(given), locale)


def lines_of(address: Address, locale: str) -> tuple[str, ...]:
    return addresses.lines(address, formats.country(address.country, locale) if address.country else "")
