"""Show what gateways paid out to the bank, and one payout with what it is made of."""

from typing import Any

import flask

from billow.api import rows
from billow.pages.dashboard import facts, layout, object_page
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.lists import Column, List, Place, Tab
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.object_page import Shown
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.payout import Payout

TONES = {"paid": "good", "failed": "bad", "in_transit": "info", "pending": "info"}


def row(place: Place, _: Any, one: Payout) -> list[Cell]:
    return [
        Cell(one.description or one.id, link=place.visit.to(f"/payouts/{one.id}"), below=one.gateway),
        layout.badge(one.status, TONES),
        layout.amount(one.amount, one.currency),
        layout.day(one.arrival_date, place.zone),
        layout.day(one.created, place.zone),
    ]


LIST = List(
    noun=Payout,
    path="/payouts",
    title="Payouts",
    one="payout",
    about="Id or description",
    columns=(
        Column("Payout"),
        Column("Status"),
        Column("Amount", True),
        Column("Arrives"),
        Column("Created"),
    ),
    row=row,
    load=lambda tx, found: None,
    tabs=(
        Tab("way", "On the way", "status in ('pending', 'in_transit')"),
        Tab("paid", "Paid", "status = 'paid'"),
        Tab("failed", "Failed", "status = 'failed'"),
    ),
    found="id = %(text)s or description ilike %(like)s",
    narrowed=(),
)


def add(app: flask.Flask, desk: Desk) -> None:
    add_list(app, desk, LIST)
    screen(app, desk, "/payouts/<id>", "customers.read", shown)


def shown(visit: Visit, id: str) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, Payout, id)
        place = facts.place_of(visit, tx)
        found = Shown(
            f"Payout of {layout.amount(one.amount, one.currency).text}",
            pairs(place, one),
            facts.story(tx, place, [id]),
            facts.metadata(one),
            layout.badge(one.status, TONES),
            one.failure_message or "",
        )
    return object_page.page(visit, LIST, found)


def pairs(place: Place, one: Payout) -> list[tuple[str, Cell]]:
    return [
        ("Id", facts.id_of(one.id)),
        ("Gateway", facts.text(one.gateway)),
        ("Its id at the gateway", facts.text(one.reference)),
        ("Arrives", Cell(layout.when(one.arrival_date, place.zone, day=True))),
        ("Entry on the bank statement", facts.text(one.bank_entry)),
        ("By itself", Cell("Yes" if one.automatic else "No")),
        ("Text on the statement", facts.text(one.statement_descriptor)),
        ("Created", Cell(layout.when(one.created, place.zone))),
    ]
