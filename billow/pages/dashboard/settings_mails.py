"""The settings of mails and of tax."""

from dataclasses import replace
from datetime import date
from typing import Any

from billow.api import rows
from billow.api.params import made
from billow.core.errors import Refused, require
from billow.flows.mails import kinds
from billow.flows.outside import merchant
from billow.flows.outside.seller import seller_of
from billow.flows.taxes import settings as taxes
from billow.flows.taxes import sources
from billow.pages import forms
from billow.pages.dashboard import facts, layout
from billow.pages.dashboard.settings_form import Field, Form, Item, Section, Shown, ticked
from billow.pages.dashboard.settings_payments import days_in, words
from billow.pages.dashboard.visit import Visit
from billow.pages.words import words_of
from billow.resources import tax_registration
from billow.resources.tax_registration import TaxRegistration
from billow.store.tx import Tx

SWITCH = "sends_"


def mails(visit: Visit, tx: Tx) -> Shown:
    now = merchant.merchant_of(tx)
    switches = [
        Field(f"{SWITCH}{kind}", words(kind), "yes" if now.mails.get(kind, sent) else "", "tick")
        for kind, sent in kinds.SENT.items()
    ]
    return Shown(
        [
            Field("display_name", "Name that mails are written in", now.display_name or ""),
            Field(
                "reminder_days",
                "Days after the due date on which unpaid invoices are reminded of",
                ", ".join(map(str, now.reminder_days)),
            ),
            *switches,
        ],
        pairs=[("Sent from", facts.text(merchant.sender_address_of(tx) or visit.desk.outside.mail_from))],
        fixed=[
            "Mails come from the address of the server (BILLOW_MAIL_FROM), or from your own below Company."
        ],
    )


def write_mails(visit: Visit, tx: Tx, form: Form) -> dict[str, Any]:
    now = merchant.merchant_of(tx)
    switched = {kind: ticked(form, f"{SWITCH}{kind}") for kind in kinds.SENT}
    wanted = merchant.changed(
        now,
        mails={**now.mails, **switched},
        display_name=" ".join(form.get("display_name", "").split()) or None,
        reminder_days=tuple(days_in(form.get("reminder_days", ""))),
    )
    merchant.store(tx, wanted)
    return {kind: on for kind, on in switched.items() if on != now.mails.get(kind, kinds.SENT[kind])}


# ------------------------------------------------------------------------------------- tax

OFFICE = (
    ("line1", "Address of the head office"),
    ("postal_code", "Postcode"),
    ("city", "City"),
    ("state", "State"),
)
BEHAVIORS = (
    ("exclusive", "Tax is added to them"),
    ("inclusive", "They include tax"),
    ("inferred_by_currency", "Added in USD and CAD, else included"),
)
SCHEMES = (
    ("standard", "Standard"),
    ("oss_union", "One-stop shop, union"),
    ("oss_non_union", "One-stop shop, non-union"),
    ("ioss", "Import one-stop shop"),
    ("simplified", "Simplified"),
)
TONES = {"active": "good", "scheduled": "info"}


def tax(visit: Visit, tx: Tx) -> Shown:
    now = taxes.settings_of(tx)
    office = now.head_office or {}
    countries = forms.countries_of(words_of("en"))
    found = rows.select(tx, TaxRegistration, "true", "order by country, active_from")
    place = facts.place_of(visit, tx)
    return Shown(
        [
            Field(
                "country",
                "Country of the head office",
                office.get("country") or "",
                "choose",
                options=countries,
            ),
            *(Field(name, label, office.get(name) or "") for name, label in OFFICE),
            Field(
                "tax_behavior",
                "Prices that do not say",
                now.tax_behavior or "exclusive",
                "choose",
                options=BEHAVIORS,
            ),
            Field(
                "small_enterprise",
                "We are exempt of VAT as a small enterprise",
                "yes" if now.small_enterprise else "",
                "tick",
            ),
            Field(
                "registered",
                "Add a registration in",
                "",
                "choose",
                "Tax is collected where you are registered",
                countries,
            ),
            Field("scheme", "By the scheme", "standard", "choose", options=SCHEMES),
            Field("since", "From (empty: now)", hint="As 2026-01-31"),
        ],
        fixed=[
            possible(now.active, sources.unregistered(tx)),
            "A registration is never deleted: it ends. Invoices that were issued keep their tax.",
        ],
        items=[registered(place.zone, one, tx) for one in found],
    )


def possible(active: bool, number: str) -> str:
    """Say whether automatic tax bills, or what it waits for."""
    if not active:
        return "Automatic tax needs the country of the head office."
    if number:
        return f"Automatic tax bills nothing in live mode: no registration is in force beside {number}."
    return "Automatic tax is possible."


def registered(zone: str, one: TaxRegistration, tx: Tx) -> Item:
    status = tax_registration.status(one, tx.now, {})
    kind = str(one.country_options.get(one.country.lower(), {}).get("type", ""))
    until = f" until {layout.when(one.expires_at, zone, day=True)}" if one.expires_at else ""
    since = layout.when(one.active_from, zone, day=True)
    return Item(
        one.id,
        dict(forms.countries_of(words_of("en"))).get(one.country, one.country),
        f"{kind.replace('_', ' ')}, from {since}{until}",
        layout.badge(status, TONES),
        (("end", "End it now"),) if status == "active" and not one.expires_at else (),
    )


def write_tax(visit: Visit, tx: Tx, form: Form) -> dict[str, Any]:
    """Store the head office and the defaults, add a registration, or end one."""
    if form.get("act") == "end":
        found = rows.lock(tx, TaxRegistration, form.get("about", ""))
        tax_registration.update(tx, found, made(tax_registration.Update, expires_at="now"))
        return {"ended": found.id}
    if form.get("country"):
        office = {name: form.get(name, "").strip() or None for name, _ in OFFICE}
        address = made(taxes.OfficeAddress, country=form["country"], **office)
        defaults = made(taxes.Defaults, tax_behavior=behavior_of(form))
        wanted = made(taxes.Update, head_office=made(taxes.HeadOffice, address=address), defaults=defaults)
        taxes.update(tx, wanted)
    now = taxes.settings_of(tx)
    if now.small_enterprise != ticked(form, "small_enterprise"):
        taxes.store(tx, replace(now, small_enterprise=not now.small_enterprise))
    country = form.get("registered", "")
    if country:
        register(tx, country, form.get("scheme", ""), form.get("since", "").strip())
    return {"country": form.get("country", ""), "registered": country}


def behavior_of(form: Form) -> str:
    wanted = form.get("tax_behavior", "")
    require(wanted in dict(BEHAVIORS), "Prices include tax, or tax is added.")
    return wanted


def register(tx: Tx, country: str, scheme: str, since: str) -> None:
    """Add a registration as `POST /v1/tax/registrations` does."""
    require(scheme in dict(SCHEMES), "There is no such scheme.")
    try:
        begins = layout.midnight(date.fromisoformat(since), seller_of(tx).time_zone) if since else "now"
    except ValueError:
        raise Refused(f"{since} is no day, as 2026-01-31.") from None
    options: dict[str, Any] = {"type": scheme}
    if scheme == "standard" and country.lower() in tax_registration.UNION:
        options["standard"] = {"place_of_supply_scheme": "standard"}
    given = {country.lower(): options}
    tax_registration.create(
        tx, made(tax_registration.Create, active_from=begins, country=country, country_options=given)
    )


SECTIONS = {
    "tax": Section("Tax", "Where tax is due: the head office, and where you are registered.", tax, write_tax),
    "mails": Section("Mails", "Which mails customers get, and in which name.", mails, write_mails),
}
