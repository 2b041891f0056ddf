"""Decide VAT of the European Union: who owes it, in which member state, at which rate of which day."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from billow.core.errors import Unavailable
from billow.core.place_of_supply import (
    SAME,
    Place,
    Supply,
    Treatment,
    canonical,
    in_vat_area,
    place_of_supply,
)
from billow.providers.taxes import Decision, Part, Registration, Sale, TaxNumber, kind_of, untaxed
from billow.providers.taxes.table import Table

FILE = Path(__file__).parent / "eu_vat_rates.json"
REDUCED = FILE.with_name("eu_vat_reduced.json")
REASONS = {
    "eu_goods": "reverse_charge",
    "eu_reverse_charge": "reverse_charge",
    "domestic_reverse_charge": "reverse_charge",
    "exempt": "not_subject_to_tax",
    "export": "zero_rated",
    "export_service": "not_collecting",
    "nontaxable": "product_exempt",
    "outside": "not_collecting",
}
"""Why nothing is due, in Stripe's words, by treatment."""
NO_TABLE = Table(())


@cache
def rates() -> Mapping[str, Any]:
    """Read the file of standard rates: by region, its name for VAT and the rates by the day they began."""
    found: Mapping[str, Any] = json.loads(FILE.read_text("utf-8"))
    return found


def standard_rate(region: str, on: date) -> Decimal:
    """Return the standard rate of a member state or region on a day; raise Unavailable where none is known.

    >>> standard_rate("DE", date(2020, 12, 31)), standard_rate("DE", date(2021, 1, 1))
    (Decimal('16'), Decimal('19'))
    """
    since = rates()["rates"].get(region, {}).get("since", {})
    begun = [day for day in since if date.fromisoformat(day) <= on]
    if not begun:
        raise Unavailable(f"No VAT rate of {region} on {on} is known.")
    return Decimal(since[max(begun)])


@cache
def reduced() -> Mapping[str, Any]:
    """Read the file of reduced rates: by tax code and region, the rates by the day from which they are known.

    A rate that is null depends on more than the tax code says: the seller loads it.
    """
    found: Mapping[str, Any] = json.loads(REDUCED.read_text("utf-8"))
    return found


def reduced_rate(region: str, code: str, on: date) -> Decimal | None:
    """Return the reduced rate of a tax code on a day, or None where the standard rate applies.

    Raises Unavailable where the region has one that is not known for the day.

    >>> reduced_rate("SE", "txcd_10302000", date(2026, 1, 1)), reduced_rate("DK", "txcd_10302000", date.max)
    (Decimal('6'), None)
    """
    since = reduced()["rates"].get(code, {}).get(region)
    if since is None:
        return None
    begun = [day for day in since if date.fromisoformat(day) <= on]
    rate = since[max(begun)] if begun else None
    if rate is None:
        raise Unavailable(
            f"The VAT rate of {region} on {on} for {code} is not known: `billow tax load` adds it."
        )
    return Decimal(rate)


