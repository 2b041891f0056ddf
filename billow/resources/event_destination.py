"""Event destinations: addresses that receive events, in the format of v2."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import params, rows
from billow.api.fields import SHOWN, Field
from billow.api.params import Params
from billow.api.resource import Resource, Where, route
from billow.api.versions.known import KNOWN, NEWEST
from billow.core.errors import require
from billow.resources import webhook_endpoint as endpoints
from billow.resources.meter_event import iso
from billow.resources.thin_event import Paging, no_such, page
from billow.store import webhook_queue
from billow.store.ids import secret
from billow.store.tx import Tx

PATH = "/v2/core/event_destinations"
URL = "webhook_endpoint.url"
SECRET = "webhook_endpoint.signing_secret"
METADATA = Field("metadata")
ACCOUNTS, SELF = "@accounts", "@self"


class EventDestination(
    Resource, object="v2.core.event_destination", prefix="ed_", table="event_destinations", events=()
):
    """An address that receives events, as snapshots or as thin events."""

    description: str = f.text(default="")
    disabled_reason: str | None = f.text(hidden=True)
    enabled_events: list[str] = f.array(item=f.text(), required=True)
    event_payload: str = f.choice(SHOWN, "snapshot", "thin", required=True)
    events_from: list[str] = f.array(item=f.text(), default=["@self"])
    metadata: dict[str, str] = f.metadata(SHOWN)
    name: str = f.text(required=True)
    secret: str = f.text(required=True, hidden=True)
    snapshot_api_version: str | None = f.choice(SHOWN, *KNOWN)
    updated: datetime = f.timestamp(required=True)
    url: str = f.text(required=True, hidden=True)

    @property
    def status(self) -> str:
        return "disabled" if self.disabled_reason else "enabled"

    @property
    def connect(self) -> bool:
        """Whether it receives the events of connected accounts."""
        return ACCOUNTS in self.events_from

    @property
    def thin(self) -> bool:
        return self.event_payload == "thin"


class Target(Params):
    url: str = f.text(max=2048, required=True)


class Create(Params):
    description: str = f.text(default="", unset=True)
    enabled_events: list[str] = f.array(item=f.text(max=100), required=True, max=300)
    event_payload: str = f.choice(SHOWN, "snapshot", "thin", required=True)
    events_from: list[str] = f.array(item=f.choice(SHOWN, ACCOUNTS, SELF), default=[SELF])
    include: list[str] = f.array(item=f.choice(SHOWN, SECRET, URL), default=[])
    metadata: dict[str, Any] | None = f.nested()
    name: str = f.text(max=255, required=True)
    snapshot_api_version: str | None = f.choice(SHOWN, *KNOWN)
    type: str = f.choice(SHOWN, "webhook_endpoint", required=True)
    webhook_endpoint: Target = f.nested(shape=Target, required=True)


class Update(Params):
    description: str = f.text(default="", unset=True)
    enabled_events: list[str] = f.array(item=f.text(max=100), max=300)
    include: list[str] = f.array(item=f.choice(SHOWN, URL), default=[])
    metadata: dict[str, Any] | None = f.nested()
    name: str = f.text(max=255)
    webhook_endpoint: Target | None = f.nested(shape=Target)


class Retrieve(Params):
    include: list[str] = f.array(item=f.choice(SHOWN, URL), default=[])


class Listing(Paging):
    include: list[str] = f.array(item=f.choice(SHOWN, URL), default=[])


# ------------------------------------------------------------------------------------- showing


def shown(row: EventDestination, livemode: bool, include: list[str] | None = None) -> dict[str, Any]:
    """Show an event destination; URL and secret only if included, and the secret only at creation."""
    included = include or []
    target = {
        "signing_secret": row.secret if SECRET in included else None,
        "url": row.url if URL in included else None,
    }
    return {
        "id": row.id,
        "object": row.object,
        "amazon_eventbridge": None,
        "azure_event_grid": None,
        "created": iso(row.created),
        "description": row.description,
        "enabled_events": row.enabled_events,
        "event_payload": row.event_payload,
        "events_from": row.events_from,
        "livemode": livemode,
        "metadata": row.metadata,
        "name": row.name,
        "snapshot_api_version": row.snapshot_api_version,
        "status": row.status,
        "status_details": {"disabled": {"reason": row.disabled_reason}} if row.disabled_reason else None,
        "type": "webhook_endpoint",
        "updated": iso(row.updated),
        "webhook_endpoint": target,
    }


def find(tx: Tx, id: str) -> EventDestination:
    found = rows.select(tx, EventDestination, "id = %(id)s", "for update", id=id)
    if not found:
        raise no_such("event destination", id)
    return found[0]


def merged(old: dict[str, str], sent: dict[str, Any] | None) -> dict[str, str]:
    """Merge metadata as v2 does: null removes a key."""
    texts = {key: "" if value is None else value for key, value in (sent or {}).items()}
    return params.merged(old, params.parse(METADATA, texts, "metadata"))


# ------------------------------------------------------------------------------------- operations


@route("POST", PATH, Create)
def create(tx: Tx, wanted: Create) -> dict[str, Any]:
    """Create an event destination; its secret is shown only now, and only if included."""
    url = endpoints.check(tx, wanted.webhook_endpoint.url, wanted.enabled_events, "webhook_endpoint[url]")
    require(
        wanted.event_payload == "snapshot" or not wanted.snapshot_api_version,
        "Thin events have no snapshot_api_version.",
        param="snapshot_api_version",
    )
    require(wanted.events_from, "You must specify at least one source of events.", param="events_from")
    count = tx.tuples("select count(*) from event_destinations")[0][0]
    most = endpoints.MOST
    require(count < most, f"You have reached the maximum of {most} event destinations.")
    made = EventDestination(
        description=wanted.description,
        enabled_events=wanted.enabled_events,
        event_payload=wanted.event_payload,
        events_from=wanted.events_from,
        metadata=merged({}, wanted.metadata),
        name=wanted.name,
        secret=secret("whsec_"),
        snapshot_api_version=snapshot_version(tx, wanted),
        updated=tx.now,
        url=url,
    )
    return shown(rows.insert(tx, made), tx.livemode, wanted.include)


def snapshot_version(tx: Tx, wanted: Create) -> str | None:
    """Return the version of the objects that are sent: the one given, or now that of the account."""
    if wanted.event_payload == "thin" or wanted.snapshot_api_version:
        return wanted.snapshot_api_version
    row = tx.one("select api_version from accounts where id = %(id)s", id=tx.account)
    return str(row["api_version"]) if row else NEWEST


@route("GET", PATH, Listing)
def everything(tx: Tx, wanted: Listing) -> dict[str, Any]:
    """List event destinations, newest first."""
    found, urls = page(tx, EventDestination, Where(), wanted, PATH)
    return {"data": [shown(row, tx.livemode, wanted.include) for row in found], **urls}


@route("GET", f"{PATH}/{{id}}", Retrieve)
def one(tx: Tx, id: str, wanted: Retrieve) -> dict[str, Any]:
    """Retrieve an event destination."""
    return shown(find(tx, id), tx.livemode, wanted.include)


@route("POST", f"{PATH}/{{id}}", Update)
def update(tx: Tx, id: str, wanted: Update) -> dict[str, Any]:
    """Update an event destination."""
    row = find(tx, id)
    given = {name: value for name, value in wanted.sent().items() if name in type(row).columns}
    url = wanted.webhook_endpoint.url if wanted.webhook_endpoint else row.url
    changed = row.but(**{**given, "metadata": merged(row.metadata, wanted.metadata), "url": url})
    address = endpoints.check(tx, changed.url, changed.enabled_events, "webhook_endpoint[url]")
    return shown(kept(tx, row, changed.but(url=address)), tx.livemode, wanted.include)


@route("DELETE", f"{PATH}/{{id}}")
def delete(tx: Tx, id: str) -> dict[str, Any]:
    """Delete an event destination; events that were not delivered yet never will be."""
    row = find(tx, id)
    webhook_queue.put_away(tx, id, row.connect)
    rows.delete(tx, row)
    return {"id": id, "object": row.object}


@route("POST", f"{PATH}/{{id}}/disable")
def disable_by_user(tx: Tx, id: str) -> dict[str, Any]:
    """Disable an event destination: no events are sent to it."""
    return shown(disable(tx, find(tx, id), "user"), tx.livemode)


def disable(tx: Tx, row: EventDestination, reason: str) -> EventDestination:
    return kept(tx, row, row.but(disabled_reason=row.disabled_reason or reason))


@route("POST", f"{PATH}/{{id}}/enable")
def enable(tx: Tx, id: str) -> dict[str, Any]:
    """Enable an event destination; events that waited for it are sent."""
    row = find(tx, id)
    webhook_queue.resume(tx, id, row.connect)
    return shown(kept(tx, row, row.but(disabled_reason=None)), tx.livemode)


def kept(tx: Tx, row: EventDestination, changed: EventDestination) -> EventDestination:
    changes = {name: getattr(changed, name) for name in type(row).columns}
    differs = any(getattr(row, name) != value for name, value in changes.items())
    return rows.update(tx, row, **{**changes, "updated": tx.now}) if differs else row
