"""Say what the papers of a seller who is registered for VAT lack of what the law has them name (art. 226)."""

from billow.core.place_of_supply import SAME
from billow.core.tax_ids import MEMBERS, compact
from billow.flows.outside.seller import seller_of
from billow.flows.taxes.settings import settings_of
from billow.flows.taxes.sources import registrations
from billow.store.tx import Tx

NUMBERED = MEMBERS | {"CH", "GB", "NO"}
"""Where an invoice with VAT names the number under which the seller is registered."""


def lacking(tx: Tx) -> list[str]:
    """Return a sentence for each thing that is missing beside the registrations in force."""
    if settings_of(tx).small_enterprise:
        return []
    countries = dict.fromkeys(one.country for one in registrations(tx) if one.type == "standard")
    taxed = [country for country in countries if country in NUMBERED]
    found = [
        f"A tax registration in {country} is in force, but the seller has no VAT number there:"
        f" `billow seller set tax_id={kind_of_number(country)}:…`."
        for country in taxed
        if not has_number(tx, country)
    ]
    if taxed and not has_address(tx):
        found.append(
            f"A tax registration in {', '.join(taxed)} is in force, but the seller has no address:"
            " `billow seller set line1=… postal_code=… city=… country=…`."
        )
    return found


def kind_of_number(country: str) -> str:
    return "eu_vat" if country in MEMBERS else f"{country.lower()}_vat"


def has_number(tx: Tx, country: str) -> bool:
    """Tell whether the seller has a tax number of a country: for VAT, or of its own kind (de_stn)."""
    seller = seller_of(tx)
    prefixes = [
        compact(value)[:2].upper() if type == "eu_vat" else type[:2].upper() for type, value in seller.tax_ids
    ]
    return bool(seller.tax_number) or country in [SAME.get(one, one) for one in prefixes]


def has_address(tx: Tx) -> bool:
    """Tell whether papers have an address of the seller."""
    seller = seller_of(tx)
    address = seller.address
    return bool(address and (address.line1 or address.city)) or bool(seller.address_lines)
