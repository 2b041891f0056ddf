"""Write an invoice by hand: a draft for a customer, which is looked at before it is finalized."""

from collections.abc import Mapping
from typing import Any

import flask

from billow.api import params, rows
from billow.core.errors import Refused, require
from billow.core.money import CURRENCIES, minor_rate, ungrouped
from billow.flows.invoices import drafts, invoice_items
from billow.flows.invoices.draft_params import Create
from billow.flows.outside.seller import profile_of
from billow.pages.dashboard import layout, sent_once, simple_form
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.store.tx import Tx

RIGHT = "invoices.write"
LINES = ("1", "2", "3", "4", "5")
COLLECTION = (
    ("charge_automatically", "Charge the customer's payment method"),
    ("send_invoice", "Mail the invoice to be paid"),
)


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/customers/<id>/invoice", RIGHT, asked, writes=created)


def asked(
    visit: Visit, id: str, problem: str | None = None, form: Mapping[str, str] | None = None
) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, Customer, id)
        currency = one.currency or profile_of(tx).default_currency
        [(waiting,)] = tx.tuples(
            "select count(*) from invoice_items where customer = %(id)s and invoice is null", id=id
        )
    return layout.page(
        visit,
        "invoice_new.html",
        f"New invoice: {one.name or one.email or one.id}",
        422 if problem else 200,
        back=visit.to(f"/customers/{id}"),
        collection=COLLECTION,
        given=form if form is not None else {"currency": currency.upper(), "days": "30", "pending": "1"},
        number=sent_once.number(),
        numbers=LINES,
        problem=problem,
        waiting=waiting,
    )


def lines_of(form: Mapping[str, str], currency: str) -> list[dict[str, Any]]:
    """Return the parameters of the lines that are typed: each has words and a price of one unit."""
    found = []
    for number in LINES:
        words, each = form.get(f"description-{number}", "").strip(), form.get(f"each-{number}", "").strip()
        if not words and not each:
            continue
        require(words, f"Say what line {number} is for.")
        require(each, f"The price of one unit is missing on line {number}.")
        try:
            rate = minor_rate(each, currency)
        except ValueError as error:
            raise Refused(f"{error} (line {number})") from None
        found.append(
            {
                "description": words,
                "unit_amount_decimal": f"{rate:f}",
                "quantity_decimal": ungrouped(form.get(f"quantity-{number}", "").strip()) or "1",
            }
        )
    return found


def terms_of(form: Mapping[str, str], customer: str, currency: str) -> dict[str, Any]:
    """Return the parameters of the draft."""
    sent: dict[str, Any] = {
        "customer": customer,
        "currency": currency,
        "collection_method": form.get("collection", ""),
        "auto_advance": "false",
        "pending_invoice_items_behavior": "include" if form.get("pending") else "exclude",
    }
    if sent["collection_method"] == "send_invoice":
        sent["days_until_due"] = form.get("days", "").strip() or "30"
    if form.get("tax"):
        sent["automatic_tax"] = {"enabled": "true"}
    return sent | {
        name: form[name].strip() for name in ("description", "footer") if form.get(name, "").strip()
    }


def created(visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Create the draft with its lines, and show it; nothing is mailed or charged before it is finalized."""

    def create(tx: Tx) -> str:
        currency = form.get("currency", "").strip().lower()
        require(currency in CURRENCIES, "Choose a currency, such as EUR.")
        lines = lines_of(form, currency)
        require(lines or form.get("pending"), "Fill in at least one line.")
        draft: Invoice = drafts.create(tx, params.read(Create, terms_of(form, id, currency)))
        for line in lines:
            sent = {**line, "customer": id, "invoice": draft.id, "currency": currency}
            invoice_items.create_item(tx, params.read(invoice_items.CreateItem, sent))
        visit.note(tx, "invoices.create", draft.id, customer=id, lines=len(lines))
        return draft.id

    return simple_form.done(
        visit,
        f"/customers/{id}/invoice",
        form,
        create,
        lambda problem: asked(visit, id, problem, form),
        lambda made: f"/invoices/{made}" if made else f"/customers/{id}",
    )
