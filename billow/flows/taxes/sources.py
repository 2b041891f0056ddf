"""Ask the tax source of a sale: build what it is asked, from settings, registrations and the customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from billow.api import rows
from billow.core.place_of_supply import SAME, Address, canonical, in_vat_area
from billow.core.tax_ids import compact, is_valid
from billow.flows.outside.outside import outside_of
from billow.flows.outside.seller import seller_of
from billow.flows.taxes import loaded
from billow.flows.taxes.settings import FIRST_CODE, TaxSettings, settings_of
from billow.providers.taxes import Certificate, Decision, Registration, Sale, TaxNumber, TaxSource
from billow.providers.taxes.eu_vat import EuVat, answers_for, registered_at
from billow.providers.taxes.table import Table
from billow.resources.tax_id import TaxId
from billow.resources.tax_registration import TaxRegistration
from billow.store.tx import Tx

NOTE = "tax_registrations"
NEED_A_STATE = ("CA", "US")
"""Countries in which a tax cannot be decided without the state."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """To whom is sold: where, with which tax numbers, exempt of what, and what says where they are."""

    billing: Address | None = None
    shipping: Address | None = None
    numbers: Sequence[TaxNumber] = ()
    exemption: str = "none"
    certificates: Sequence[Certificate] = ()
    evidence: Sequence[Mapping[str, str]] = field(default_factory=tuple)
    by_ip: Address | None = None

    def place(self, goods: bool) -> Address | None:
        """Return where they are for tax: goods at the shipping address, the rest at the billing one."""
        order = (self.shipping, self.billing) if goods else (self.billing, self.shipping)
        return next((place for place in (*order, self.by_ip) if place is not None), None)


def address_of(given: Mapping[str, Any] | None) -> Address | None:
    """Return the place of an address as the API has it; None where it does not say enough to be taxed."""
    country = ((given or {}).get("country") or "").strip().upper()
    if given is None or len(country) != 2:
        return None
    if country in NEED_A_STATE and not given.get("state"):
        return None
    return Address(country, given.get("state"), given.get("postal_code"), given.get("city"))


def registrations(tx: Tx) -> list[Registration]:
    """Load the registrations that are active now, once per transaction."""
    if NOTE not in tx.notes:
        active = "active_from <= %(now)s and (expires_at is null or expires_at > %(now)s)"
        found = rows.select(tx, TaxRegistration, active, now=tx.now)
        tx.notes[NOTE] = [registration_of(row) for row in found]
    known: list[Registration] = tx.notes[NOTE]
    return known


def registration_of(row: TaxRegistration) -> Registration:
    options = row.country_options[row.country.lower()]
    state = options.get("state") or (options.get("province_standard") or {}).get("province")
    scheme = (options.get("standard") or {}).get("place_of_supply_scheme")
    return Registration(row.country, options["type"], state.upper() if state else None, scheme)


def number_of(
    tx: Tx, type: str, value: str, status: str | None, verified_at: datetime | None = None
) -> TaxNumber:
    """Return a tax number as sources are told of it.

    It counts if a register has it. Where no register is asked, it counts by its check digits.
    """
    asked = type == "eu_vat" and tx.livemode and outside_of(tx).register is not None
    right = is_valid(type, value) and status != "unverified" and not asked
    verified = status == "verified"
    checked = verified_by(tx, verified_at) if verified else "format checked" if right else ""
    return TaxNumber(type, compact(value), verified or right, checked)


def verified_by(tx: Tx, at: datetime | None) -> str:
    """Say which register has a number, and when it said so."""
    register = "VIES" if tx.livemode else "the test numbers"
    return f"validated by {register} at {at:%Y-%m-%d %H:%M} UTC" if at else f"validated by {register}"


def numbers_of(tx: Tx, customers: Sequence[str]) -> dict[str, list[TaxNumber]]:
    """Load the tax numbers of customers, the oldest first."""
    found = rows.select(tx, TaxId, "customer = any(%(ids)s)", "order by created, id", ids=list(customers))
    by_customer: dict[str, list[TaxNumber]] = {}
    for row in found:
        status = (row.verification or {}).get("status")
        by_customer.setdefault(row.customer or "", []).append(
            number_of(tx, row.type, row.value, status, row.verified_at)
        )
    return by_customer


@dataclass(frozen=True, slots=True)
class Asking:
    """What all sales of a transaction have in common."""

    settings: TaxSettings
    registrations: Sequence[Registration]
    table: Table
    other: TaxSource | None = None
    number: str = ""
    """The seller's VAT number at home."""

    def decide(
        self, buyer: Buyer, place: Address, code: str, on: date, origin: Address | None = None
    ) -> Decision:
        """Ask the source of a sale; raise `Unavailable` where it cannot say."""
        sale = Sale(
            seller=self.settings.seller,
            buyer=place,
            code=code,
            supplied_on=on,
            registrations=self.registrations,
            numbers=buyer.numbers,
            exemption=buyer.exemption,
            small_enterprise=self.settings.small_enterprise,
            number=self.number,
            certificates=buyer.certificates,
            origin=origin,
        )
        return self.source(sale).decide(sale)

    def source(self, sale: Sale) -> TaxSource:
        """Choose the source: the EU's rules for what is sold from or to it, else the table of the account.

        A seller in the Union who is registered elsewhere too taxes there by the table.
        """
        if self.other is not None:
            return self.other
        country, _ = canonical(sale.buyer)
        elsewhere = any(one.country == country for one in self.registrations) and not in_vat_area(sale.buyer)
        return EuVat(self.table) if answers_for(sale) and not elsewhere else self.table


