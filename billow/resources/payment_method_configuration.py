"""Payment method configurations: which types of payment methods an account offers by itself."""

import hashlib
from typing import Any

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.fields import CREATE
from billow.api.params import Params
from billow.api.resource import EPOCH, Resource, route
from billow.core.errors import require
from billow.resources.payment_method_types import BY_NAME
from billow.store.tx import Tx

#: What a configuration switches: the types of payment methods, and wallets that hold cards.
SWITCHED = tuple(sorted({*BY_NAME, "apple_pay", "cartes_bancaires", "google_pay", "jcb", "payto", "upi"}))
ON = ("apple_pay", "card", "google_pay", "link")
"""What is on until somebody switches it off: what pays at once, and sends nobody to another page."""


class Preference(Params):
    preference: str | None = f.choice(CREATE, "none", "off", "on")


class Switch(Params):
    display_preference: Preference | None = f.nested(shape=Preference)


def switch(name: str) -> Any:
    """Declare the hash that shows whether a type is on."""
    return f.computed(lambda row, now, shown: shown_switch(row.preferences, name))


class PaymentMethodConfiguration(
    Resource,
    object="payment_method_configuration",
    path="/v1/payment_method_configurations",
    prefix="pmc_",
    events=(),
):
    """Which types of payment methods an account offers by itself."""

    lacks = ("created",)

    active: bool = f.boolean(default=True)
    application: str | None = f.absent()
    is_default: bool = f.boolean(default=False)
    name: str = f.line(required=True)
    parent: str | None = f.text()
    vars().update({name: switch(name) for name in SWITCHED})

    preferences: dict[str, str] = f.nested(default={}, hidden=True)
    """`on`, `off` or `none` for each type that somebody has switched."""


def shown_switch(preferences: dict[str, str], name: str) -> dict[str, Any]:
    preference = preferences.get(name, "none")
    usual = "on" if name in ON else "off"
    value = usual if preference == "none" else preference
    return {
        "available": value == "on",
        "display_preference": {"overridable": None, "preference": preference, "value": value},
    }


def types_on(configuration: PaymentMethodConfiguration) -> list[str]:
    """Return the types that a configuration offers."""
    return [name for name in BY_NAME if shown_switch(configuration.preferences, name)["available"]]


def the_default(tx: Tx) -> PaymentMethodConfiguration:
    """Return the default configuration of the account; it is written when somebody changes it first."""
    found = rows.select(tx, PaymentMethodConfiguration, "is_default")
    digest = hashlib.sha256(tx.tenant.encode()).hexdigest()[:24]
    usual = PaymentMethodConfiguration(id=f"pmc_{digest}", is_default=True, name="Default")
    return found[0] if found else usual


def find(tx: Tx, id: str, param: str | None = None) -> PaymentMethodConfiguration:
    """Find a configuration; the default one is found before it is written."""
    usual = the_default(tx)
    return usual if id == usual.id else rows.find(tx, PaymentMethodConfiguration, id, param=param)


class Create(Params):
    __annotations__ = {"name": str | None, "parent": str | None, **dict.fromkeys(SWITCHED, Any)}
    name = f.line()
    parent = f.text()
    vars().update({name: f.nested(shape=Switch) for name in SWITCHED})


class Update(Params):
    __annotations__ = {"active": bool | None, "name": str | None, **dict.fromkeys(SWITCHED, Any)}
    active = f.boolean()
    name = f.line()
    vars().update({name: f.nested(shape=Switch) for name in SWITCHED})


def preferences_of(wanted: Params) -> dict[str, str]:
    """Return what a request switches."""
    sent = {name: value for name, value in wanted.sent().items() if name in SWITCHED}
    return {
        name: value.display_preference.preference
        for name, value in sent.items()
        if value and value.display_preference and value.display_preference.preference
    }


@PaymentMethodConfiguration.create(Create)
def create(tx: Tx, wanted: Create) -> PaymentMethodConfiguration:
    """Create a configuration of payment methods."""
    parent = getattr(wanted, "parent", None)
    if parent:
        find(tx, parent, "parent")
    made = PaymentMethodConfiguration(
        name=getattr(wanted, "name", None) or "Configuration",
        parent=parent,
        preferences=preferences_of(wanted),
    )
    return rows.insert(tx, made)


@route("GET", "/v1/payment_method_configurations/{id}", of="payment_method_configurations")
def retrieve(tx: Tx, id: str) -> PaymentMethodConfiguration:
    """Retrieve a configuration of payment methods."""
    return find(tx, id)


@route("POST", "/v1/payment_method_configurations/{id}", Update, of="payment_method_configurations")
def update(tx: Tx, id: str, wanted: Update) -> PaymentMethodConfiguration:
    """Update a configuration of payment methods; the default one stays active."""
    found = find(tx, id)
    sent = wanted.sent()
    active = sent.get("active")
    require(
        not (found.is_default and active is False),
        "The default configuration cannot be inactive.",
        param="active",
    )
    changed = found.but(
        active=found.active if active is None else active,
        name=sent.get("name") or found.name,
        preferences={**found.preferences, **preferences_of(wanted)},
    )
    if found.created == EPOCH:
        return rows.insert(tx, changed)
    return rows.update(tx, found, active=changed.active, name=changed.name, preferences=changed.preferences)


class Listing(listing.Paging):
    active: bool | None = f.boolean()
    application: str | None = f.text(unset=True)


@route("GET", "/v1/payment_method_configurations", Listing, of="payment_method_configurations")
def listed(tx: Tx, wanted: Listing) -> listing.Page:
    """List configurations of payment methods: the account's default one first."""
    found = rows.select(tx, PaymentMethodConfiguration, "not is_default")
    every = [the_default(tx), *found] if not wanted.application else []
    if wanted.active is not None:
        every = [one for one in every if one.active == wanted.active]
    ids = [one.id for one in every]
    limit = listing.checked_limit(wanted.limit)
    start = ids.index(wanted.starting_after) + 1 if wanted.starting_after in ids else 0
    end = ids.index(wanted.ending_before) if wanted.ending_before in ids else len(ids)
    start = max(start, end - limit) if wanted.ending_before else start
    page = every[start : min(end, start + limit)]
    more = start > 0 if wanted.ending_before else start + len(page) < end
    return listing.Page(page, more, "/v1/payment_method_configurations")
