"""Tax registrations: the tax offices that the seller is registered with, for which tax is collected."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params, missing, read, specs
from billow.api.resource import Resource, Where
from billow.core.errors import require
from billow.store.tx import Tx

#: The countries by the options that a registration there has.
STANDARD = (
    "ae", "al", "ao", "au", "aw", "ba", "bb", "bd", "bf", "bh", "bs", "cd", "ch", "et", "gb", "gn",
    "is", "jp", "me", "mk", "mr", "no", "nz", "om", "rs", "sg", "sr", "uy", "za", "zw",
)  # fmt: skip
SIMPLIFIED = (
    "am", "az", "bj", "bw", "by", "ci", "cl", "cm", "co", "cr", "cv", "ec", "eg", "ge", "gh", "id",
    "in", "ke", "kg", "kh", "kr", "kz", "la", "lk", "ma", "md", "mu", "mx", "my", "ng", "np", "pe",
    "ph", "ru", "sa", "sn", "th", "tj", "tr", "tw", "tz", "ua", "ug", "uz", "vn", "zm",
)  # fmt: skip
UNION = (
    "at", "be", "bg", "cy", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr", "hr", "hu", "ie", "it",
    "lt", "lu", "lv", "mt", "nl", "pl", "pt", "ro", "se", "si", "sk",
)  # fmt: skip
LOCAL = (
    "admissions_tax",
    "attendance_tax",
    "entertainment_tax",
    "gross_receipts_tax",
    "hospitality_tax",
    "local_amusement_tax",
    "local_lease_tax",
    "luxury_tax",
    "mass_transit_parking_tax",
    "parking_tax",
    "resort_tax",
    "tourism_tax",
    "utility_users_tax",
)
"""Taxes of places in the United States, whose registration names the place."""
STATEWIDE = ("digital_excise_tax", "state_communications_tax", "state_retail_delivery_fee", "state_sales_tax")


def _shape(name: str, **declared: Any) -> type[Params]:
    """Make a class of params from its declarations."""
    return type(name, (Params,), {**declared, "__annotations__": dict.fromkeys(declared, Any)})


def _supplied(*schemes: str, **more: Any) -> Any:
    shape = _shape("Standard", place_of_supply_scheme=f.choice(SHOWN, *schemes, **more))
    return f.nested(shape=shape)


Place = _shape("Place", jurisdiction=f.text(required=True))
Election = _shape(
    "Election",
    jurisdiction=f.text(),
    type=f.choice(
        SHOWN, "local_use_tax", "simplified_sellers_use_tax", "single_local_use_tax", required=True
    ),
)
StateSales = _shape("StateSales", elections=f.array(SHOWN, Election, required=True))
Province = _shape("Province", province=f.text(max=2, required=True))
Simplified = _shape("Simplified", type=f.choice(SHOWN, "simplified", required=True))
Standard = _shape(
    "Standard",
    standard=_supplied("inbound_goods", "standard"),
    type=f.choice(SHOWN, "standard", required=True),
)
Union = _shape(
    "Union",
    standard=_supplied("inbound_goods", "small_seller", "standard", required=True),
    type=f.choice(SHOWN, "ioss", "oss_non_union", "oss_union", "standard", required=True),
)
Canada = _shape(
    "Canada",
    province_standard=f.nested(shape=Province),
    type=f.choice(SHOWN, "province_standard", "simplified", "standard", required=True),
)
America = _shape(
    "America",
    **{name: f.nested(shape=Place) for name in LOCAL},
    state=f.text(max=2, required=True),
    state_sales_tax=f.nested(shape=StateSales),
    type=f.choice(SHOWN, *sorted((*LOCAL, *STATEWIDE)), required=True),
)
SHAPES: Mapping[str, type[Params]] = {
    **dict.fromkeys(STANDARD, Standard),
    **dict.fromkeys(SIMPLIFIED, Simplified),
    **dict.fromkeys(UNION, Union),
    "ca": Canada,
    "us": America,
}
"""What a registration says of its country, by the country's code."""


def status(row: "TaxRegistration", now: datetime, shown: dict[str, Any]) -> str:
    if row.expires_at and row.expires_at <= now:
        return "expired"
    return "scheduled" if row.active_from > now else "active"


