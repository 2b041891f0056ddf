"""Show the disputes, those that need an answer first, and one of them with its deadline and its money."""

from typing import Any

import flask

from billow.api import rows
from billow.pages.dashboard import facts, layout, object_page
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.lists import Column, List, Place, Tab
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.object_page import Shown
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.balance_transaction import BalanceTransaction
from billow.resources.dispute import Dispute

TONES = {"won": "good", "lost": "bad", "needs_response": "warn", "warning_needs_response": "warn"}
OPEN = "status in ('needs_response', 'warning_needs_response')"


def row(place: Place, _: Any, one: Dispute) -> list[Cell]:
    return [
        Cell(
            one.reason.replace("_", " ").capitalize(),
            link=place.visit.to(f"/disputes/{one.id}"),
            below=one.id,
        ),
        layout.badge(one.status, TONES),
        layout.amount(one.amount, one.currency),
        layout.day(one.due_by, place.zone),
        layout.day(one.created, place.zone),
    ]


LIST = List(
    noun=Dispute,
    path="/disputes",
    title="Disputes",
    one="dispute",
    about="Id of the dispute, the charge or the payment",
    columns=(
        Column("Dispute"),
        Column("Status"),
        Column("Amount", True),
        Column("Answer by"),
        Column("Created"),
    ),
    row=row,
    load=lambda tx, found: None,
    tabs=(
        Tab("open", "Need an answer", OPEN),
        Tab("review", "Under review", "status in ('under_review', 'warning_under_review')"),
        Tab("won", "Won", "status = 'won'"),
        Tab("lost", "Lost", "status = 'lost'"),
    ),
    found="id = %(text)s or charge = %(text)s or payment_intent = %(text)s",
    narrowed=(),
)


def add(app: flask.Flask, desk: Desk) -> None:
    add_list(app, desk, LIST)
    screen(app, desk, "/disputes/<id>", "customers.read", shown)


def shown(visit: Visit, id: str) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, Dispute, id)
        place = facts.place_of(visit, tx)
        moved = rows.find_many(tx, BalanceTransaction, one.balance_transactions).values()
        columns = (Column("What"), Column("Amount", True), Column("Fee", True), Column("When"))
        lines = [
            [
                Cell(each.description or each.type.replace("_", " ")),
                layout.amount(each.amount, each.currency),
                layout.amount(each.fee, each.currency),
                Cell(layout.when(each.created, place.zone)),
            ]
            for each in moved
        ]
        found = Shown(
            f"Dispute of {layout.amount(one.amount, one.currency).text}",
            pairs(place, one),
            facts.story(tx, place, [id]),
            facts.metadata(one),
            layout.badge(one.status, TONES),
            notice(place, one),
            tables=[("What it moved on the balance", columns, lines)] if lines else (),
        )
    return object_page.page(visit, LIST, found)


def notice(place: Place, one: Dispute) -> str:
    """Say what has to be done, and until when."""
    if one.status not in ("needs_response", "warning_needs_response"):
        return ""
    until = f" until {layout.when(one.due_by, place.zone)}" if one.due_by else ""
    return f"Send evidence{until} by the API or the gateway, or accept it: without an answer it is lost."


def pairs(place: Place, one: Dispute) -> list[tuple[str, Cell]]:
    to = place.visit.to
    payment = (
        [("Payment", Cell(one.payment_intent, link=to(f"/payments/{one.payment_intent}")))]
        if one.payment_intent
        else []
    )
    return [
        ("Id", facts.id_of(one.id)),
        *payment,
        ("Charge", facts.id_of(one.charge)),
        ("Reason", facts.text(one.reason.replace("_", " "))),
        ("Answers sent", Cell(str(one.submission_count))),
        ("Gateway", facts.text(one.gateway)),
        ("Created", Cell(layout.when(one.created, place.zone))),
    ]
