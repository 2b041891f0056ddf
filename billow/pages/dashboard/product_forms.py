"""Create a product, and change its words."""

from collections.abc import Mapping
from typing import cast

import flask

from billow.api import operation, rows
from billow.flows.catalog import prices as catalog_prices
from billow.pages.dashboard import simple_form
from billow.pages.dashboard.price_editor import RIGHT
from billow.pages.dashboard.simple_form import Entry, Form
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources import product as products
from billow.resources.product import Product
from billow.store.tx import Tx

FIELDS = ("name", "description", "unit_label", "statement_descriptor", "tax_code", "url")


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/products/new", RIGHT, asked, writes=created)
    screen(app, desk, "/products/<id>/edit", RIGHT, edited, writes=changed)


def entries(one: Product | None = None) -> list[Entry]:
    """Return the fields of a product, with what it has."""
    held = {name: str(getattr(one, name) or "") for name in FIELDS} if one else dict.fromkeys(FIELDS, "")
    return [
        Entry("name", "Name, as customers see it", most=250, value=held["name"]),
        Entry("description", "Description", value=held["description"], most=4000),
        Entry("unit_label", "What one unit is called, such as seat", most=100, value=held["unit_label"]),
        Entry("statement_descriptor", "On bank statements", most=22, value=held["statement_descriptor"]),
        Entry("tax_code", "Tax code", hint="Such as txcd_10103001.", most=50, value=held["tax_code"]),
        Entry("url", "Its page on the web", most=2000, value=held["url"]),
    ]


def asked(visit: Visit, problem: str | None = None, form: Mapping[str, str] | None = None) -> flask.Response:
    wanted = Form("New product", entries(), "Create the product", "/products")
    return simple_form.page(visit, wanted, form, problem)


def created(visit: Visit, form: Mapping[str, str]) -> flask.Response:
    """Create a product; its prices are added on its own screen."""

    def create(tx: Tx) -> str:
        sent = {name: form[name].strip() for name in FIELDS if form.get(name, "").strip()}
        made = catalog_prices.create_product(tx, cast(Product, operation.draft(tx, Product, sent)))
        visit.note(tx, "products.create", made.id, name=made.name)
        return made.id

    return simple_form.done(
        visit,
        "/products/new",
        form,
        create,
        lambda problem: asked(visit, problem, form),
        lambda id: f"/products/{id}" if id else "/products",
    )


def edited(
    visit: Visit, id: str, problem: str | None = None, form: Mapping[str, str] | None = None
) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, Product, id)
    about = "Invoices that exist keep the words that they have."
    wanted = Form(f"Edit: {one.name}", entries(one), "Save", f"/products/{id}", about)
    return simple_form.page(visit, wanted, form, problem)


def changed(visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Change the words of a product."""

    def change(tx: Tx) -> str:
        one = rows.lock(tx, Product, id)
        sent = {name: form.get(name, "").strip() for name in FIELDS}
        differs = {name: text for name, text in sent.items() if text != (getattr(one, name) or "")}
        products.update(tx, one, operation.changes(tx, one, differs))
        visit.note(tx, "products.change", id, changed=sorted(differs))
        return id

    return simple_form.done(
        visit,
        f"/products/{id}/edit",
        form,
        change,
        lambda problem: edited(visit, id, problem, form),
        lambda _: f"/products/{id}",
    )
