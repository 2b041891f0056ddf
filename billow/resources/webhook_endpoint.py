"""Webhook endpoints: addresses that receive events."""

import re
from datetime import datetime, timedelta
from typing import Any

from billow.api import fields as f
from billow.api import render, rows
from billow.api.fields import CREATE, SHOWN, UPDATE, WRITE
from billow.api.params import Params
from billow.api.resource import Resource
from billow.api.versions.known import KNOWN
from billow.core import web_address
from billow.core.errors import Refused, require
from billow.resources.event_types import TYPES
from billow.store import webhook_queue
from billow.store.ids import secret
from billow.store.tx import Tx

MOST = 16
OVERLAP = 24 * 60 * 60
"""The most seconds for which a rotated secret still signs."""
THIN = re.compile(r"v[12](\.[a-z0-9_]+){2,}")
"""The types of thin events, of which Stripe adds new ones with each version."""


class WebhookEndpoint(
    Resource, object="webhook_endpoint", path="/v1/webhook_endpoints", prefix="we_", events=()
):
    """An address that receives events, in deliveries signed with its secret."""

    api_version: str | None = f.choice(CREATE, *KNOWN)
    application: str | None = f.absent()
    connect: bool = f.boolean(CREATE, default=False, hidden=True)
    """Whether it receives the events of connected accounts, and not those of the account."""
    description: str | None = f.text(WRITE, unset=True)
    disabled: bool = f.boolean(UPDATE, default=False, order=True)
    enabled_events: list[str] = f.array(WRITE, f.text(max=100), required=True, max=300)
    metadata: dict[str, str] = f.metadata()
    status: str = f.choice(SHOWN, "disabled", "enabled", default="enabled")
    url: str = f.text(WRITE, max=2048, required=True)

    secret: str = f.text(required=True, hidden=True)
    former_secret: str | None = f.text(hidden=True)
    former_until: datetime | None = f.timestamp(hidden=True)


class Rotate(Params):
    expire_after: int = f.integer(min=0, max=OVERLAP, default=OVERLAP)


def check(tx: Tx, url: str, enabled_events: list[str], url_param: str = "url") -> str:
    """Check the address and event types of an endpoint, and return the address in ASCII."""
    try:
        address = web_address.encoded(url)
    except ValueError as error:
        raise Refused(f"Invalid URL: {error}.", param=url_param, code="url_invalid") from None
    require(
        not tx.livemode or address.startswith("https://"),
        "Invalid URL: live mode webhooks must use https.",
        param=url_param,
        code="url_invalid",
    )
    require(enabled_events, "You must specify at least one event.", param="enabled_events")
    for place, type in enumerate(enabled_events):
        require(
            is_event_type(type),
            f"Invalid enabled_events: '{type}' is no type of event.",
            param=f"enabled_events[{place}]",
        )
    return address


def is_event_type(type: str) -> bool:
    """Check whether an endpoint may ask for a type: one of Stripe's, in the form of v1 or of v2, or all."""
    return type == "*" or type in TYPES or THIN.fullmatch(type) is not None


@WebhookEndpoint.create
def create(tx: Tx, endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Create a webhook endpoint. Only this answer shows its secret."""
    url = check(tx, endpoint.url, endpoint.enabled_events)
    count = tx.tuples("select count(*) from webhook_endpoints")[0][0]
    require(count < MOST, f"You have reached the maximum of {MOST} webhook endpoints.")
    made = rows.insert(tx, endpoint.but(url=url, secret=secret("whsec_")))
    return {**render.one(tx, made), "secret": made.secret}


@WebhookEndpoint.update
def update(tx: Tx, endpoint: WebhookEndpoint, changes: dict[str, Any]) -> WebhookEndpoint:
    """Update a webhook endpoint, or disable it; events that waited are sent when it is enabled again."""
    if "disabled" in changes:
        changes["status"] = "disabled" if changes.pop("disabled") else "enabled"
    enabled_events = changes.get("enabled_events", endpoint.enabled_events)
    changes["url"] = check(tx, changes.get("url", endpoint.url), enabled_events)
    if changes.get("status", endpoint.status) != endpoint.status:
        webhook_queue.resume(tx, endpoint.id, endpoint.connect)
    return rows.update(tx, endpoint, **changes)


@WebhookEndpoint.delete
def delete(tx: Tx, endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Delete a webhook endpoint; events that were not delivered yet never will be."""
    webhook_queue.put_away(tx, endpoint.id, endpoint.connect)
    return rows.delete(tx, endpoint)


@WebhookEndpoint.action("rotate_secret", Rotate)
def rotate(tx: Tx, endpoint: WebhookEndpoint, wanted: Rotate) -> dict[str, Any]:
    """Rotate the secret of an endpoint; the old one signs too, for `expire_after` seconds."""
    overlaps = wanted.expire_after > 0
    changed = rows.update(
        tx,
        endpoint,
        secret=secret("whsec_"),
        former_secret=endpoint.secret if overlaps else None,
        former_until=tx.wall + timedelta(seconds=wanted.expire_after) if overlaps else None,
    )
    return {**render.one(tx, changed), "secret": changed.secret}


def secrets_of(endpoint: WebhookEndpoint, now: datetime) -> list[str]:
    """Return the secrets that sign now, newest first."""
    former = endpoint.former_until and endpoint.former_until > now and endpoint.former_secret
    return [endpoint.secret, former] if former else [endpoint.secret]
