"""Show the quotes, and one of them with what it offers and what became of it."""

from typing import Any

import flask

from billow.api import rows
from billow.pages.dashboard import customers_named, facts, layout, object_page
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column, List, Place, Tab
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.object_page import Shown
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.quote import Quote

TONES = {"accepted": "good", "open": "info", "canceled": ""}


def row(place: Place, named: Any, one: Quote) -> list[Cell]:
    return [
        Cell(
            one.number or "Draft",
            link=place.visit.to(f"/quotes/{one.id}"),
            below=customers_named.name(named, one.customer),
        ),
        layout.badge(one.status, TONES),
        layout.amount(one.amount_total, one.currency) if one.currency else NOTHING,
        layout.day(one.expires_at, place.zone),
        layout.day(one.created, place.zone),
    ]


LIST = List(
    noun=Quote,
    path="/quotes",
    title="Quotes",
    one="quote",
    about="Number, id, or the customer's name or mail address",
    columns=(Column("Quote"), Column("Status"), Column("Total", True), Column("Until"), Column("Created")),
    row=row,
    load=lambda tx, found: customers_named.of(tx, found),
    tabs=(
        Tab("draft", "Drafts", "status = 'draft'"),
        Tab("open", "Open", "status = 'open'"),
        Tab("accepted", "Accepted", "status = 'accepted'"),
        Tab("canceled", "Canceled", "status = 'canceled'"),
    ),
    found="id = %(text)s or number ilike %(like)s or " + customers_named.FOUND,
)


def add(app: flask.Flask, desk: Desk) -> None:
    add_list(app, desk, LIST)
    screen(app, desk, "/quotes/<id>", "customers.read", shown)


def shown(visit: Visit, id: str) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, Quote, id)
        place, named = facts.place_of(visit, tx), customers_named.of(tx, [one])
        found = Shown(
            f"Quote {one.number}" if one.number else "Draft quote",
            pairs(place, customers_named.name(named, one.customer), one),
            facts.story(tx, place, [id]),
            facts.metadata(one),
            layout.badge(one.status, TONES),
            one.description or "",
        )
    return object_page.page(visit, LIST, found)


def pairs(place: Place, customer: str, one: Quote) -> list[tuple[str, Cell]]:
    """Return its facts; what was made of it leads there."""
    to = place.visit.to
    made = [
        (name, Cell(id, link=to(f"/{path}/{id}")))
        for name, path, id in (
            ("Subscription", "subscriptions", one.subscription),
            ("Invoice", "invoices", one.invoice),
        )
        if id
    ]
    return [
        ("Id", facts.id_of(one.id)),
        ("Customer", Cell(customer, link=to(f"/customers/{one.customer}")) if one.customer else NOTHING),
        *made,
        ("Total", layout.amount(one.amount_total, one.currency) if one.currency else NOTHING),
        ("Until", Cell(layout.when(one.expires_at, place.zone))),
        ("Created", Cell(layout.when(one.created, place.zone))),
    ]
