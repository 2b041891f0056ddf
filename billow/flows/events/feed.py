"""List events by their number without gaps, and wait for the next one."""

import threading
import time
from datetime import timedelta
from typing import Any

from billow.api import fields as f
from billow.api import render, rows
from billow.api.params import Params
from billow.api.resource import route
from billow.api.versions.events import show_data
from billow.resources.event import NUMBERED, Event
from billow.store import jobs, sequence
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

PATH = "/v1/events/feed"
AGAIN = 0.25
"""Seconds between two queries for a caller that waits."""
WAITING = threading.BoundedSemaphore(2)
"""Two callers may wait, since each holds a thread of this server process; others are answered at once."""


class Feed(Params):
    after: int = f.integer(min=0, default=0)
    limit: int = f.integer(min=1, max=1000, default=100)
    wait: int = f.integer(min=0, max=30, default=0)


@job("events.number", batch=1000, lane="events")
def number(tx: Tx, refs: list[str]) -> None:
    """Number the committed events; every transaction that emits events puts this job."""
    if sequence.number(tx) == sequence.MOST:
        jobs.put(tx, "events.number", refs[0], tx.wall, clock="wall")


@route("GET", PATH, Feed)
def feed(tx: Tx, wanted: Feed) -> Steps:
    """List events with numbers above `after`, in order; wait up to `wait` seconds for the first."""
    until = tx.wall + timedelta(seconds=wanted.wait)
    waits = wanted.wait > 0 and WAITING.acquire(blocking=False)
    try:
        sequence.number(tx)
        found = since(tx, wanted)
        while waits and not found and tx.wall < until:
            tx, _ = yield ask(time.sleep, AGAIN)
            sequence.number(tx)
            found = since(tx, wanted)
    finally:
        if waits:
            WAITING.release()
    return page(tx, found, wanted)


def since(tx: Tx, wanted: Feed) -> list[Event]:
    """Find the events of a page, and one more to know whether another page follows."""
    tail = f"order by sequence limit {wanted.limit + 1}"
    return rows.select(tx, Event, "sequence > %(after)s", tail, after=wanted.after)


def page(tx: Tx, found: list[Event], wanted: Feed) -> dict[str, Any]:
    data = render.show(tx, found[: wanted.limit], NUMBERED)
    show_data(tx, data)
    return render.page(data, len(found) > wanted.limit, PATH)
