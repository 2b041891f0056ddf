"""Thin events: events in the format of v2, which name the changed object and do not contain it."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.params import Params
from billow.api.resource import REGISTRY, Resource, Where, route
from billow.core.calendar import read_instant
from billow.core.errors import Refused, require
from billow.resources.event import Event
from billow.resources.meter_event import iso
from billow.store.outbox import v2_type
from billow.store.tx import Tx

PATH = "/v2/core/events"
OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
MOST = 100


class Created(Params):
    gt: str | None = f.text(max=40)
    gte: str | None = f.text(max=40)
    lt: str | None = f.text(max=40)
    lte: str | None = f.text(max=40)


class Paging(Params):
    """The params of every list of v2; `page` comes from the addresses of other pages."""

    limit: int = f.integer(min=1, max=MOST, default=20)
    page: str | None = f.text(max=300)


class Filters(Paging):
    created: Created | None = f.nested(shape=Created)
    object_id: str | None = f.text()
    types: list[str] | None = f.array(item=f.text(), max=20)


# ------------------------------------------------------------------------------------- showing


def notification(event: Event, livemode: bool, context: str | None = None) -> dict[str, Any]:
    """Return the notification that is delivered; the receiver retrieves the event for more.

    `context` is the connected account that it tells of, which a request names to retrieve it.
    """
    return {
        "id": event.id,
        "object": "v2.core.event",
        "context": context,
        "created": iso(event.created),
        "livemode": livemode,
        "reason": _reason(event),
        "related_object": _related(event.content["object"]),
        "type": v2_type(event.type),
    }


def shown(event: Event, livemode: bool) -> dict[str, Any]:
    """Show a thin event with its changes; `snapshot_event` is the same event in v1."""
    ours = event.type.startswith("v2.")
    return {
        **notification(event, livemode),
        "changes": _changes(event.content),
        "snapshot_event": None if ours else event.id,
    }


def _reason(event: Event) -> dict[str, Any] | None:
    if not event.request["id"]:
        return None
    request = {"id": event.request["id"], "idempotency_key": event.request["idempotency_key"] or ""}
    return {"type": "request", "request": request}


def _related(object: dict[str, Any]) -> dict[str, str] | None:
    """Return the address of the object, or None if it has none, like an upcoming invoice."""
    name, id = object["object"], object.get("id")
    noun = REGISTRY.get(name)  # the settings of taxes are no row, and have no id
    path = f"/{name.replace('.', '/')}s" if name.startswith("v2.") else noun.path if noun else None
    return {"id": id, "type": name, "url": f"{path}/{id}"} if id and path else None


def _changes(told: dict[str, Any]) -> dict[str, Any] | None:
    before = told.get("previous_attributes")
    if before is None:
        return None
    return {"before": before, "after": {name: told["object"].get(name) for name in before}}


# ------------------------------------------------------------------------------------- operations


@route("GET", PATH, Filters)
def everything(tx: Tx, wanted: Filters) -> dict[str, Any]:
    """List the events of the last 30 days, newest first."""
    where = Where()
    if wanted.types:
        told = [type.removeprefix("v1.") for type in wanted.types if type.startswith(("v1.", "v2."))]
        where = where.also("type = any(%(types)s)", types=told)
    if wanted.object_id:
        where = where.also("related = %(related)s", related=wanted.object_id)
    for name, text in (wanted.created.sent() if wanted.created else {}).items():
        at = moment(text, f"created[{name}]")
        where = where.also(f"created {OPERATORS[name]} %(created_{name})s", **{f"created_{name}": at})
    found, urls = page(tx, Event, where, wanted, PATH)
    return {"data": [shown(event, tx.livemode) for event in found], **urls}


@route("GET", f"{PATH}/{{id}}")
def one(tx: Tx, id: str) -> dict[str, Any]:
    """Retrieve an event of the last 30 days."""
    found = rows.find_many(tx, Event, [id]).get(id)
    if found is None:
        raise no_such("event", id)
    return shown(found, tx.livemode)


def no_such(noun: str, id: str) -> Refused:
    message = f"No such {noun}: '{id}'"
    return Refused(message, status=404, code="not_found", user_message=message)


def moment(text: str, at: str) -> datetime:
    try:
        found = read_instant(text)
    except ValueError:
        raise Refused(f"Invalid timestamp: {text}; must be in ISO 8601.", param=at) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


# ------------------------------------------------------------------------------------- pages of v2


def page(
    tx: Tx, cls: type[Resource], where: Where, wanted: Paging, path: str
) -> tuple[list[Any], dict[str, str | None]]:
    """Return one page, and the addresses of the next and previous ones, which contain all filters."""
    way, _, cursor = (wanted.page or "").partition(".")
    require(way in ("", "next", "previous"), "Invalid page: take it from next_page_url.", param="page")
    names = {"next": "starting_after", "previous": "ending_before"}
    sent = {"limit": wanted.limit, **({names[way]: cursor} if way else {})}
    found, more = listing.page(tx, cls, where, sent)
    follows = more if way != "previous" else True
    precedes = more if way == "previous" else way == "next"
    return found, {
        "next_page_url": _address(wanted, path, f"next.{found[-1].id}") if found and follows else None,
        "previous_page_url": _address(wanted, path, f"previous.{found[0].id}")
        if found and precedes
        else None,
    }


def _address(wanted: Paging, path: str, page: str) -> str:
    pairs: list[tuple[str, Any]] = []
    for name, value in {**wanted.sent(), "page": page}.items():
        if isinstance(value, list):
            pairs += [(f"{name}[{place}]", item) for place, item in enumerate(value)]
        elif isinstance(value, Params):
            pairs += [(f"{name}[{key}]", item) for key, item in value.sent().items()]
        else:
            pairs.append((name, value))
    return f"{path}?{urlencode(pairs)}"
