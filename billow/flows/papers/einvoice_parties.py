"""Name the seller and the buyer of an invoice or a credit note in the terms of EN 16931."""

from collections.abc import Mapping, Sequence
from email.utils import parseaddr

from billow.core.addresses import Address, address_of
from billow.core.einvoice import codes
from billow.core.einvoice.model import Trader
from billow.core.seller import Seller
from billow.core.tax_ids import on_documents
from billow.resources.invoice import Invoice

VAT_TYPES = ("eu_vat", "gb_vat", "ch_vat", "no_vat", "eu_oss_vat", "li_vat", "is_vat")
LEGAL_TYPES = ("de_stn",)


def seller_trader(seller: Seller, *, with_vat: bool) -> Trader:
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
        legal=" · ".join(seller.statements),
    )


def buyer_trader(invoice: Invoice, about: Mapping[str, str], *, with_vat: bool) -> Trader:
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


def receiver_of(invoice: Invoice) -> Trader | None:
    """Return whom an invoice says it is shipped to; None where it says no country."""
    told = invoice.shipping_details or {}
    where = address_of(told.get("address"))
    if not where.country:
        return None
    parts = (where.line1, where.line2, where.city, where.postal_code, where.state)
    return Trader(told.get("name") or "", codes.country(where.country), *parts)


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
    """Return an electronic address: the one that is given, as 0007:5560004755, or one by a known number.

    >>> _endpoint("", "SE", "", "SE556000475501"), _endpoint("", "DE", "", "DE136695976")
    (('0007', '5560004755'), ('9930', 'DE136695976'))
    """
    scheme, sign, id = given.partition(":")
    if sign and id:
        return scheme, id
    if company and country in codes.COMPANY_SCHEMES:
        return codes.COMPANY_SCHEMES[country], "".join(each for each in company if each.isalnum())
    if country == "SE" and vat.startswith("SE") and len(vat) == 14:
        # Sweden has no scheme of VAT numbers: theirs are the organisation number between SE and 01.
        return codes.COMPANY_SCHEMES[country], vat[2:12]
    return (codes.VAT_SCHEMES[country], vat) if vat and country in codes.VAT_SCHEMES else None
