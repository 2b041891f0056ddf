"""Decide where a supply is taxed in the European Union, and by whom: place of supply, reverse charge, OSS.

The articles are those of Directive 2006/112/EC. The rules decide for sellers in the Union and for sellers
elsewhere who sell to consumers in it; they are no legal advice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from billow.core.tax_ids import MEMBERS

Kind = Literal["digital", "consulting", "service", "goods", "nontaxable"]
"""What is sold: `consulting` stands for the services of art. 59, `service` for all others by people."""
Treatment = Literal[
    "domestic",
    "domestic_reverse_charge",
    "eu_reverse_charge",
    "eu_goods",
    "oss",
    "export",
    "export_service",
    "outside",
    "exempt",
    "nontaxable",
]
Scheme = Literal["OSS", "OSS non-Union"]

SAME = {"MC": "FR", "IM": "GB", "EL": "GR"}
"""Places that are part of another country for VAT, and the other spelling of Greece (art. 7)."""

#: Territories of member states outside the VAT area (art. 6): by state in the address, or by postal code.
OUTSIDE_BY_STATE = {
    "ES": frozenset({"CE", "CN", "GC", "ML", "TF"}),
    "FI": frozenset({"01", "AX"}),
    "GR": frozenset({"69"}),
}
OUTSIDE_BY_POSTAL_CODE: dict[str, tuple[str, ...]] = {
    "DE": ("27498", "78266"),
    "ES": ("35", "38", "51", "52"),
    "FI": ("22",),
    "FR": ("97", "984", "986", "987", "988"),
    "GR": ("63086", "630 86"),
    "IT": ("22061", "23041"),
}

#: Where the law of the country taxes services from the rest of it as its own: Finland's does in Åland.
ONE_FOR_SERVICES = frozenset({"FI"})

#: Regions with rates of their own, by state or postal code: the key of the region's rate.
REGIONS: dict[str, tuple[tuple[str, frozenset[str], tuple[str, ...]], ...]] = {
    "PT": (
        ("PT-20", frozenset({"20"}), ("95", "96", "97", "98", "99")),
        ("PT-30", frozenset({"30"}), ("90", "91", "92", "93", "94")),
    )
}


@dataclass(frozen=True, slots=True)
class Address:
    """A place as addresses give it; `country` in capitals, `state` with or without the country in front."""

    country: str
    state: str | None = None
    postal_code: str | None = None
    city: str | None = None
    county: str | None = None
    district: str | None = None


@dataclass(frozen=True, slots=True)
class Supply:
    """What is sold, by whom and to whom. `number` is the prefix of a valid VAT number of the buyer."""

    kind: Kind
    seller: Address
    buyer: Address
    number: str | None = None
    business: bool = False
    """The buyer is known to be a business otherwise, as by a number of a country outside the EU."""
    over_threshold: bool = True
    """The seller taxes consumers in their own states: more than 10 000 EUR, or by choice (art. 59c)."""
    small_enterprise: bool = False
    """The seller is exempt as a small enterprise (art. 284)."""


@dataclass(frozen=True, slots=True)
class Place:
    """What the rules say: the treatment, whose rate applies, the category of EN 16931, and why."""

    treatment: Treatment
    category: str
    why: str
    rate_of: str | None = None
    scheme: Scheme | None = None
    mention: str | None = None


def canonical(address: Address) -> tuple[str, str | None]:
    """Return the country of an address as VAT rules see it, and its state without the country in front."""
    country = address.country.strip().upper()
    state = (address.state or "").strip().upper() or None
    if "-" in country:
        country, _, inside = country.partition("-")
        state = state or inside
    if state:
        state = state.removeprefix(f"{country}-")
    return SAME.get(country, country), state


def in_vat_area(address: Address) -> bool:
    """Tell whether an address is in the VAT area of the Union.

    >>> in_vat_area(Address("ES")), in_vat_area(Address("ES", "TF")), in_vat_area(Address("MC"))
    (True, False, True)
    """
    country, state = canonical(address)
    if country not in MEMBERS or state in OUTSIDE_BY_STATE.get(country, ()):
        return False
    postal_code = (address.postal_code or "").strip().upper().removeprefix(f"{country}-")
    if address.country.strip().upper() == "MC":
        return True
    return not postal_code.startswith(OUTSIDE_BY_POSTAL_CODE.get(country, ("\0",)))


def in_northern_ireland(address: Address) -> bool:
    """Tell whether an address is in Northern Ireland, where goods are treated as in a member state.

    >>> [in_northern_ireland(Address("GB", None, code)) for code in ("BT1 5GS", "B1 1BT")]
    [True, False]
    """
    country, _ = canonical(address)
    postal_code = (address.postal_code or "").strip().upper()
    return country == "XI" or (country == "GB" and postal_code.startswith("BT"))


def place_of(address: Address) -> str:
    """Return the place of an address as VAT numbers name it: its country, or XI for Northern Ireland."""
    return "XI" if in_northern_ireland(address) else canonical(address)[0]


def rate_region(address: Address) -> str:
    """Return the key of the rate of an address: its country, or its region where that has its own rates."""
    country, state = canonical(address)
    postal_code = (address.postal_code or "").strip()
    for key, states, prefixes in REGIONS.get(country, ()):
        if state in states or (state is None and postal_code.startswith(prefixes)):
            return key
    return country


def place_of_supply(supply: Supply) -> Place:
    """Decide how a supply is taxed. The first rule that applies decides."""
    for rule in RULES:
        found = rule(supply)
        if found:
            return found
    return _at_the_buyers(supply)


def _nontaxable(supply: Supply) -> Place | None:
    if supply.kind != "nontaxable":
        return None
    return Place("nontaxable", "O", "The product's tax code says that no tax is due on it.")


def _outside(supply: Supply) -> Place | None:
    """Services to buyers outside the VAT area are outside its scope; goods that leave it are exported."""
    goods, british = supply.kind == "goods", canonical(supply.seller)[0] == "GB"
    if in_vat_area(supply.buyer) or (goods and in_northern_ireland(supply.buyer) and not british):
        return None
    if not in_vat_area(supply.seller):
        return Place("outside", "O", "Neither the seller nor the buyer is in the VAT area of the EU.")
    home, _ = canonical(supply.seller)
    if not goods and home in ONE_FOR_SERVICES and canonical(supply.buyer)[0] == home:
        return None
    if goods:
        return Place("export", "G", "The goods leave the VAT area of the EU (art. 146).", mention="Export")
    # A service to a consumer that is not of the kinds of art. 59 and 58 is taxed where the seller is.
    if supply.kind == "service" and not supply.number and not supply.business:
        return None
    return Place("export_service", "O", "The buyer is outside the VAT area of the EU (art. 44, 58 and 59).")


def _domestic(supply: Supply) -> Place | None:
    home, _ = canonical(supply.seller)
    if canonical(supply.buyer)[0] != home or not in_vat_area(supply.seller):
        return None
    return _at_home(supply, f"Seller and buyer are both in {home}.", rate_region(supply.buyer))


def _at_home(supply: Supply, why: str, region: str) -> Place:
    if supply.small_enterprise:
        small = f"{why} The seller is exempt as a small enterprise (art. 284)."
        return Place("exempt", "E", small, mention="exempt small enterprise")
    return Place("domestic", "S", why, rate_of=region)


def _between_businesses(supply: Supply) -> Place | None:
    """A buyer with a valid number of another member state owes the tax, or acquires the goods, itself."""
    number = SAME.get(supply.number or "", supply.number or "")
    home, _ = canonical(supply.seller)
    counts = number in MEMBERS or (number == "XI" and supply.kind == "goods")
    if not counts or number == home:
        return None
    where = place_of(supply.buyer)
    if supply.kind == "goods" and in_vat_area(supply.seller):
        why = f"Goods go to a business in {where} with a valid VAT number (art. 138)."
        return Place("eu_goods", "K", why, mention="Intra-Community supply")
    why = f"The buyer is a business in {where} with a valid VAT number (art. 44 and 196)."
    return Place("eu_reverse_charge", "AE", why, mention="Reverse charge")


def _at_the_sellers(supply: Supply) -> Place | None:
    """Consumers are taxed where the seller is: services that are not digital, and all below the threshold."""
    home, region = canonical(supply.seller)[0], rate_region(supply.seller)
    personal = supply.kind in ("service", "consulting")
    if not in_vat_area(supply.seller):
        why = f"A service to a consumer is taxed where the seller is (art. 45): outside the EU, in {home}."
        return Place("outside", "O", why) if personal else None
    if personal:
        why = f"A service to a consumer is taxed where the seller is, in {home} (art. 45)."
        return _at_home(supply, why, region)
    if not supply.over_threshold:
        why = f"Sales to consumers in other member states are below 10 000 EUR (art. 59c): taxed in {home}."
        return _at_home(supply, why, region)
    return None


def _at_the_buyers(supply: Supply) -> Place:
    """Digital services and distance sales to consumers are taxed where they live."""
    where = place_of(supply.buyer)
    inside = in_vat_area(supply.seller)
    article = "art. 33" if supply.kind == "goods" else "art. 58"
    return Place(
        "oss",
        "S",
        f"A consumer in {where} is taxed there ({article}).",
        rate_of="XI" if where == "XI" else rate_region(supply.buyer),
        scheme="OSS" if inside else "OSS non-Union",
    )


RULES: Sequence[Callable[[Supply], Place | None]] = (
    _nontaxable,
    _outside,
    _domestic,
    _between_businesses,
    _at_the_sellers,
)
