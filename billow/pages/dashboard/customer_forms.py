"""Create a customer, change who it is and how it is taxed, and add and remove its tax numbers."""

from collections.abc import Mapping
from typing import Any, cast

import flask
from babel import Locale

from billow.api import operation, params, rows
from billow.core.tax_ids import TYPES
from billow.flows.customers import customers, tax_ids
from billow.pages.dashboard import simple_form
from billow.pages.dashboard.simple_form import Entry, Form
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.pages.forms import countries_of
from billow.pages.words import words_of
from billow.providers.letters.layout import LANGUAGES
from billow.resources.customer import Customer, TaxNumber
from billow.resources.tax_id import TaxId
from billow.store.perform import Steps
from billow.store.tx import Tx

RIGHT = "customers.write"
FIELDS = ("name", "email", "phone", "description")
ADDRESS = ("line1", "line2", "postal_code", "city", "state", "country")
TAXED = (("none", "As its place and its tax number say"), ("exempt", "Exempt"), ("reverse", "Reverse charge"))


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/customers/new", RIGHT, asked, writes=created)
    screen(app, desk, "/customers/<id>/edit", RIGHT, edited, writes=changed)
    screen(app, desk, "/customers/<id>/tax-number", RIGHT, number_asked, writes=number_added)


def entries(held: Mapping[str, str]) -> list[Entry]:
    """Return the fields of a customer, with what it has."""

    def line(name: str, label: str, **more: Any) -> Entry:
        return Entry(name, label, value=held.get(name, ""), **more)

    english = Locale("en")
    own = held.get("language") or "en"  # one that is not spoken, or of a country, is kept
    spoken = [(code, str(english.languages[code])) for code in LANGUAGES]
    spoken += [] if own in LANGUAGES else [(own, own)]
    return [
        line("name", "Name, as on its invoices", most=256),
        line("email", "Mail address", most=512),
        line("phone", "Phone", most=20),
        line("line1", "Street and number"),
        line("line2", "Address, second line"),
        line("postal_code", "Postcode"),
        line("city", "City"),
        line("state", "State or region"),
        line("country", "Country", kind="choice", options=[("", "None"), *countries_of(words_of("en"))]),
        line(
            "language",
            "Language of papers and mails",
            kind="choice",
            options=[("", "As the account's"), *spoken],
        ),
        line("tax_exempt", "Tax", kind="choice", options=TAXED),
        line("description", "Note, which the customer does not see", most=350),
    ]


def held_by(one: Customer) -> dict[str, str]:
    """Return what a customer has, as the form names it."""
    address = one.address or {}
    return {
        **{name: str(getattr(one, name) or "") for name in FIELDS},
        **{name: str(address.get(name) or "") for name in ADDRESS},
        "language": (one.preferred_locales or [""])[0],
        "tax_exempt": one.tax_exempt,
    }


def sent_of(form: Mapping[str, str], before: Customer | None = None) -> dict[str, Any]:
    """Return the parameters that a form says; of a change only what differs, "" where it is taken away."""
    held = held_by(before) if before else {}
    typed = {name: form.get(name, "").strip() for name in (*FIELDS, *ADDRESS, "language", "tax_exempt")}
    differs = {name: text for name, text in typed.items() if text != held.get(name, "")}
    sent: dict[str, Any] = {name: differs[name] for name in (*FIELDS, "tax_exempt") if name in differs}
    if any(name in differs for name in ADDRESS):
        address = {name: typed[name] for name in ADDRESS if typed[name] or before}
        sent["address"] = address if any(address.values()) else ""
    if "language" in differs:
        sent["preferred_locales"] = [typed["language"]] if typed["language"] else []
    return sent


def asked(visit: Visit, problem: str | None = None, form: Mapping[str, str] | None = None) -> flask.Response:
    wanted = Form("New customer", entries({"tax_exempt": "none"}), "Create the customer", "/customers")
    return simple_form.page(visit, wanted, form, problem)


def created(visit: Visit, form: Mapping[str, str]) -> flask.Response:
    """Create a customer. Its tax number is added on its own screen, where its check is shown."""

    def create(tx: Tx) -> Steps:
        draft = cast(Customer, operation.draft(tx, Customer, sent_of(form)))
        made = yield from customers.create(tx, draft)
        visit.note(tx, "customers.create", made.id, name=made.name)
        return made.id

    return simple_form.done(
        visit,
        "/customers/new",
        form,
        create,
        lambda problem: asked(visit, problem, form),
        lambda id: f"/customers/{id}" if id else "/customers",
    )


def edited(
    visit: Visit, id: str, problem: str | None = None, form: Mapping[str, str] | None = None
) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, Customer, id)
    about = "Invoices that are finalized keep the name, address and tax that they have."
    title = f"Edit: {one.name or one.email or one.id}"
    return simple_form.page(
        visit, Form(title, entries(held_by(one)), "Save", f"/customers/{id}", about), form, problem
    )


def changed(visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Change who a customer is; the audit log has the names of what was changed."""

    def change(tx: Tx) -> Steps:
        one = rows.lock(tx, Customer, id)
        sent = sent_of(form, one)
        tx = operation.of_row(tx, one)
        yield from customers.update(tx, one, operation.changes(tx, one, sent))
        visit.note(tx, "customers.change", id, changed=sorted(sent))
        return id

    return simple_form.done(
        visit,
        f"/customers/{id}/edit",
        form,
        change,
        lambda problem: edited(visit, id, problem, form),
        lambda _: f"/customers/{id}",
    )


def number_asked(
    visit: Visit, id: str, problem: str | None = None, form: Mapping[str, str] | None = None
) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, Customer, id)
        held = rows.select(tx, TaxId, "customer = %(id)s", "order by created, id", id=id)
    add = [("", "Add the number below"), *((each.id, f"Remove {each.value}") for each in held)]
    fields = [
        *([Entry("remove", "What is to be done", kind="choice", options=add)] if held else []),
        Entry("type", "Kind", kind="choice", options=[(kind, kind) for kind in TYPES], value="eu_vat"),
        Entry("value", "Number", hint="With its country, such as SE556000475501.", most=100),
    ]
    title = f"Tax numbers: {one.name or one.email or one.id}"
    return simple_form.page(visit, Form(title, fields, "Save", f"/customers/{id}"), form, problem)


def number_added(visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Add a tax number, which is then checked where a register can be asked, or remove one."""

    def change(tx: Tx) -> str:
        one = rows.lock(tx, Customer, id)
        tx = operation.of_row(tx, one)
        if form.get("remove"):
            tax_ids.delete(tx, one, form["remove"])
            visit.note(tx, "customers.remove_tax_number", id, removed=form["remove"])
            return id
        number = params.read(
            TaxNumber, {"type": form.get("type", ""), "value": form.get("value", "").strip()}
        )
        tax_ids.create(tx, one, number)
        visit.note(tx, "customers.add_tax_number", id, type=number.type)
        return id

    return simple_form.done(
        visit,
        f"/customers/{id}/tax-number",
        form,
        change,
        lambda problem: number_asked(visit, id, problem, form),
        lambda _: f"/customers/{id}",
    )
