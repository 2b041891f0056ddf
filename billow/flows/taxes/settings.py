"""Show and change the tax settings of an account: where its head office is, and its defaults."""

import json
from dataclasses import dataclass, replace
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.api.resource import route
from billow.core.errors import require
from billow.core.place_of_supply import Address
from billow.core.tax_ids import MEMBERS
from billow.resources.tax_code import TaxCode
from billow.store import outbox
from billow.store.tx import Tx

NOTE = "tax_settings"
FIRST_CODE = "txcd_10000000"
"""The tax code of products that have none, where the settings name no other: digital services."""
ADDED_TO = ("cad", "usd")
"""The currencies in which prices are without tax, where this is inferred from the currency."""


@dataclass(frozen=True, slots=True)
class TaxSettings:
    """What is set; a head office makes automatic tax possible."""

    head_office: dict[str, Any] | None = None
    tax_behavior: str | None = None
    tax_code: str | None = None
    rounding: str | None = None
    """Whether tax is rounded per line or per invoice; None: per invoice for sellers in the EU."""
    small_enterprise: bool = False
    """The seller is exempt of VAT as a small enterprise."""
    country: str = ""
    """The country of the account."""

    @property
    def per_line(self) -> bool:
        """Return whether the tax of each line is rounded by itself, of taxes that are set by hand."""
        country = (self.head_office or {}).get("country") or self.country
        return self.rounding == "line" if self.rounding else country not in MEMBERS

    @property
    def active(self) -> bool:
        return bool(self.head_office and self.head_office.get("country"))

    @property
    def seller(self) -> Address:
        """Return where the seller is. Without a head office there is no such place."""
        office = self.head_office or {}
        return Address(
            office.get("country") or "", office.get("state"), office.get("postal_code"), office.get("city")
        )

    def behavior(self, currency: str) -> str:
        """Return whether prices that do not say include tax; without a default they do not."""
        if self.tax_behavior == "inferred_by_currency":
            return "exclusive" if currency in ADDED_TO else "inclusive"
        return self.tax_behavior or "exclusive"


def settings_of(tx: Tx) -> TaxSettings:
    """Load the tax settings of the tenant, once per transaction."""
    if NOTE not in tx.notes:
        row = tx.one(
            "select head_office, tax_behavior, tax_code, rounding,"
            " coalesce(small_enterprise, false) as small_enterprise, country"
            " from accounts left join tax_settings on true where accounts.id = %(id)s",
            id=tx.account,
        )
        tx.notes[NOTE] = TaxSettings(**row) if row else TaxSettings()
    found: TaxSettings = tx.notes[NOTE]
    return found


def shown(tx: Tx, found: TaxSettings) -> dict[str, Any]:
    return {
        "object": "tax.settings",
        "defaults": {"provider": "stripe", "tax_behavior": found.tax_behavior, "tax_code": found.tax_code},
        "head_office": {"address": found.head_office} if found.head_office else None,
        "livemode": tx.livemode,
        "status": "active" if found.active else "pending",
        "status_details": {"active": {}}
        if found.active
        else {"pending": {"missing_fields": ["head_office.address.country"]}},
    }


@route("GET", "/v1/tax/settings")
def retrieve(tx: Tx) -> dict[str, Any]:
    """Retrieve the tax settings of the account."""
    return shown(tx, settings_of(tx))


class OfficeAddress(Params):
    city: str | None = f.text(unset=True)
    country: str | None = f.text(max=2)
    line1: str | None = f.text(unset=True)
    line2: str | None = f.text(unset=True)
    postal_code: str | None = f.text(unset=True)
    state: str | None = f.text(unset=True)


class HeadOffice(Params):
    address: OfficeAddress = f.nested(shape=OfficeAddress, required=True)


class Defaults(Params):
    tax_behavior: str | None = f.choice(SHOWN, "exclusive", "inclusive", "inferred_by_currency")
    tax_code: str | None = f.ref("tax_code")


class Update(Params):
    defaults: Defaults | None = f.nested(shape=Defaults)
    head_office: HeadOffice | None = f.nested(shape=HeadOffice)


@route("POST", "/v1/tax/settings", Update)
def update(tx: Tx, wanted: Update) -> dict[str, Any]:
    """Update the tax settings; with a head office they become active, and automatic tax possible."""
    before = settings_of(tx)
    office, defaults = before.head_office, wanted.defaults
    if wanted.head_office:
        office = wanted.head_office.address.shown()
        country = office["country"]
        require(
            country and len(country) == 2 and country.isalpha(),
            "The head office needs a country: a 2-character code.",
            param="head_office[address][country]",
            code="parameter_missing" if not country else "country_code_invalid",
        )
        office["country"] = country.upper()
    if defaults and defaults.tax_code:
        rows.find(tx, TaxCode, defaults.tax_code, param="defaults[tax_code]")
    after = replace(
        before,
        head_office=office,
        tax_behavior=(defaults and defaults.tax_behavior) or before.tax_behavior,
        tax_code=(defaults and defaults.tax_code) or before.tax_code,
    )
    store(tx, after)
    if after != before:
        old, new = shown(tx, before), shown(tx, after)
        previous = {name: value for name, value in old.items() if new[name] != value}
        outbox.write(tx, [outbox.NewEvent("tax.settings.updated", new, previous)])
    return shown(tx, after)


def store(tx: Tx, wanted: TaxSettings) -> None:
    tx.run(
        "insert into tax_settings (head_office, tax_behavior, tax_code, rounding, small_enterprise)"
        " values (%(office)s::text::jsonb, %(behavior)s, %(code)s, %(rounding)s, %(small)s)"
        " on conflict (tenant) do update set head_office = excluded.head_office,"
        " tax_behavior = excluded.tax_behavior, tax_code = excluded.tax_code,"
        " rounding = excluded.rounding, small_enterprise = excluded.small_enterprise",
        office=json.dumps(wanted.head_office) if wanted.head_office else None,
        behavior=wanted.tax_behavior,
        code=wanted.tax_code,
        rounding=wanted.rounding,
        small=wanted.small_enterprise,
    )
    tx.notes[NOTE] = wanted
