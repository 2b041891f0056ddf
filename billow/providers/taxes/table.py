"""Decide taxes from a table of rates that the merchant loads: stacked jurisdictions of the US and Canada.

A row names what it covers; what it leaves empty it covers whole. On each level (country, state, county, city)
the row that fits most closely counts, and of districts each one by its name. So a row for postal codes wins
over one for the county, and one for a tax code over one for all of them.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from billow.core.errors import Unavailable, require
from billow.core.place_of_supply import Address, canonical
from billow.providers.taxes import Certificate, Decision, Part, Sale, untaxed

LEVELS = ("country", "state", "county", "city", "district")
COLUMNS = (
    "country", "state", "county", "city", "district", "postal_code", "level", "name", "tax_type",
    "percentage", "tax_code", "valid_from", "valid_to", "source",
)  # fmt: skip
PROVINCIAL = "province_standard"
"""The registration in a Canadian province, which collects the province's own tax only."""


@dataclass(frozen=True, slots=True)
class Row:
    """The rate of one jurisdiction, what it covers and while it is in force."""

    country: str
    level: str
    name: str
    percentage: Decimal
    valid_from: date
    state: str = ""
    county: str = ""
    city: str = ""
    district: str = ""
    postal_code: str = ""
    tax_type: str = "sales_tax"
    tax_code: str = ""
    valid_to: date | None = None
    source: str = ""

    @property
    def jurisdiction(self) -> str:
        """Return the name of who levies the tax: the city of a city's row, the state of a state's."""
        return {
            "country": self.country,
            "state": f"{self.country}-{self.state}",
            "county": self.county,
            "city": self.city,
            "district": self.district,
        }[self.level]


@dataclass(frozen=True, slots=True)
class Table:
    """A tax source that reads the rows of one account."""

    rows: Sequence[Row]
    name: str = "table"

    def decide(self, sale: Sale) -> Decision:
        """Stack the rates of the buyer's country, state, county, city and districts."""
        country, state = canonical(sale.buyer)
        why = f"There is no registration in {country}{f'-{state}' if state else ''}, so no tax is collected."
        if not _levels(sale, country, state):
            return untaxed(sale, "not_collecting", "not_collecting", why, self.name)
        if sale.code == "txcd_00000000":
            why = "The product's tax code says that no tax is due on it."
            return untaxed(sale, "product_exempt", "nontaxable", why, self.name)
        if sale.exemption == "reverse":
            return untaxed(sale, "reverse_charge", "reverse_charge", "The customer owes the tax.", self.name)
        certificate = valid_certificate(sale, country, state)
        if certificate or sale.exemption == "exempt":
            number = f" by certificate {certificate.number}" if certificate else ""
            exempt = f"The customer is exempt{number}."
            return untaxed(sale, "customer_exempt", "exempt", exempt, self.name)
        found = self.stacked(sale, country, state)
        if not found:
            where = f"{country}-{state}" if state else country
            raise Unavailable(f"The tax table has no rate for {where} on {sale.supplied_on}.")
        parts = tuple(_part(row, state) for row in found)
        where = ", ".join(f"{row.jurisdiction} {row.percentage}%" for row in found)
        sources = {row.jurisdiction: row.source for row in found if row.source}
        return Decision(
            parts, "domestic", f"The rates of the buyer's address: {where}.", self.name, facts=sources
        )

    def stacked(self, sale: Sale, country: str, state: str | None) -> list[Row]:
        """Return the row that counts on each level whose taxes the seller collects, from the country down."""
        best: dict[tuple[str, str], Row] = {}
        for row in self.rows:
            if row.country != country or row.level not in _levels(sale, country, state):
                continue
            if not (fits(row, sale.buyer, state) and in_force(row, sale.supplied_on)):
                continue
            if not sale.code.startswith(row.tax_code):
                continue
            key = (row.level, row.name if row.level == "district" else "")
            if key not in best or closeness(row) > closeness(best[key]):
                best[key] = row
        return sorted(best.values(), key=lambda row: (LEVELS.index(row.level), row.name))

    def own_rate(self, country: str, code: str, on: date) -> Row | None:
        """Return the row of a country for a tax code, which replaces the rate that a source knows itself."""
        rows = [
            row
            for row in self.rows
            if row.country == country and row.level == "country" and row.tax_code and not row.state
            if code.startswith(row.tax_code) and in_force(row, on)
        ]
        return max(rows, key=closeness, default=None)


def _levels(sale: Sale, country: str, state: str | None) -> tuple[str, ...]:
    """Return the levels whose taxes the seller's registrations collect at an address."""
    here = [one for one in sale.registrations if one.country == country]
    whole = [one for one in here if one.state is None]
    local = [one for one in here if one.state is not None and one.state == state]
    if country == "US":
        return LEVELS if local else ()
    provincial = LEVELS[1:] if any(one.type == PROVINCIAL for one in local) else ()
    national = ("country",) if country == "CA" else LEVELS
    return (*(national if whole else ()), *provincial)