@dataclass(frozen=True, slots=True)
class EuVat:
    """A tax source for sales from the Union, and to consumers in it. `own` has the account.s by tax code."""

    own: Table = NO_TABLE
    name: str = "eu_vat"

    def decide(self, sale: Sale) -> Decision:
        """Apply the place of supply, then the seller's registrations, then the rate of the day."""
        require_registration(sale)
        if not registered_in_union(sale.registrations):
            why = "The seller has no VAT registration in the EU, so no VAT is collected."
            return untaxed(sale, "not_collecting", "not_collecting", why, self.name)
        if sale.exemption == "exempt":
            return untaxed(sale, "customer_exempt", "exempt", "The customer is exempt.", self.name)
        place = self.place(sale)
        if place.rate_of is None:
            return self.without_tax(sale, place)
        if not collects(sale, place):
            where = place.rate_of[:2]
            why = f"{place.why} There is no registration for {where}, so no VAT is collected."
            return untaxed(sale, "not_collecting", "not_collecting", why, self.name)
        if sale.exemption == "reverse":
            return self.without_tax(sale, marked(sale))
        return self.taxed(sale, place)

    def place(self, sale: Sale) -> Place:
        home, _ = canonical(sale.seller)
        valid = [one for one in sale.numbers if one.valid]
        numbers = [one.value[:2].upper() for one in valid if one.type == "eu_vat"]
        foreign = [one for one in numbers if SAME.get(one, one) != home]
        small = any(
            one.country == home and one.type == "standard" and one.scheme == "small_seller"
            for one in sale.registrations
        )
        supply = Supply(
            kind=kind_of(sale.code),
            seller=sale.origin if sale.origin and kind_of(sale.code) == "goods" else sale.seller,
            buyer=sale.buyer,
            number=next(iter(foreign), None),
            business=bool(valid),
            over_threshold=not small,
            small_enterprise=sale.small_enterprise,
        )
        return place_of_supply(supply)

    def without_tax(self, sale: Sale, place: Place) -> Decision:
        country, _ = canonical(sale.buyer)
        part = Part(
            Decimal(0), REASONS[place.treatment], country, country, name=name_of(country), tax_type="vat"
        )
        return Decision(
            (part,), place.treatment, place.why, self.name, place.category, place.mention, self.facts(sale)
        )

    def taxed(self, sale: Sale, place: Place) -> Decision:
        region = place.rate_of or ""
        country = region[:2]
        own = self.own.own_rate(country, sale.code, sale.supplied_on)
        lower = None if own else reduced_rate(region, sale.code, sale.supplied_on)
        special = own.percentage if own else lower
        percentage = standard_rate(region, sale.supplied_on) if special is None else special
        reason = "standard_rated" if special is None else "reduced_rated" if special else "zero_rated"
        state = region[3:] or None
        name = own.name if own else name_of(region)
        part = Part(percentage, reason, country, country, "country", state, name, "vat")
        file = rates() if lower is None else reduced()
        source = (own.source or "the account's table") if own else f"{file['source']}, {file['as_of']}"
        facts = {**self.facts(sale), "rate from": source, "rate of": str(sale.supplied_on)}
        if place.scheme:
            facts["scheme"] = place.scheme
        category = place.category if percentage else "Z"
        return Decision((part,), place.treatment, place.why, self.name, category, place.mention, facts)

    def facts(self, sale: Sale) -> dict[str, str]:
        numbers = ", ".join(f"{one.value} ({how_checked(one)})" for one in sale.numbers)
        return {"tax numbers": numbers} if numbers else {}


def how_checked(number: TaxNumber) -> str:
    return (number.checked or "valid") if number.valid else "not valid"


def marked(sale: Sale) -> Place:
    """Return the place of a sale to a customer whom the seller has marked for reverse charge."""
    at_home = canonical(sale.seller)[0] == canonical(sale.buyer)[0]
    why = "The customer is marked for reverse charge."
    treatment: Treatment = "domestic_reverse_charge" if at_home else "eu_reverse_charge"
    return Place(treatment, "AE", why, mention="Reverse charge")


def name_of(region: str) -> str:
    found = rates()["rates"].get(region)
    return f"{found['name']} {region}" if found else f"VAT {region}"


def require_registration(sale: Sale) -> None:
    """Refuse to decide for a seller who has a VAT number at home, but no registration there that is in force.

    Such an invoice would have the number on it and no VAT, which nobody who is registered may issue.
    """
    home, _ = canonical(sale.seller)
    if sale.number and not sale.small_enterprise and not registered_at(home, sale.registrations):
        raise Unavailable(
            f"The seller has the VAT number {sale.number}, but no tax registration in {home} is in force: add"
            " one that has begun, or say that the seller is a small enterprise."
        )


def registered_at(home: str, registrations: Sequence[Registration]) -> bool:
    """Tell whether the seller is registered for VAT in a member state."""
    return any(one.country == home and one.type == "standard" for one in registrations)


def registered_in_union(registrations: Sequence[Registration]) -> bool:
    """Tell whether the seller is registered for VAT anywhere in the Union."""
    known = rates()["rates"]
    return any(one.country in known for one in registrations)


def collects(sale: Sale, place: Place) -> bool:
    """Tell whether a registration covers the place of supply: one in that state, or the one-stop shop."""
    country = (place.rate_of or "")[:2]
    if any(one.country == country and one.type == "standard" for one in sale.registrations):
        return True
    wanted = "oss_union" if in_vat_area(sale.seller) else "oss_non_union"
    shop = {wanted, "ioss"} if kind_of(sale.code) == "goods" else {wanted}
    return place.treatment == "oss" and any(one.type in shop for one in sale.registrations)


def answers_for(sale: Sale) -> bool:
    """Tell whether a sale is one of those that this source decides: from the Union, or to it."""
    return in_vat_area(sale.seller) or in_vat_area(sale.buyer)
