"""Events: changes of objects, as webhooks deliver them."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.core.errors import require
from billow.store.packed import unpack
from billow.store.tx import Tx


class Event(Resource, object="event", path="/v1/events", prefix="evt_", events=()):
    """A change of an object: the object after it, and the previous values of the changed fields."""

    api_version: str = f.text()
    data: bytes = f.document(required=True)
    pending_webhooks: int = f.integer(default=0)
    request: dict[str, str | None] = f.nested(default={"id": None, "idempotency_key": None})
    sequence: int | None = f.integer(include=True)
    """Billow's own: the number of the event, without gaps in an account and mode. It is in the feed, in every
    delivery, and where it is expanded; other answers have only Stripe's fields."""
    type: str = f.text(required=True)

    related: str | None = f.text(hidden=True)
    written_at: datetime = f.timestamp(required=True, hidden=True)

    @property
    def content(self) -> dict[str, Any]:
        """Return what it shows: the `object`, and `previous_attributes` where fields have changed."""
        content: dict[str, Any] = unpack(self.data)
        return content


#: The expansion that shows an event with its number.
NUMBERED: dict[str, Any] = {"sequence": {}}


class Filters(Params):
    delivery_success: bool | None = f.boolean()
    object_id: str | None = f.text()
    type: str | None = f.text()
    types: list[str] | None = f.array(item=f.text(), max=20)


@Event.listing(Filters)
def listing(tx: Tx, wanted: Filters) -> Where:
    """List events, newest first. `type` may end in a wildcard: invoice.*"""
    where = Where("type not like 'v2.%%'")
    require(
        not (wanted.type and wanted.types),
        "You may only specify one of these parameters: type, types.",
        param="types",
        code="parameters_exclusive",
    )
    types = wanted.types or ([wanted.type] if wanted.type else [])
    if types:
        where = where.also("type like any(%(types)s)", types=[_pattern(type) for type in types])
    if wanted.object_id:
        where = where.also("related = %(object_id)s", object_id=wanted.object_id)
    if wanted.delivery_success is not None:
        where = where.also(f"pending_webhooks {'=' if wanted.delivery_success else '>'} 0")
    return where


def _pattern(type: str) -> str:
    return type.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
