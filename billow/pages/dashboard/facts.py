"""Show one object: its facts, its sections, and the story of what happened to it."""

from collections.abc import Sequence
from typing import Any

from billow.api import rows
from billow.flows.outside.seller import seller_of
from billow.pages.dashboard import layout
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Place
from billow.pages.dashboard.visit import Visit
from billow.resources.event import Event
from billow.resources.test_clock import TestClock
from billow.store.tx import Tx

MOST_EVENTS = 50


def place_of(visit: Visit, tx: Tx) -> Place:
    return Place(visit, seller_of(tx).time_zone)


def clock_of(tx: Tx, visit: Visit, id: str | None) -> dict[str, str] | None:
    """Return what the band of a screen says of the test clock that its object is on."""
    found = rows.find_many(tx, TestClock, [id or ""]).get(id or "")
    if found is None:
        return None
    now = layout.when(found.frozen_time, seller_of(tx).time_zone)
    return {"now": now, "name": found.name or found.id, "href": visit.to(f"/test-clocks/{found.id}")}


def text(value: object) -> Cell:
    """Return a value as a cell; nothing is a dash, which is read out as none."""
    return Cell(str(value)) if value not in (None, "") else NOTHING


def id_of(value: str) -> Cell:
    return Cell(value, "id")


def metadata(row: Any) -> list[tuple[str, Cell]]:
    return [(name, text(value)) for name, value in sorted((row.metadata or {}).items())]


def story(tx: Tx, place: Place, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return what happened to some objects, the newest first: each event with its instant and its cause."""
    found = rows.select(
        tx,
        Event,
        "related = any(%(ids)s)",
        f"order by created desc, id desc limit {MOST_EVENTS}",
        ids=list(ids),
    )
    return [
        {
            "at": layout.when(one.created, place.zone),
            "what": one.type,
            "link": place.visit.to(f"/events/{one.id}") if place.visit.may("events.read") else None,
            "cause": "by a request" if (one.request or {}).get("id") else "by itself",
        }
        for one in found
    ]


def latest(tx: Tx, place: Place, most: int = 12) -> list[dict[str, Any]]:
    """Return the newest events of all objects but test clocks, which emit some at each step."""
    told = "not type ^@ 'test_helpers.'"
    found = rows.select(tx, Event, told, f"order by created desc, id desc limit {most}")
    return [
        {
            "at": layout.when(one.created, place.zone),
            "what": one.type,
            "link": place.visit.to(f"/events/{one.id}") if place.visit.may("events.read") else None,
            "cause": one.related or "",
        }
        for one in found
    ]
