"""Show the credit notes, and one of them with its lines and where its money went."""

from typing import Any

import flask

from billow.api import rows
from billow.pages.dashboard import customers_named, facts, layout, object_page
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column, List, Place, Tab
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.object_page import Shown
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.credit_note import CreditNote
from billow.resources.credit_note_line import CreditNoteLine

TONES = {"issued": "good"}


def row(place: Place, named: Any, one: CreditNote) -> list[Cell]:
    return [
        Cell(
            one.number,
            link=place.visit.to(f"/credit-notes/{one.id}"),
            below=customers_named.name(named, one.customer),
        ),
        layout.badge(one.status, TONES),
        layout.amount(one.total, one.currency),
        facts.text((one.reason or "").replace("_", " ")),
        layout.day(one.created, place.zone),
    ]


LIST = List(
    noun=CreditNote,
    path="/credit-notes",
    title="Credit notes",
    one="credit note",
    about="Number, id, or the customer's name or mail address",
    columns=(
        Column("Credit note"),
        Column("Status"),
        Column("Total", True),
        Column("Reason"),
        Column("Created"),
    ),
    row=row,
    load=lambda tx, found: customers_named.of(tx, found),
    tabs=(Tab("issued", "Issued", "status = 'issued'"), Tab("void", "Void", "status = 'void'")),
    found="id = %(text)s or number ilike %(like)s or " + customers_named.FOUND,
    narrowed=("customer", "invoice"),
)


def add(app: flask.Flask, desk: Desk) -> None:
    add_list(app, desk, LIST)
    screen(app, desk, "/credit-notes/<id>", "customers.read", shown)


def shown(visit: Visit, id: str) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, CreditNote, id)
        place, named = facts.place_of(visit, tx), customers_named.of(tx, [one])
        lines = rows.select(tx, CreditNoteLine, "credit_note = %(id)s", id=id)
        columns = (Column("Description"), Column("Quantity", True), Column("Amount", True))
        found = Shown(
            f"Credit note {one.number}",
            pairs(place, customers_named.name(named, one.customer), one),
            facts.story(tx, place, [id]),
            facts.metadata(one),
            layout.badge(one.status, TONES),
            one.memo or "",
            one.pdf,
            [("Lines", columns, [line_row(one, line) for line in lines])],
        )
    return object_page.page(visit, LIST, found)


def line_row(note: CreditNote, line: CreditNoteLine) -> list[Cell]:
    quantity = line.quantity
    return [
        Cell(line.description or line.id),
        Cell(f"{quantity:,}", "amount") if quantity is not None else NOTHING,
        layout.amount(line.amount, note.currency),
    ]


def pairs(place: Place, customer: str, one: CreditNote) -> list[tuple[str, Cell]]:
    """Return its facts, and what of it lowered the invoice and what was paid before and given back."""
    to = place.visit.to
    return [
        ("Id", facts.id_of(one.id)),
        ("Customer", Cell(customer, link=to(f"/customers/{one.customer}"))),
        ("Invoice", Cell(one.invoice, link=to(f"/invoices/{one.invoice}"))),
        ("Total", layout.amount(one.total, one.currency)),
        ("Lowered what was open by", layout.amount(one.pre_payment_amount, one.currency)),
        ("Was paid before", layout.amount(one.post_payment_amount, one.currency)),
        ("Given back outside", layout.amount(one.out_of_band_amount, one.currency)),
        ("Reason", facts.text((one.reason or "").replace("_", " "))),
        ("Created", Cell(layout.when(one.created, place.zone))),
    ]
