"""What happened, and who wants to hear of it: events are written inside, delivered outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from billow.store import bulk, jobs
from billow.store.ids import new_id
from billow.store.tx import Tx

API_VERSION = "2026-10-28.endive"
EXPLICIT = {"reporting.report_type.updated"}
"""What `*` does not mean: who wants to hear of it says so (§10.2)."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event to be: its type, the object as it is now, and what its changed fields were before."""

    type: str
    object: dict[str, Any]
    previous: dict[str, Any] | None = None
    to: str | None = None
    """The one receiver that hears of it, whatever it asked for."""


def wants(enabled: Sequence[str], type: str) -> bool:
    return type in enabled or ("*" in enabled and type not in EXPLICIT)


def v2_type(type: str) -> str:
    """What an event is called in v2, where it is told as a thin one."""
    return type if type.startswith("v2.") else f"v1.{type}"


def _listeners(tx: Tx) -> list[dict[str, Any]]:
    if "listeners" not in tx.notes:
        tx.notes["listeners"] = tx.all(
            "select id, enabled_events, false as thin from webhook_endpoints where status = 'enabled'"
            " union all select id, enabled_events, event_payload = 'thin' from event_destinations"
            " where disabled_reason is null"
        )
    found: list[dict[str, Any]] = tx.notes["listeners"]
    return found


def _receivers(tx: Tx, event: Told) -> list[str]:
    if event.to:
        return [event.to]
    return [
        one["id"]
        for one in _listeners(tx)
        if wants(one["enabled_events"], v2_type(event.type) if one["thin"] else event.type)
    ]


def _data(event: Told) -> dict[str, Any]:
    previous = {} if event.previous is None else {"previous_attributes": event.previous}
    return {"object": event.object, **previous}


def write(tx: Tx, told: Sequence[Told]) -> list[str]:
    """Keep events, and a delivery for each receiver that asked for their type; the ids of the events.

    They are only added here: numbered after the commit, by a job that this transaction puts once
    (store/sequence.py), and delivered after that. So nobody who writes an event waits for who delivers one.
    """
    records: list[dict[str, Any]] = []
    deliveries: list[dict[str, Any]] = []
    for event in told:
        id, to = new_id("evt_"), _receivers(tx, event)
        records.append(
            {
                "id": id,
                "created": tx.now,
                "type": event.type,
                "related": event.object.get("id"),
                "data": _data(event),
                "request": {"id": tx.cause.request, "idempotency_key": tx.cause.idempotency_key},
                "pending_webhooks": len(to),
                "api_version": API_VERSION,
                "told_at": tx.wall,
            }
        )
        # A delivery really happens, whatever a test clock says: it is due on the wall.
        deliveries += [
            {
                "id": new_id("whd_"),
                "created": tx.wall,
                "attempts": 0,
                "event": id,
                "receiver": receiver,
                "status": "pending",
                "next_attempt_at": tx.wall,
            }
            for receiver in to
        ]
    if records:
        bulk.insert_many(tx, "events", list(records[0]), records)
        if "numbering" not in tx.notes:  # a ref of its own, so that no two transactions wait for each other
            tx.notes["numbering"] = True
            jobs.put(tx, "events.number", records[0]["id"], tx.wall, clock="wall")
    if deliveries:
        bulk.insert_many(tx, "webhook_deliveries", list(deliveries[0]), deliveries)
    return [record["id"] for record in records]
