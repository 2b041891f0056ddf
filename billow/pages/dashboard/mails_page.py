"""Show the mails to customers: to whom, about what, what became of them, and what they went without."""

from typing import Any

import flask

from billow.flows.mails import outbox
from billow.pages.dashboard import facts, layout
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column, Place
from billow.pages.dashboard.settings_payments import words
from billow.pages.dashboard.visit import Desk, Visit, screen

MOST = 200
TONES = {"sent": "good", "waiting": "info", "bounced": "bad", "given up": "bad"}
LACKING = "lacking"
"""The tab with the mails that went without the machine format that the customer wants."""
COLUMNS = (Column("Mail"), Column("Status"), Column("Ordered"), Column("Why"))
SCREENS_OF = {"in_": "/invoices", "cn_": "/credit-notes", "sub_": "/subscriptions"}
"""The screens of what a mail is about, by the beginning of its id."""


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/mails", "customers.read", shown)


def shown(visit: Visit) -> flask.Response:
    lacking = flask.request.args.get("tab") == LACKING
    with visit.reads() as tx:
        place = facts.place_of(visit, tx)
        found = outbox.listed(tx, MOST, lacking=lacking)
    tabs = [
        {"title": "All", "href": visit.to("/mails"), "here": not lacking},
        {"title": "Without their e-invoice", "href": visit.to("/mails", tab=LACKING), "here": lacking},
    ]
    return layout.page(
        visit,
        "mails.html",
        "Mails",
        columns=COLUMNS,
        lines=[row(place, one) for one in found],
        tabs_shown=tabs,
        lacking=lacking,
        most=MOST if len(found) == MOST else None,
    )


def row(place: Place, one: dict[str, Any]) -> list[Cell]:
    """Return the cells of a mail, as outbox.py lists it."""
    path = next((path for sign, path in SCREENS_OF.items() if one["about"].startswith(sign)), None)
    return [
        Cell(
            one["subject"] or words(one["kind"]),
            link=place.visit.to(f"{path}/{one['about']}") if path else None,
            below=one["recipient"] or one["customer"] or "",
        ),
        layout.badge(one["state"], TONES),
        Cell(layout.when(one["created"], place.zone)),
        Cell(one["reason"], "long") if one["reason"] else NOTHING,
    ]
