"""Serve the form of the billing portal in which customers change their own details."""

from collections.abc import Mapping
from typing import Any

import flask

from billow.core.errors import Refused
from billow.flows.outside.seller import seller_of
from billow.flows.portal import details
from billow.flows.portal.details import Details
from billow.pages import frame
from billow.pages.forms import ADDRESS, Form, countries_of
from billow.pages.portal_entry import Entry
from billow.pages.words import Words
from billow.resources.customer import Customer, TaxNumber
from billow.store.perform import perform
from billow.store.tx import Database, Tx


def lines(tx: Tx, customer: Customer, words: Words) -> list[str]:
    """Return what the portal shows of a customer, a line each."""
    address = customer.address or {}
    country = dict(countries_of(words)).get(address.get("country") or "", "")
    place = " ".join(filter(None, (address.get("postal_code"), address.get("city"))))
    number = details.first_tax_id(tx, customer.id)
    found = (
        customer.name,
        customer.email,
        customer.phone,
        address.get("line1"),
        address.get("line2"),
        place,
        country,
        number.value if number else None,
    )
    return [str(line) for line in found if line]


def known(tx: Tx, customer: Customer) -> dict[str, str]:
    """Return what the form shows before anything is entered."""
    shipping = customer.shipping or {}
    number = details.first_tax_id(tx, customer.id)
    found: dict[str, Any] = {
        "email": customer.email,
        "name": customer.name,
        "phone": customer.phone,
        "ship_name": shipping.get("name"),
        "tax_id": number.value if number else None,
    }
    for prefix, address in (("", customer.address or {}), ("ship_", shipping.get("address") or {})):
        found |= {prefix + name: address.get(name) for name in ADDRESS}
    return {name: value for name, value in found.items() if value}


def shown(tx: Tx, entry: Entry, form: Form | None = None, *, flow: bool = False) -> flask.Response:
    """Show the form with what the configuration allows to change; the portal itself where that is nothing."""
    allowed = details.allowed(entry.configuration)
    if not allowed:
        return frame.see(entry.home)
    form = form or Form(entry.words, known(tx, entry.customer))
    return frame.page(
        "portal_details.html",
        entry.words.language,
        422 if form.errors or form.declined else 200,
        address=entry.address,
        allowed=allowed,
        back=(entry.session.return_url if flow else None) or entry.home,
        countries=countries_of(entry.words),
        flow=flow,
        form=form,
        seller=seller_of(tx).name,
        test=not tx.livemode,
        token=frame.token_of(entry.outside, entry.address),
    )


def sent(db: Database, tenant: str, entry: Entry, given: Mapping[str, str]) -> flask.Response:
    """Write what was entered; what is wrong is shown with the form."""
    form, flow = Form(entry.words, given), bool(given.get("flow"))
    wanted = entered(form, details.allowed(entry.configuration), entry.customer)
    if not form.errors:
        customer, configuration = entry.customer.id, entry.configuration.id
        try:
            perform(lambda: db.transaction(tenant), details.update, customer, configuration, wanted)
        except Refused as refused:
            form.declined = refused.message
    if form.errors or form.declined:
        with db.transaction(tenant) as tx:
            return shown(tx, entry, form, flow=flow)
    return frame.see(f"{entry.address}?done=1" if flow else entry.home)


def entered(form: Form, allowed: list[str], customer: Customer) -> Details:
    """Return the details that were entered, as far as they may be changed; notes what is wrong."""
    fields: dict[str, Any] = {}
    words = form.words
    if "name" in allowed:
        fields["name"] = form.needed("name", words("name"))
    if "email" in allowed:
        fields["email"] = form.email()
    if "phone" in allowed:
        fields["phone"] = form.text("phone")
    if "address" in allowed:
        fields["address"] = form.address("", countries_of(words), whole=True)
    if "shipping" in allowed and any(form.text(f"ship_{name}") for name in ("name", *ADDRESS)):
        to = form.needed("ship_name", words("name"))
        address = form.address("ship_", countries_of(words), whole=True)
        fields["shipping"] = {"address": address, "name": to, "phone": (customer.shipping or {}).get("phone")}
    return Details(fields, number(form, fields, customer) if "tax_id" in allowed else None)


def number(form: Form, fields: Mapping[str, Any], customer: Customer) -> TaxNumber | None:
    value = form.text("tax_id")
    form.labels["tax_id"] = form.words("tax_id")
    country = (fields.get("address") or customer.address or {}).get("country")
    return form.tax_number(value, country) if value else None
