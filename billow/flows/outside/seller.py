"""Know who sells: what the account says of itself, or for the first account what the settings say."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from billow.api import rows
from billow.core.addresses import address_of
from billow.core.bank.seller import SellerAccount
from billow.core.errors import Inconsistent
from billow.core.file_types import type_of
from billow.core.seller import Logo, Seller
from billow.flows.outside.outside import outside_of
from billow.resources.tax_id import TaxId
from billow.store.tx import Tx

NOTE, STORED = "seller", "seller.profile"


@dataclass(frozen=True, slots=True)
class Profile:
    """What an account says of itself: three hashes of Stripe's account, and ours, which Stripe's has not."""

    id: str
    name: str | None
    country: str
    default_currency: str
    first: bool
    """Whether it is the first account of the installation, which the settings describe."""
    business_profile: Mapping[str, Any] = field(default_factory=dict)
    company: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    seller: Mapping[str, Any] = field(default_factory=dict)
    logo: bytes | None = None
    books: Mapping[str, Any] = field(default_factory=dict)
    """How its books are kept: its chart of accounts, and when its fiscal year begins."""

    @property
    def by_settings(self) -> bool:
        """Whether the settings of the installation describe it: the first, and one that has no name."""
        return self.first or not self.name


FIELDS = "id, name, country, default_currency, business_profile, company, settings, seller, logo, books"
HASHES = ("business_profile", "company", "settings", "seller", "books")


def profile_of(tx: Tx) -> Profile:
    """Load what the account says of itself, once per transaction."""
    if STORED not in tx.notes:
        row = tx.one(
            f"select {FIELDS}, id = (select id from accounts order by created, id limit 1) as first"
            " from accounts where id = %(id)s",
            id=tx.account,
        )
        if row is None:
            raise Inconsistent(f"There is no account {tx.account}.")
        logo = bytes(row["logo"]) if row["logo"] is not None else None
        tx.notes[STORED] = Profile(**{**row, "logo": logo})
    found: Profile = tx.notes[STORED]
    return found


def hold(tx: Tx) -> None:
    """Lock the account, so that who changes its settings reads what the one before has stored."""
    tx.run("select 1 from accounts where id = %(id)s for no key update", id=tx.account)
    for note in (NOTE, STORED, "seller.version", "account"):
        tx.notes.pop(note, None)


def store(tx: Tx, account: str, **changes: Any) -> None:
    """Write what an account says of itself: hashes whole, and the name and country beside them."""
    sets = [f"{name} = %({name})s{'::text::jsonb' if name in HASHES else ''}" for name in changes]
    values = {name: json.dumps(value) if name in HASHES else value for name, value in changes.items()}
    tx.run(f"update accounts set {', '.join(sets)} where id = %(account)s", account=account, **values)
    for note in (NOTE, STORED, "seller.version", "account"):
        tx.notes.pop(note, None)


def seller_of(tx: Tx) -> Seller:
    """Return the seller as it is now."""
    if NOTE not in tx.notes:
        tx.notes[NOTE] = _seller(tx, profile_of(tx))
    found: Seller = tx.notes[NOTE]
    return found


def day_of(tx: Tx, at: datetime) -> date:
    """Return the day of an instant where the seller is, by which banks and papers count."""
    return at.astimezone(ZoneInfo(seller_of(tx).time_zone)).date()


def _seller(tx: Tx, known: Profile) -> Seller:
    """Put together what the account says; for the first account, the settings say what is missing."""
    own, outside = known.seller, outside_of(tx)
    business, company, branding = known.business_profile, known.company, known.settings.get("branding") or {}
    address = company.get("address") or business.get("support_address")
    name = business.get("name") or company.get("name")
    mailbox = own.get("email") or business.get("support_email") or outside.mail_from
    tax_ids = tuple((type, value) for type, value in own.get("tax_ids") or [])
    base = known.by_settings
    plain = bool(address and (address.get("line1") or address.get("city")))
    holder = name or (outside.seller_name if base else "") or known.name or ""
    return Seller(
        name=holder,
        email=mailbox,
        phone=business.get("support_phone") or company.get("phone") or "",
        url=business.get("url") or "",
        address=address_of({**(address or {}), "country": (address or {}).get("country") or known.country})
        if plain
        else None,
        address_lines=outside.seller_address if base and not plain else (),
        country=known.country,
        tax_ids=tax_ids,
        tax_number=outside.seller_tax_id if base and not tax_ids else "",
        company_number=own.get("company_number") or "",
        statements=tuple(own.get("statements") or ()),
        account=account_of(own.get("bank"), holder, outside.account if base else None),
        footer=own.get("footer") or "",
        language=own.get("language") or "",
        time_zone=own.get("time_zone") or "UTC",
        primary_color=branding.get("primary_color") or "",
        secondary_color=branding.get("secondary_color") or "",
        contact=own.get("contact") or "",
        hides_zero_usage=own.get("zero_usage") == "hide",
        logo=Logo(type_of("", known.logo) or "png", known.logo) if known.logo else None,
    )


def account_of(
    bank: Mapping[str, Any] | None, holder: str, base: SellerAccount | None = None
) -> SellerAccount | None:
    """Return the bank account that an account of billow names; what it leaves out, that of the settings says.

    An IBAN and its BIC go together: neither is completed by the settings where the account names the other.
    """
    if not bank:
        return base
    known = dict(bank)
    if base and not known.get("iban"):
        known |= {"iban": base.iban, "bic": known.get("bic") or base.bic}
    made = replace(base or SellerAccount(holder), **{"holder": holder, "bic": "", **known})
    return made if made.takes_transfers else None


def default_tax_ids(tx: Tx) -> list[str]:
    """Return the ids of the tax ids that invoices name where they say nothing else, in this mode."""
    found = profile_of(tx).seller.get("default_tax_ids") or {}
    ids = list(found.get("live" if tx.livemode else "test") or [])
    known = rows.find_many(tx, TaxId, ids) if ids else {}
    return [id for id in ids if id in known]  # one may have been deleted since


# ------------------------------------------------------------------------------------- as issued


def version_of(tx: Tx) -> str:
    """Keep the seller as it is now, and return under which id: the same seller is kept once."""
    if "seller.version" not in tx.notes:
        seller = seller_of(tx)
        content = json.dumps(written(seller), sort_keys=True)
        logo = seller.logo.body if seller.logo else b""
        id = sha256(content.encode() + logo).hexdigest()[:24]
        tx.run(
            "insert into seller_versions (id, content, logo) values (%(id)s, %(content)s::text::jsonb,"
            " %(logo)s) on conflict do nothing",
            id=id,
            content=content,
            logo=logo or None,
        )
        tx.notes["seller.version"] = id
    return str(tx.notes["seller.version"])


def seller_at(tx: Tx, version: str | None) -> Seller:
    """Return the seller by which an invoice was issued; that of now where it is not issued yet."""
    if version is None:
        return seller_of(tx)
    note = f"seller.{version}"
    if note not in tx.notes:
        row = tx.one("select content, logo from seller_versions where id = %(id)s", id=version)
        tx.notes[note] = read(row["content"], row["logo"]) if row else seller_of(tx)
    found: Seller = tx.notes[note]
    return found


def written(seller: Seller) -> dict[str, Any]:
    """Return a seller as JSON, without its logo and without what is empty."""
    known = {name: getattr(seller, name) for name in Seller.__dataclass_fields__ if name != "logo"}
    for name in ("address", "account"):
        part = known[name]
        known[name] = {one: getattr(part, one) for one in part.__dataclass_fields__} if part else None
    return {name: value for name, value in known.items() if value}


def read(content: Mapping[str, Any], logo: bytes | None) -> Seller:
    """Read a seller from JSON."""
    given = dict(content)
    address, account = given.pop("address", None), given.pop("account", None)
    tax_ids: Sequence[Sequence[str]] = given.pop("tax_ids", ())
    lines, statements = tuple(given.pop("address_lines", ())), tuple(given.pop("statements", ()))
    made = Seller(
        **given,
        address_lines=lines,
        statements=statements,
        tax_ids=tuple((type, value) for type, value in tax_ids),
        address=address_of(address) if address else None,
        account=SellerAccount(**account) if account else None,
    )
    return replace(made, logo=Logo(type_of("", bytes(logo)) or "png", bytes(logo))) if logo else made
