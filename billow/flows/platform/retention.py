"""Delete what is past its retention: events, kept answers of idempotency keys, expired files."""

from datetime import datetime, timedelta
from typing import Any

import psycopg

from billow.store import contents, jobs, webhook_queue
from billow.store.jobs import job
from billow.store.tx import Tx

EVENTS = timedelta(days=30)
KEYS = timedelta(days=2)
EVERY = timedelta(days=1)
FIRST = timedelta(hours=1)
"""After the start of a server: who starts has better things to do."""
MOST = 5000
"""Rows that go in one transaction; more of them at once would hold up others."""


@job("store.prune", lane="events")
def prune(tx: Tx, refs: list[str]) -> None:
    """Delete some of what is too old, and come back: at once while there is more, else tomorrow."""
    more = MOST in (prune_events(tx), prune_keys(tx), prune_files(tx))
    jobs.put(tx, "store.prune", refs[0], tx.wall + (timedelta(0) if more else EVERY), clock="wall")
    plan(tx.conn, tx.wall)


def prune_events(tx: Tx) -> int:
    """Numbers follow the wall's time, so that the oldest events are found by theirs."""
    gone = tx.tuples(
        "delete from events where id in (select id from (select id, told_at from events"
        " where sequence is not null order by sequence limit %(most)s) oldest where told_at < %(before)s)"
        " returning id",
        most=MOST,
        before=tx.wall - EVENTS,
    )
    events = {"ids": [id for (id,) in gone]}
    dropped = tx.tuples("delete from webhook_deliveries where event = any(%(ids)s) returning id", **events)
    webhook_queue.remove(tx, [id for (id,) in dropped])
    return len(gone)


def prune_keys(tx: Tx) -> int:
    return tx.run(
        "delete from idempotency_keys where key in (select key from idempotency_keys"
        " where created < %(before)s order by created limit %(most)s)",
        most=MOST,
        before=tx.wall - KEYS,
    )


def prune_files(tx: Tx) -> int:
    """The bytes of expired files; that there was a file remains."""
    gone = tx.tuples(
        "select file from file_contents where file in (select id from files where expires_at < %(now)s)"
        " limit %(most)s",
        most=MOST,
        now=tx.wall,
    )
    return contents.forget(tx, [id for (id,) in gone])


def plan(conn: psycopg.Connection[Any], now: datetime) -> None:
    """Each tenant that has a key has a timer; keys come and go, so whoever prunes looks after the others."""
    conn.execute(
        "insert into jobs (tenant, clock, kind, ref, run_at)"
        " select distinct tenant, 'wall', 'store.prune', 'daily', %s::timestamptz from api_keys"
        " on conflict do nothing",
        (now + FIRST,),
    )