class TaxRegistration(
    Resource,
    object="tax.registration",
    path="/v1/tax/registrations",
    prefix="taxreg_",
    table="tax_registrations",
    events=(),
):
    """A registration with the tax office of a country or a state, from when and until when it holds."""

    called = "tax registration"

    active_from: datetime = f.timestamp(required=True)
    country: str = f.text(required=True)
    country_options: dict[str, Any] = f.nested(required=True)
    expires_at: datetime | None = f.timestamp()
    status: str = f.computed(status)


class Create(Params):
    active_from: datetime | str = f.timestamp(choices=("now",), required=True)
    country: str = f.text(max=2, required=True)
    country_options: dict[str, Any] = f.nested(required=True)
    expires_at: datetime | None = f.timestamp()


@TaxRegistration.create(Create)
def create(tx: Tx, wanted: Create) -> TaxRegistration:
    """Create a tax registration: from when it is active, tax is collected there."""
    start = instant_of(tx, wanted.active_from)
    check_period(start, wanted.expires_at)
    return rows.insert(
        tx,
        TaxRegistration(
            active_from=start,
            country=wanted.country.upper(),
            country_options=options_of(wanted),
            expires_at=wanted.expires_at,
        ),
        event=None,
    )


def options_of(wanted: Create) -> dict[str, Any]:
    """Return the options of the country of a registration; refuse those of another one."""
    country = wanted.country.lower()
    require(
        country in SHAPES,
        f"Tax registrations in {wanted.country.upper()} are not supported.",
        param="country",
    )
    given = wanted.country_options
    other = sorted(given.keys() - {country})
    require(
        not other,
        f"The options must be those of the country {wanted.country.upper()}.",
        param=f"country_options[{other[0]}]" if other else None,
    )
    if country not in given:
        raise missing(f"country_options[{country}]")
    at = f"country_options[{country}]"
    require(isinstance(given[country], dict), "Invalid object", param=at)
    options: Any = read(SHAPES[country], given[country], at)
    kind = options.type
    detailed = kind in LOCAL or kind == "province_standard" or (kind == "standard" and country in UNION)
    if detailed and getattr(options, kind) is None:
        raise missing(f"{at}[{kind}]")
    others = [name for name in options.sent() if name not in (kind, "type", "state")]
    require(
        not others, f"`{others[0] if others else ''}` is not an option of a {kind} registration.", param=at
    )
    shown = {name: rows.plain_value(value) for name, value in options.sent().items()}
    if country in STANDARD and not shown.get("standard"):
        shown["standard"] = {"place_of_supply_scheme": "standard"}
    return {country: {**dict.fromkeys(specs(type(options))), **shown}}


def instant_of(tx: Tx, given: datetime | str) -> datetime:
    return tx.now.replace(microsecond=0) if isinstance(given, str) else given


def check_period(start: datetime, end: datetime | None) -> None:
    require(end is None or end > start, "`expires_at` must be after `active_from`.", param="expires_at")


class Update(Params):
    active_from: datetime | str | None = f.timestamp(choices=("now",))
    expires_at: datetime | str | None = f.timestamp(choices=("now",), unset=True)


@TaxRegistration.update(Update)
def update(tx: Tx, row: TaxRegistration, wanted: Update) -> TaxRegistration:
    """Update from when and until when a registration is active; it is never deleted."""
    changes: dict[str, Any] = {}
    if wanted.active_from is not None:
        require(
            row.active_from > tx.now,
            "`active_from` can only be changed while the registration is scheduled.",
            param="active_from",
        )
        changes["active_from"] = instant_of(tx, wanted.active_from)
    if wanted.given("expires_at"):
        end = wanted.expires_at
        changes["expires_at"] = None if end is None else instant_of(tx, end)
    start = changes.get("active_from", row.active_from)
    if wanted.expires_at != "now":
        check_period(start, changes.get("expires_at", row.expires_at))
    return rows.update(tx, row, event=None, **changes)


class Filters(Params):
    status: str | None = f.choice(SHOWN, "active", "all", "expired", "scheduled")


IN_STATE = {
    "active": "active_from <= %(now)s and (expires_at is null or expires_at > %(now)s)",
    "expired": "expires_at <= %(now)s",
    "scheduled": "active_from > %(now)s and (expires_at is null or expires_at > %(now)s)",
}


@TaxRegistration.listing(Filters)
def listing(tx: Tx, wanted: Filters) -> Where:
    """List tax registrations, newest first."""
    if wanted.status in (None, "all"):
        return Where()
    return Where(IN_STATE[wanted.status or ""], now=tx.now)
