"""Show the API requests of the last thirty days, and one of them with its parameters and its answer."""

from http import HTTPStatus
from typing import Any

import flask
import msgspec

from billow.api import rows
from billow.pages.dashboard import facts, layout
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.lists import Column, List, Place, Tab
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.api_request import ApiRequest
from billow.resources.event import Event
from billow.store.tx import Tx

NEIGHBOURS = 100
"""How far the events of one request may be apart, by their numbers."""


def row(place: Place, _: Any, one: ApiRequest) -> list[Cell]:
    return [
        Cell(f"{one.method} {one.address}", link=place.visit.to(f"/requests/{one.id}"), below=said(one)),
        answered(one.status),
        facts.text(one.about),
        Cell(f"{one.milliseconds:,} ms", "amount"),
        Cell(layout.when(one.created, place.zone), "day"),
    ]


def answered(status: int) -> Cell:
    """Show a status of HTTP with its name, in the colour of its class."""
    known = {each.value: each.phrase for each in HTTPStatus}
    tone = "good" if status < 400 else "warn" if status < 500 else "bad"
    return Cell(f"{status} {known.get(status, '')}".strip(), "badge", tone=tone)


def said(one: ApiRequest) -> str:
    """Return the message of an error, or nothing."""
    return str((one.error or {}).get("message", ""))


LIST = List(
    noun=ApiRequest,
    path="/requests",
    title="Requests",
    one="request",
    about="Path, object, idempotency key or request",
    columns=(Column("Request"), Column("Answer"), Column("Object"), Column("Took", True), Column("At")),
    row=row,
    load=lambda tx, found: None,
    tabs=(
        Tab("failed", "Failed", "status >= 400"),
        Tab("errors", "Our errors", "status >= 500"),
        Tab("changed", "Succeeded", "status < 400"),
    ),
    found="id = %(text)s or about = %(text)s or idempotency_key = %(text)s or address = %(text)s",
    narrowed=("key",),
    right="events.read",
)


def add(app: flask.Flask, desk: Desk) -> None:
    add_list(app, desk, LIST)
    screen(app, desk, "/requests/<id>", "events.read", shown)


def shown(visit: Visit, id: str) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, ApiRequest, id)
        place = facts.place_of(visit, tx)
        caused = events_of(tx, one)
    return layout.page(
        visit,
        "request.html",
        f"{one.method} {one.address}",
        badge=answered(one.status),
        pairs=pairs(place, one),
        sent=pretty(one.sent),
        error=pretty(one.error),
        columns=(Column("Event"), Column("About"), Column("Created")),
        caused=[
            [
                Cell(each.type, link=visit.to(f"/events/{each.id}"), below=each.id),
                facts.text(each.related),
                Cell(layout.when(each.created, place.zone)),
            ]
            for each in caused
        ],
    )


def events_of(tx: Tx, one: ApiRequest) -> list[Event]:
    """Read the events that a request caused: those of its object, and the others among their neighbours.

    What is committed together is numbered together, so no index by request is needed.
    """
    own = "request->>'id' = %(id)s"
    known = rows.select(
        tx, Event, f"related = %(about)s and {own}", f"limit {NEIGHBOURS}", about=one.about, id=one.id
    )
    numbers = [event.sequence for event in known if event.sequence is not None]
    if not numbers:
        return sorted(known, key=lambda event: event.id)
    around = {"first": min(numbers) - NEIGHBOURS, "last": max(numbers) + NEIGHBOURS}
    return rows.select(
        tx,
        Event,
        f"sequence between %(first)s and %(last)s and {own}",
        "order by sequence",
        id=one.id,
        **around,
    )


def pairs(place: Place, one: ApiRequest) -> list[tuple[str, Cell]]:
    """Return the facts of a request."""
    visit = place.visit
    key = (
        Cell(one.key, link=visit.to(f"/keys/{one.key}"))
        if one.key and visit.may("keys.read")
        else facts.text(one.key)
    )
    return [
        ("Id", facts.id_of(one.id)),
        ("At", Cell(layout.when(one.created, place.zone))),
        ("Took", Cell(f"{one.milliseconds:,} ms")),
        ("Object", facts.text(one.about)),
        ("API key", key),
        ("API version", facts.text(one.api_version)),
        ("Idempotency key", facts.text(one.idempotency_key)),
        ("Client", facts.text(one.user_agent)),
    ]


def pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() if value else ""
