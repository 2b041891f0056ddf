"""Ping an event destination."""

from typing import Any

from billow.api import rows
from billow.api.resource import route
from billow.resources import event_destination as destinations
from billow.resources import thin_event as thin
from billow.resources.event import Event
from billow.store import outbox
from billow.store.tx import Tx


@route("POST", f"{destinations.PATH}/{{id}}/ping")
def ping(tx: Tx, id: str) -> dict[str, Any]:
    """Emit a ping to one event destination."""
    destination = destinations.find(tx, id)
    ping = outbox.NewEvent(
        "v2.core.event_destination.ping", destinations.shown(destination, tx.livemode), to=id
    )
    [event] = outbox.write(tx, [ping])
    outbox.flush(tx)
    return thin.shown(rows.find(tx, Event, event), tx.livemode)
