"""Show what happened, as webhook endpoints are told it, and each event with its object."""

from collections.abc import Mapping
from typing import Any

import flask
import msgspec

from billow.api import rows
from billow.core.errors import Refused
from billow.flows.events import resend
from billow.pages import frame
from billow.pages.dashboard import facts, layout
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column, List, Place, Tab
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.api_request import ApiRequest
from billow.resources.event import Event
from billow.resources.webhook_endpoint import WebhookEndpoint


def row(place: Place, _: Any, one: Event) -> list[Cell]:
    return [
        Cell(one.type, link=place.visit.to(f"/events/{one.id}"), below=one.id),
        facts.text(one.related),
        Cell("A request") if (one.request or {}).get("id") else Cell("By itself"),
        Cell(str(one.pending_webhooks)) if one.pending_webhooks else NOTHING,
        Cell(layout.when(one.created, place.zone)),
    ]


LIST = List(
    noun=Event,
    path="/events",
    title="Events",
    one="event",
    about="Type, or the id of an event or an object",
    columns=(
        Column("Event"),
        Column("About"),
        Column("Cause"),
        Column("Not delivered", True),
        Column("Created"),
    ),
    row=row,
    load=lambda tx, found: None,
    tabs=(
        Tab("waiting", "Not delivered", "pending_webhooks > 0"),
        Tab(
            "failures",
            "Payment failures",
            "type in ('invoice.payment_failed', 'payment_intent.payment_failed')",
        ),
    ),
    found="type = %(text)s or related = %(text)s or id = %(text)s",
    narrowed=(),
    right="events.read",
)


def add(app: flask.Flask, desk: Desk) -> None:
    add_list(app, desk, LIST)
    screen(app, desk, "/events/<id>", "events.read", shown, writes=sent_again, writing="events.send")


def shown(visit: Visit, id: str, problem: str | None = None) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, Event, id)
        endpoints = rows.select(tx, WebhookEndpoint, "status = 'enabled'") if visit.may("events.send") else []
        place = facts.place_of(visit, tx)
        sent = tx.tuples(
            "select receiver, attempts, status, response_status, error, last_attempt_at"
            " from webhook_deliveries where event = %(id)s order by receiver",
            id=id,
        )
        request = one.request or {}
        noted = request.get("id"), bool(rows.find_many(tx, ApiRequest, [str(request.get("id"))]))
    data = msgspec.json.format(msgspec.json.encode(one.content), indent=2).decode()
    return layout.page(
        visit,
        "event.html",
        one.type,
        422 if problem else 200,
        problem=problem,
        endpoints=[(each.id, each.url) for each in endpoints],
        data=data,
        pairs=[
            ("Id", facts.id_of(one.id)),
            ("About", facts.text(one.related)),
            ("Request", request_of(visit, noted)),
            ("Idempotency key", facts.text(request.get("idempotency_key"))),
            ("Not delivered", Cell(str(one.pending_webhooks))),
            ("Created", Cell(layout.when(one.created, place.zone))),
        ],
        tries=[
            [
                Cell(receiver, below=error or ""),
                layout.badge(status, {"succeeded": "good", "failed": "bad", "pending": "info"}),
                Cell(str(attempts)),
                facts.text(answer),
                Cell(layout.when(at, place.zone)),
            ]
            for receiver, attempts, status, answer, error, at in sent
        ],
        try_columns=(
            Column("Endpoint"),
            Column("Status"),
            Column("Tries", True),
            Column("Answer"),
            Column("Last try"),
        ),
    )


def request_of(visit: Visit, noted: tuple[str | None, bool]) -> Cell:
    """Show the id of a request, with a link where it is in the request log."""
    id, known = noted
    return Cell(id, link=visit.to(f"/requests/{id}")) if id and known else facts.text(id)


def sent_again(visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Send an event once more to an endpoint, even if it does not listen to the type."""
    to = form.get("to", "")
    try:
        with visit.desk.db.transaction(visit.tenant) as tx:
            resend.resend(tx, id, resend.Resend(webhook_endpoint=to))
            visit.note(tx, "events.send", id, to=to)
    except Refused as error:
        return shown(visit, id, error.message)
    return frame.see(visit.to(f"/events/{id}"))
