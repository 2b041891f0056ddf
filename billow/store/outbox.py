"""What happened, and who wants to hear of it: events are written inside, delivered outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from billow.store import bulk, jobs, platforms
from billow.store.ids import new_id
from billow.store.packed import pack
from billow.store.tx import Tx

API_VERSION = "2026-10-28.endive"
MOST = 1000
"""How many events one statement writes: those of a transaction that emits more are not all kept in memory."""
EXPLICIT = {"reporting.report_type.updated"}
"""What `*` does not mean: who wants to hear of it says so (§10.2)."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One event to be: its type, the object as it is now, and what its changed fields were before."""

    type: str
    object: dict[str, Any]
    previous: dict[str, Any] | None = None
    to: str | None = None
    """The one receiver that hears of it, whatever it asked for."""


def wants(enabled: Sequence[str], type: str) -> bool:
    return type in enabled or ("*" in enabled and type not in EXPLICIT)


def v2_type(type: str) -> str:
    """Return the type of an event in v2, where it is sent as a thin event."""
    return type if type.startswith("v2.") else f"v1.{type}"


LISTENERS = """
    select id, enabled_events, false as thin, not connect as own, connect as connected from webhook_endpoints
    where status = 'enabled'
    union all
    select id, enabled_events, event_payload = 'thin', events_from @> '["@self"]',
        events_from @> '["@accounts"]'
    from event_destinations where disabled_reason is null
    union all
    select platform, '[]', false, false, false from accounts where id = %(account)s and platform is not null
"""
"""Who hears of an account, and as a row of its own the platform that has connected it, if one has."""


def _listeners(tx: Tx) -> list[dict[str, Any]]:
    """Return who hears of the account: its own endpoints, and those of its platform."""
    if "listeners" not in tx.notes:
        known = tx.all(LISTENERS, account=tx.account)
        found = [one for one in known if one["own"] or one["connected"]]
        for platform in [one["id"] for one in known if one not in found]:
            with tx.within(platforms.beside(tx, platform)) as there:
                connected = platforms.is_connected(there, tx.account)
                others = there.all(LISTENERS, account=platform) if connected else []
            found += [
                {**one, "id": platforms.receiver_name(one["id"], tx.account), "own": True, "connected": False}
                for one in others
                if one["connected"]
            ]
        tx.notes["listeners"] = found
    listeners: list[dict[str, Any]] = tx.notes["listeners"]
    return listeners


def _receivers(tx: Tx, event: NewEvent) -> list[str]:
    if event.to:
        return [event.to]
    if not (listeners := _listeners(tx)):
        return []
    kind = "connected" if platforms.told_of(tx.account, event.type, event.object) else "own"
    return [
        one["id"]
        for one in listeners
        if one[kind] and wants(one["enabled_events"], v2_type(event.type) if one["thin"] else event.type)
    ]


INSERT = """
    insert into events
        (id, created, type, related, data, request, pending_webhooks, api_version, written_at)
    select id, created, type, nullif(related, ''), data, %(request)s, receivers,
        (select api_version from accounts where id = %(account)s), %(wall)s
    from unnest(
        %(ids)b::text[], %(created)b::timestamptz[], %(types)b::text[], %(related)b::text[],
        %(data)b::bytea[], %(receivers)b::int8[]
    ) as event (id, created, type, related, data, receivers)
"""


@dataclass(frozen=True, slots=True)
class Unwritten:
    """An event that is written before the commit, with those that receive it."""

    id: str
    created: datetime
    type: str
    related: str
    data: bytes
    receivers: list[str]


def write(tx: Tx, events: Sequence[NewEvent]) -> list[str]:
    """Keep events, and a delivery for each receiver that asked for their type; return the ids of the events.

    The events of a transaction are written with one statement at its end (`flush`), or before that when they
    are many. They are numbered after the commit, by a job that this transaction puts (store/sequence.py),
    and delivered after that. So nobody who writes an event waits for who delivers one.
    """
    if not events:
        return []
    unwritten = [
        Unwritten(
            id=new_id("evt_"),
            created=tx.now,
            type=event.type,
            related=event.object.get("id") or "",
            data=data,
            receivers=_receivers(tx, event),
        )
        for event, data in zip(events, _data(events), strict=True)
    ]
    if "numbering" not in tx.notes:  # a ref of its own, so that no two transactions wait for each other
        tx.notes["numbering"] = True
        jobs.put(tx, "events.number", unwritten[0].id, tx.wall, clock="wall")
    collected = tx.notes.setdefault("events", [])
    collected.extend(unwritten)
    tx.endings["events"] = flush
    if len(collected) >= MOST:
        flush(tx)
    return [event.id for event in unwritten]


def flush(tx: Tx) -> None:
    """Write the events that this transaction has collected, and their deliveries."""
    events: list[Unwritten] = tx.notes.pop("events", [])
    if not events:
        return
    tx.run(
        INSERT,
        ids=[event.id for event in events],
        created=[event.created for event in events],
        types=[event.type for event in events],
        related=[event.related for event in events],
        data=[event.data for event in events],
        receivers=[len(event.receivers) for event in events],
        wall=tx.wall,
        account=tx.account,
        request=Jsonb({"id": tx.cause.request, "idempotency_key": tx.cause.idempotency_key}),
    )
    # A delivery really happens, whatever a test clock says: it is due on the wall.
    deliveries = [
        {
            "id": new_id("whd_"),
            "created": tx.wall,
            "attempts": 0,
            "event": event.id,
            "receiver": receiver,
            "status": "pending",
            "next_attempt_at": tx.wall,
        }
        for event in events
        for receiver in event.receivers
    ]
    if deliveries:
        bulk.insert_many(tx, "webhook_deliveries", list(deliveries[0]), deliveries)


def _data(events: Sequence[NewEvent]) -> list[bytes]:
    """Pack what each event shows. An object that several events in a row show is encoded once."""
    found: list[bytes] = []
    last, encoded, packed = None, msgspec.Raw(), b""
    for event in events:
        if event.object is not last:
            last, encoded = event.object, msgspec.Raw(msgspec.json.encode(event.object))
            packed = b""
        if event.previous is None:
            packed = packed or pack(msgspec.json.encode({"object": encoded}))
            found.append(packed)
        else:
            found.append(
                pack(msgspec.json.encode({"object": encoded, "previous_attributes": event.previous}))
            )
    return found
