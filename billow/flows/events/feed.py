"""List events by their number without gaps, and wait for the next one."""

import threading
import time
from datetime import timedelta
from typing import Any

from billow.api import fields as f
from billow.api import render, rows
from billow.api.params import Params
from billow.api.resource import route
from billow.resources.event import NUMBERED, Event
from billow.store import jobs, sequence
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

PATH = "/v1/events/feed"
AGAIN = 0.25
"""Seconds between two looks of a caller that waits."""
WAITING = threading.BoundedSemaphore(2)
"""Who waits holds a thread of this server process: two may, others are answered at once."""


class Feed(Params):
    after: int = f.integer(min=0, default=0)
    limit: int = f.integer(min=1, max=1000, default=100)
    wait: int = f.integer(min=0, max=30, default=0)


@job("events.number", batch=1000, lane="events")
def number(tx: Tx, refs: list[str]) -> None:
    """Give numbers to what was committed; each transaction that told something has put one of these."""
    if sequence.number(tx) == sequence.MOST:
        jobs.put(tx, "events.number", refs[0], tx.wall, clock="wall")


@route("GET", PATH, Feed)
def feed(tx: Tx, wanted: Feed) -> Steps:
    """The events numbered higher than `after`, in order; with `wait`, it waits so long for the first."""
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
    tail = f"order by sequence limit {wanted.limit + 1}"
    return rows.select(tx, Event, "sequence > %(after)s", tail, after=wanted.after)


def page(tx: Tx, found: list[Event], wanted: Feed) -> dict[str, Any]:
    data = render.show(tx, found[: wanted.limit], NUMBERED)
    return render.page(data, len(found) > wanted.limit, PATH)
