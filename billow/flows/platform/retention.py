"""Delete what is past its retention: events, requests, idempotency keys, expired files, tokens, mails."""

from datetime import datetime, timedelta
from typing import Any

import psycopg

from billow.api import rows
from billow.flows.customers import card_expiry
from billow.flows.papers import monthly_statements
from billow.flows.reporting import recurring_revenue
from billow.resources.api_request import ApiRequest
from billow.resources.ephemeral_key import EphemeralKey
from billow.resources.method_collection import MethodCollection
from billow.resources.token import Token
from billow.store import contents, jobs, webhook_queue
from billow.store.jobs import job
from billow.store.tx import Tx

EVENTS = timedelta(days=30)
KEYS = timedelta(days=2)
TOKENS = timedelta(days=1)
MAILS = timedelta(days=400)
"""A year and a month: what was mailed about a year's subscription can be looked up at its next renewal."""
COLLECTIONS = timedelta(days=30)
REQUESTS = timedelta(days=30)
EVERY = timedelta(days=1)
FIRST = timedelta(hours=1)
"""How long after its start a server begins to delete, since a starting server is busy."""
MAX_ROWS = 5000
"""The most rows deleted in one transaction; more would delay other transactions."""


@job("store.prune", lane="events")
def prune(tx: Tx, refs: list[str]) -> None:
    """Delete old rows, up to MAX_ROWS of each kind; run again at once if there are more, else tomorrow."""
    kinds = (
        prune_events,
        prune_keys,
        prune_files,
        prune_tokens,
        prune_ephemeral_keys,
        prune_mails,
        prune_collections,
        prune_logins,
        prune_requests,
    )
    more = MAX_ROWS in [kind(tx) for kind in kinds]
    jobs.put(tx, "store.prune", refs[0], tx.wall + (timedelta(0) if more else EVERY), clock="wall")
    plan(tx.conn, tx.wall)


def prune_events(tx: Tx) -> int:
    """Delete old events and their deliveries; return how many events.

    Numbers follow the wall clock, so that the oldest events are found by their numbers. What they tell of
    recurring revenue is read first.
    """
    if not recurring_revenue.read(tx):
        return MAX_ROWS
    deleted = tx.tuples(
        "delete from events where id in (select id from (select id, written_at from events"
        " where sequence is not null order by sequence limit %(most)s) oldest where written_at < %(before)s)"
        " returning id",
        most=MAX_ROWS,
        before=tx.wall - EVENTS,
    )
    events = {"ids": [id for (id,) in deleted]}
    deliveries = tx.tuples("delete from webhook_deliveries where event = any(%(ids)s) returning id", **events)
    webhook_queue.remove(tx, [id for (id,) in deliveries])
    return len(deleted)


def prune_keys(tx: Tx) -> int:
    """Delete old idempotency keys with their answers; return how many."""
    return tx.run(
        "delete from idempotency_keys where key in (select key from idempotency_keys"
        " where created < %(before)s order by created limit %(most)s)",
        most=MAX_ROWS,
        before=tx.wall - KEYS,
    )


def prune_files(tx: Tx) -> int:
    """Delete the bytes of expired files and keep their rows; return how many."""
    expired = tx.tuples(
        "select file from file_contents where file in (select id from files where expires_at < %(now)s)"
        " limit %(most)s",
        most=MAX_ROWS,
        now=tx.wall,
    )
    return contents.forget(tx, [id for (id,) in expired])


def prune_tokens(tx: Tx) -> int:
    """Delete old tokens, used or not; return how many."""
    old = "id in (select id from tokens where created < %(before)s order by created limit %(most)s)"
    return rows.delete_where(tx, Token, old, most=MAX_ROWS, before=tx.wall - TOKENS)


def prune_ephemeral_keys(tx: Tx) -> int:
    """Delete ephemeral keys that expired a day ago; return how many."""
    old = "id in (select id from ephemeral_keys where expires < %(before)s order by expires limit %(most)s)"
    return rows.delete_where(tx, EphemeralKey, old, most=MAX_ROWS, before=tx.wall - TOKENS)


def prune_mails(tx: Tx) -> int:
    """Delete old mails that were sent, or had nothing to say any more; return how many.

    One that came back is kept, since it keeps others from its address; so is one that still waits.
    """
    return tx.run(
        "delete from mails where id in (select id from mails where state in ('sent', 'not_sent')"
        " and closed_at < %(before)s order by closed_at limit %(most)s)",
        most=MAX_ROWS,
        before=tx.wall - MAILS,
    )


def prune_requests(tx: Tx) -> int:
    """Delete old entries of the request log; return how many."""
    old = "id in (select id from api_requests where created < %(before)s order by created limit %(most)s)"
    return rows.delete_where(tx, ApiRequest, old, most=MAX_ROWS, before=tx.wall - REQUESTS)


def prune_collections(tx: Tx) -> int:
    """Delete what was noted of old visits to pages of gateways; return how many."""
    old = (
        "id in (select id from method_collections where created < %(before)s order by created limit %(most)s)"
    )
    return rows.delete_where(tx, MethodCollection, old, most=MAX_ROWS, before=tx.wall - COLLECTIONS)


def prune_logins(tx: Tx) -> int:
    """Delete who asked for links to the portal: they count for an hour at most, and name addresses."""
    return tx.run(
        "delete from portal_logins where id in (select id from portal_logins where created < %(before)s"
        " order by created limit %(most)s)",
        most=MAX_ROWS,
        before=tx.wall - TOKENS,
    )


def plan(conn: psycopg.Connection[Any], now: datetime) -> None:
    """Put the timers of each tenant with a key that has none.

    Keys are created and deleted at any time, so every run of the job does it for all tenants.
    """
    conn.execute(
        "insert into jobs (tenant, clock, kind, ref, run_at)"
        " select distinct tenant, 'wall', 'store.prune', 'daily', %s::timestamptz from api_keys"
        " on conflict do nothing",
        (now + FIRST,),
    )
    card_expiry.plan(conn, now)
    monthly_statements.plan(conn, now)