def asking(tx: Tx, places: Sequence[Address | None]) -> Asking:
    """Load what the sales to these places need."""
    settings, known = settings_of(tx), registrations(tx)
    countries = {canonical(place)[0] for place in places if place} | {one.country for one in known}
    table = loaded.table_of(tx, countries | {settings.seller.country})
    return Asking(settings, known, table, outside_of(tx).tax_source, number_to_register(tx))


def home_number(tx: Tx) -> str:
    """Return the seller's VAT number of the member state where the head office is, or nothing."""
    home, _ = canonical(settings_of(tx).seller)
    numbers = [compact(value) for type, value in seller_of(tx).tax_ids if type == "eu_vat"]
    return next((one for one in numbers if home and SAME.get(one[:2], one[:2]) == home), "")


def number_to_register(tx: Tx) -> str:
    """Return the VAT number beside which a registration must be in force; none where test mode is excused.

    Both modes share the number, and registrations belong to one. So test mode is excused while it has no
    registration at home, and on a test clock that is before the first day of all it has.
    """
    number = home_number(tx)
    if tx.livemode or not number:
        return number
    home, _ = canonical(settings_of(tx).seller)
    begun = "country = %(home)s and (%(on_the_wall)s or active_from <= %(now)s)"
    found = rows.select(tx, TaxRegistration, begun, home=home, on_the_wall=tx.clock == "wall", now=tx.now)
    return number if registered_at(home, [registration_of(row) for row in found]) else ""


def only_by_hand(tx: Tx) -> bool:
    """Tell whether invoices have been issued, and nothing is billed with automatic tax."""
    [(found,)] = tx.tuples(
        "select exists (select from invoices where status <> 'draft')"
        " and not exists (select from subscriptions where (automatic_tax ->> 'enabled')::boolean)"
        " and not exists (select from quotes where (automatic_tax ->> 'enabled')::boolean)"
        " and not exists (select from payment_links where (automatic_tax ->> 'enabled')::boolean)"
        " and not exists (select from invoices where (automatic_tax ->> 'enabled')::boolean)"
    )
    return bool(found)


def unregistered(tx: Tx) -> str:
    """Return the VAT number of a seller who has no registration in force at home, so live mode refuses."""
    number, settings = home_number(tx), settings_of(tx)
    home, _ = canonical(settings.seller)
    without = number and not settings.small_enterprise and not registered_at(home, registrations(tx))
    return number if without and not only_by_hand(tx) else ""


def code_or_first(settings: TaxSettings, code: str | None) -> str:
    return code or settings.tax_code or FIRST_CODE
