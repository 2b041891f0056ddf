"""Write addresses as their country does: which parts stand on which line, and in which order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; `country` is its code of two letters, or empty."""

    line1: str = ""
    line2: str = ""
    city: str = ""
    postal_code: str = ""
    state: str = ""
    country: str = ""


#: The line of the town. A part that is empty is left out, with what stands before it.
TOWN = {
    "AU": "{city} {state} {postal_code}", "BR": "{city} - {state}", "CA": "{city} {state} {postal_code}",
    "CN": "{postal_code} {city} {state}", "HK": "{city} {state}", "ID": "{city} {postal_code}",
    "IE": "{city}", "IN": "{city} {postal_code}", "IT": "{postal_code} {city} {state}",
    "JP": "{city}, {state}", "KR": "{city}, {state} {postal_code}", "MX": "{postal_code} {city}, {state}",
    "NZ": "{city} {postal_code}", "SG": "{city} {postal_code}", "TW": "{postal_code} {city}",
    "US": "{city}, {state} {postal_code}", "ZA": "{city}",
}  # fmt: skip
#: Countries that write the postal code on a line of its own below the town.
CODE_BELOW = frozenset({"BR", "GB", "GG", "GI", "IE", "IM", "JE", "JP", "ZA"})
USUAL = "{postal_code} {city}"
STATE_BESIDE = frozenset(country for country, form in TOWN.items() if "{state}" in form)
#: Countries that leave the state out of an address that names the town.
STATE_LEFT_OUT = frozenset({"AT", "CH", "DE", "DK", "FI", "FR", "NL", "NO", "SE"})


def address_of(given: Mapping[str, Any] | None) -> Address:
    """Return an address from the API's hash, in which what is not known is missing or null."""
    known = given or {}
    return Address(**{name: str(known.get(name) or "").strip() for name in Address.__dataclass_fields__})


def lines(address: Address, country: str = "") -> tuple[str, ...]:
    """Return the lines of an address in the order of its country; `country` is its name in words.

    >>> lines(Address("1 Main St", "", "Springfield", "62701", "IL", "US"), "United States")
    ('1 Main St', 'Springfield, IL 62701', 'United States')
    >>> lines(Address("Hauptstr. 5", "", "Berlin", "10115", "BE", "DE"))
    ('Hauptstr. 5', '10115 Berlin')
    """
    code = address.country.upper()
    below = address.postal_code if code in CODE_BELOW else ""
    beside = code in STATE_BESIDE or (code in STATE_LEFT_OUT and address.city)
    state = "" if beside else address.state
    first = (address.line1, address.line2)
    parts = (*first, _town(address, code), state, below, country)
    return tuple(part for part in parts if part)


def _town(address: Address, code: str) -> str:
    form = TOWN.get(code, "{city}" if code in CODE_BELOW else USUAL)
    filled = form.format(
        city=address.city, state=address.state, postal_code="" if code in CODE_BELOW else address.postal_code
    )
    return " ".join(filled.split()).strip(" ,-").replace(" ,", ",")
