"""Show the webhook endpoints, and one of them with what was sent to it lately."""

from collections.abc import Sequence
from typing import Any

import flask

from billow.api import rows
from billow.pages.dashboard import facts, layout, object_page
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column, List, Place, Tab
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.object_page import Shown
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.event import Event
from billow.resources.webhook_delivery import WebhookDelivery
from billow.resources.webhook_endpoint import WebhookEndpoint
from billow.store.tx import Tx

TONES = {"enabled": "good", "disabled": "bad"}
OF_DELIVERIES = {"succeeded": "good", "failed": "bad", "pending": "info"}
MOST = 50


def waiting(tx: Tx, found: Sequence[WebhookEndpoint]) -> dict[str, int]:
    """Count what waits for each endpoint; a queue is emptied as it is delivered, so it is short."""
    return dict(
        tx.tuples(
            "select receiver, count(*) from webhook_queue where receiver = any(%(ids)s) group by receiver",
            ids=[one.id for one in found],
        )
    )


def row(place: Place, queued: Any, one: WebhookEndpoint) -> list[Cell]:
    number = queued.get(one.id, 0)
    return [
        Cell(one.url, link=place.visit.to(f"/webhooks/{one.id}"), below=one.description or ""),
        layout.badge(one.status, TONES),
        Cell(types_of(one)),
        Cell(f"{number:,}", "amount") if number else NOTHING,
        layout.day(one.created, place.zone),
    ]


def types_of(one: WebhookEndpoint) -> str:
    """Say which events an endpoint asked for, in a few words."""
    if one.enabled_events == ["*"]:
        return "All events"
    first, *more = one.enabled_events
    return f"{first} and {len(more)} more" if more else first


LIST = List(
    noun=WebhookEndpoint,
    path="/webhooks",
    title="Webhooks",
    one="endpoint",
    about="Address or id",
    columns=(
        Column("Endpoint"),
        Column("Status"),
        Column("Events"),
        Column("Waiting", True),
        Column("Created"),
    ),
    row=row,
    load=waiting,
    tabs=(
        Tab("enabled", "Enabled", "status = 'enabled'"),
        Tab("disabled", "Disabled", "status = 'disabled'"),
    ),
    found="id = %(text)s or url ilike %(like)s",
    narrowed=(),
    right="events.read",
)


def add(app: flask.Flask, desk: Desk) -> None:
    add_list(app, desk, LIST)
    screen(app, desk, "/webhooks/<id>", "events.read", shown)


def shown(visit: Visit, id: str) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, WebhookEndpoint, id)
        place = facts.place_of(visit, tx)
        sent = rows.select(
            tx, WebhookDelivery, "receiver = %(id)s", f"order by created desc, id desc limit {MOST}", id=id
        )
        told = rows.find_many(tx, Event, [each.event for each in sent])
        columns = (
            Column("Event"),
            Column("Status"),
            Column("Tries", True),
            Column("Answer"),
            Column("Last try"),
        )
        lines = [delivery_row(place, told, each) for each in sent]
        found = Shown(
            one.url,
            pairs(place, one, waiting(tx, [one]).get(id, 0)),
            [],
            facts.metadata(one),
            layout.badge(one.status, TONES),
            one.description or "",
            tables=[(f"The last {MOST} deliveries", columns, lines)] if lines else (),
        )
    return object_page.page(visit, LIST, found)


def delivery_row(place: Place, told: Any, one: WebhookDelivery) -> list[Cell]:
    event = told.get(one.event)
    return [
        Cell(
            event.type if event else one.event,
            link=place.visit.to(f"/events/{one.event}") if event else None,
            below=one.error or "",
        ),
        layout.badge(one.status, OF_DELIVERIES),
        Cell(str(one.attempts), "amount"),
        facts.text(one.response_status),
        Cell(layout.when(one.last_attempt_at, place.zone)),
    ]


def pairs(place: Place, one: WebhookEndpoint, queued: int) -> list[tuple[str, Cell]]:
    return [
        ("Id", facts.id_of(one.id)),
        ("Events", Cell(", ".join(one.enabled_events))),
        ("API version", facts.text(one.api_version)),
        ("Waiting", Cell(f"{queued:,}")),
        ("Created", Cell(layout.when(one.created, place.zone))),
    ]
