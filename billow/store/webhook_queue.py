"""Queue webhook deliveries by receiver; only the worker that holds a receiver deletes from its queue.

The job that numbers events adds to the queue without waiting. A deliverer holds a receiver by a lease, not by
a lock, and a delivery that is being sent stays in the queue until it is settled. When a deliverer dies,
another one takes the receiver after the lease has expired, and sends it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from billow.store import jobs, platforms
from billow.store.tx import Database, Tx

DUE = """
    with recursive first as (
        (select tenant, receiver, due_at from webhook_queue order by receiver, due_at limit 1)
        union all
        select next.* from first, lateral (
            select tenant, receiver, due_at from webhook_queue where receiver > first.receiver
            order by receiver, due_at limit 1
        ) next
    )
    select tenant, receiver from first where due_at <= %s order by due_at
"""
"""Reads only the first delivery of each queue, however long the queues are."""


def due(db: Database, now: datetime) -> list[tuple[str, str]]:
    """List tenant and receiver of due deliveries, those that have waited longest first."""
    with db.connection() as conn:
        return [(tenant, receiver) for tenant, receiver in conn.execute(DUE, (now,)).fetchall()]


@dataclass(frozen=True, slots=True)
class Lag:
    """The pending deliveries of all accounts, and for how many seconds the oldest has been pending.

    `due` is what a deliverer should send now; the rest is for a later time, since its receiver failed.
    """

    pending: int
    due: int
    oldest: int
    oldest_due: int


def lag(conn: psycopg.Connection[Any], now: datetime) -> Lag:
    """Measure how far the deliveries are behind. What waits for a disabled receiver is not in the queue."""
    row = conn.execute(
        "select count(*), count(*) filter (where due_at <= %(now)s), coalesce(min(written_at), %(now)s),"
        " coalesce(min(due_at), %(now)s) from webhook_queue",
        {"now": now},
    ).fetchone()
    pending, due, written_at, due_at = row or (0, 0, now, now)
    return Lag(pending, due, _seconds(now - written_at), _seconds(now - due_at))


def _seconds(wait: timedelta) -> int:
    return max(int(wait.total_seconds()), 0)


def add(tx: Tx, events: Sequence[str]) -> None:
    """Queue the deliveries of events that have just been numbered."""
    if events:
        _add(tx, "d.event = any(%(events)s)", "nothing", events=list(events))


def add_all(tx: Tx, receiver: str) -> None:
    """Queue now what is still to be sent to a receiver; events without a number follow when numbered."""
    _add(tx, "d.receiver = %(receiver)s", "update set due_at = excluded.due_at", receiver=receiver)


def add_again(tx: Tx, event: str, receiver: str) -> None:
    """Queue one delivery, now, even where it waits already for a later time."""
    where = "d.event = %(event)s and d.receiver = %(receiver)s"
    _add(tx, where, "update set due_at = excluded.due_at", event=event, receiver=receiver)


def _add(tx: Tx, where: str, queued_already: str, **params: Any) -> None:
    tx.run(
        "insert into webhook_queue (receiver, delivery, due_at, sequence, written_at)"
        " select d.receiver, d.id, %(now)s, e.sequence, e.written_at from webhook_deliveries d"
        f" join events e on e.id = d.event where {where} and d.status = 'pending'"
        f" and e.sequence is not null order by d.id on conflict (delivery) do {queued_already}",
        now=tx.wall,
        **params,
    )


def waiting(tx: Tx, receiver: str, most: int) -> list[str]:
    """Return the deliveries that are due to a receiver, by when they became due and by number."""
    found = tx.tuples(
        "select delivery from webhook_queue where receiver = %(receiver)s and due_at <= %(now)s"
        " order by due_at, sequence limit %(most)s",
        receiver=receiver,
        now=tx.wall,
        most=most,
    )
    return [delivery for (delivery,) in found]


def remove(tx: Tx, deliveries: Sequence[str]) -> None:
    """Remove deliveries from the queue."""
    if deliveries:
        tx.run("delete from webhook_queue where delivery = any(%(ids)s)", ids=list(deliveries))


def clear(tx: Tx, receiver: str) -> None:
    """Remove all deliveries of a receiver from the queue."""
    tx.run("delete from webhook_queue where receiver = %(receiver)s", receiver=receiver)


def put_off(tx: Tx, later: dict[str, datetime]) -> None:
    """Postpone deliveries, each to its own time."""
    if later:
        tx.run(
            "update webhook_queue q set due_at = t.at"
            " from unnest(%(ids)s::text[], %(at)s::timestamptz[]) as t (id, at) where q.delivery = t.id",
            ids=list(later),
            at=list(later.values()),
        )


# ------------------------------------------------------------------------------------- by whom


def claim(tx: Tx, receiver: str, until: datetime) -> dict[str, Any] | None:
    """Claim a receiver that nobody holds, until released or the lease ends; return whether it was slow."""
    tx.run("insert into webhook_receivers (id) values (%(id)s) on conflict do nothing", id=receiver)
    return tx.one(
        "update webhook_receivers set busy_until = %(until)s where id = (select id from webhook_receivers"
        " where id = %(id)s and (busy_until is null or busy_until <= %(now)s) for update skip locked)"
        " returning slow",
        id=receiver,
        until=until,
        now=tx.wall,
    )


def keep(tx: Tx, receiver: str, held: datetime, until: datetime | None, slow: bool) -> bool:
    """Extend or end the lease of a receiver; return False where somebody else holds it by now."""
    return bool(
        tx.run(
            "update webhook_receivers set busy_until = %(until)s, slow = %(slow)s"
            " where id = %(id)s and busy_until = %(held)s",
            id=receiver,
            held=held,
            until=until,
            slow=slow,
        )
    )


def standing(tx: Tx, receiver: str) -> dict[str, Any] | None:
    """Lock a receiver; return since when it fails, and when its owner was warned."""
    return tx.one(
        "select failing_since, warned_at from webhook_receivers where id = %(id)s for update", id=receiver
    )


def resume(tx: Tx, endpoint: str, connected: bool) -> None:
    """Queue what waits for an endpoint that is enabled again, in each of its queues."""
    for there, receiver in platforms.queues(tx, endpoint, connected):
        add_all(there, receiver)
        begin_anew(there, receiver)


def put_away(tx: Tx, endpoint: str, connected: bool) -> None:
    """Let what was not delivered to an endpoint be deleted: `webhook.forget` does, for each of its queues."""
    for there, receiver in platforms.queues(tx, endpoint, connected):
        jobs.put(there, "webhook.forget", receiver, tx.wall, clock="wall")


def begin_anew(tx: Tx, receiver: str) -> None:
    """Reset the failures of a receiver that was enabled again."""
    tx.run(
        "update webhook_receivers set failing_since = null, warned_at = null where id = %(id)s", id=receiver
    )
