"""What happened, and who wants to hear of it: events are written inside, delivered outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from billow.store import bulk, jobs
from billow.store.ids import new_id
from billow.store.tx import Tx

API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True, slots=True)
class Told:
    """One event to be: its type, the object as it is now, and what its changed fields were before."""

    type: str
    object: dict[str, Any]
    previous: dict[str, Any] | None = None


def wants(enabled: Sequence[str], type: str) -> bool:
    return "*" in enabled or type in enabled


def _listeners(tx: Tx) -> list[dict[str, Any]]:
    if "listeners" not in tx.notes:
        tx.notes["listeners"] = tx.all(
            "select id, enabled_events from webhook_endpoints where status = 'enabled'"
        )
    found: list[dict[str, Any]] = tx.notes["listeners"]
    return found


def _data(event: Told) -> dict[str, Any]:
    previous = {} if event.previous is None else {"previous_attributes": event.previous}
    return {"object": event.object, **previous}


def write(tx: Tx, told: Sequence[Told]) -> None:
    """Keep events, and put a delivery for each endpoint that asked for their type. Three statements."""
    records, deliveries = [], []
    for event in told:
        id = new_id("evt_")
        to = [we["id"] for we in _listeners(tx) if wants(we["enabled_events"], event.type)]
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
            }
        )
        deliveries += [f"{id}:{endpoint}" for endpoint in to]
    if records:
        bulk.insert_many(tx, "events", list(records[0]), records)
    # A delivery really happens, whatever a test clock says: it is due on the wall.
    jobs.put_many(tx, "webhook.deliver", [(ref, tx.wall) for ref in deliveries], clock="wall")