def fits(row: Row, address: Address, state: str | None) -> bool:
    """Tell whether a row covers an address.

    A row with postal codes covers them, and its county, city or district is only its name: addresses seldom
    say in which county they are.
    """
    if row.state and row.state != state:
        return False
    if row.postal_code:
        return _has_postal_code(row.postal_code, address.postal_code or "")
    named = [(row.county, address.county), (row.city, address.city), (row.district, address.district)]
    return all(not said or said.casefold() == (there or "").strip().casefold() for said, there in named)


def _has_postal_code(pattern: str, postal_code: str) -> bool:
    """Tell whether a postal code is one of a pattern: `90210`, `902*`, `90001-90899`, or several with spaces.

    >>> _has_postal_code("902* 10001-10010", "90210-1234"), _has_postal_code("902* 10001-10010", "10011")
    (True, False)
    """
    plain = postal_code.strip().upper()
    short = plain.partition("-")[0]
    for one in pattern.upper().split():
        first, dash, last = one.partition("-")
        if dash and len(first) == len(short) and first <= short <= last:
            return True
        if one.endswith("*") and plain.startswith(one[:-1]):
            return True
        if one in (plain, short):
            return True
    return False


def in_force(row: Row, on: date) -> bool:
    return row.valid_from <= on and (row.valid_to is None or on <= row.valid_to)


def closeness(row: Row) -> tuple[int, int, date]:
    """Return how closely a row fits: by its tax code, by how much it names, by how new it is."""
    named = sum(bool(getattr(row, name)) for name in ("state", "county", "city", "district", "postal_code"))
    return len(row.tax_code), named, row.valid_from


def valid_certificate(sale: Sale, country: str, state: str | None) -> Certificate | None:
    """Return a certificate that exempts the buyer at the place of a sale, on its day."""
    for one in sale.certificates:
        place = one.country == country and one.state in (None, state)
        if place and (one.expires_on is None or sale.supplied_on <= one.expires_on):
            return one
    return None


def _part(row: Row, state: str | None) -> Part:
    reason = "reduced_rated" if row.tax_code else "standard_rated"
    if not row.percentage:
        reason = "product_exempt" if row.tax_code else "zero_rated"
    return Part(
        row.percentage,
        reason,
        row.country,
        row.jurisdiction,
        row.level,
        state if row.level != "country" else row.state or None,
        row.name,
        row.tax_type,
    )


# ------------------------------------------------------------------------------------- the file


def read(text: str) -> list[Row]:
    """Read the rows of a CSV file whose first line names the columns; refuse what is no rate, by its line."""
    reader = csv.DictReader(text.splitlines())
    lacking = {"country", "level", "name", "percentage", "valid_from"} - set(reader.fieldnames or ())
    require(not lacking, f"The file has no column {', '.join(sorted(lacking))}.")
    unknown = sorted(set(reader.fieldnames or ()) - set(COLUMNS))
    require(not unknown, f"The file has columns that are not known: {', '.join(unknown)}.")
    return [row_of(given, number) for number, given in enumerate(reader, 2)]


def row_of(given: Mapping[str, str | None], line: int) -> Row:
    """Return the row of one line of the file."""
    cells = {name: (given.get(name) or "").strip() for name in COLUMNS}
    level, country = cells["level"], cells["country"].upper()
    require(level in LEVELS, f"Line {line}: a level is one of {', '.join(LEVELS)}, not '{level}'.")
    require(len(country) == 2, f"Line {line}: a country has two letters, not '{cells['country']}'.")
    require(cells["name"], f"Line {line}: the tax has no name.")
    require(
        level == "country" or cells[level] or (level == "state" and cells["state"]),
        f"Line {line}: the rate of a {level} does not name it.",
    )
    try:
        percentage = Decimal(cells["percentage"])
        start = date.fromisoformat(cells["valid_from"])
        end = date.fromisoformat(cells["valid_to"]) if cells["valid_to"] else None
    except (InvalidOperation, ValueError) as error:
        require(False, f"Line {line}: {error}.")
        raise
    require(percentage.is_finite() and 0 <= percentage <= 100, f"Line {line}: a percentage is from 0 to 100.")
    require(end is None or start <= end, f"Line {line}: the rate ends before it begins.")
    return Row(
        country=country,
        level=level,
        name=cells["name"],
        percentage=percentage,
        valid_from=start,
        valid_to=end,
        state=cells["state"].upper().removeprefix(f"{country}-"),
        tax_type=cells["tax_type"] or "sales_tax",
        **{name: cells[name] for name in ("county", "city", "district", "postal_code", "tax_code", "source")},
    )
