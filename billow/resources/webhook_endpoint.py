"""Webhook endpoints: who wants to hear of what happens."""

import re
from dataclasses import replace
from typing import Any

from billow.api import fields as f
from billow.api import render, rows
from billow.api.fields import CREATE, SHOWN, UPDATE, WRITE
from billow.api.resource import Resource
from billow.core.errors import require
from billow.store.ids import secret
from billow.store.outbox import API_VERSION
from billow.store.tx import Tx

MOST = 16
URL = re.compile(r"https?://[^\s/?#]+[^\s]*")
TYPE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")


class WebhookEndpoint(
    Resource, object="webhook_endpoint", path="/v1/webhook_endpoints", prefix="we_", events=()
):
    """An address that is told of events, each delivery signed with its secret."""

    api_version: str = f.choice(CREATE, API_VERSION, default=API_VERSION)
    application: str | None = f.absent()
    description: str | None = f.text(WRITE, unset=True)
    disabled: bool = f.boolean(UPDATE, default=False, order=True)
    enabled_events: list[str] = f.array(WRITE, f.text(max=100), required=True, max=300)
    metadata: dict[str, str] = f.metadata()
    status: str = f.choice(SHOWN, "disabled", "enabled", default="enabled")
    url: str = f.text(WRITE, max=2048, required=True)

    secret: str = f.text(required=True, hidden=True)


def _check(tx: Tx, url: str, enabled_events: list[str]) -> None:
    require(
        URL.fullmatch(url),
        "Invalid URL: it must begin with http:// or https://.",
        param="url",
        code="url_invalid",
    )
    require(
        not tx.livemode or url.startswith("https://"),
        "Invalid URL: live mode webhooks must use https.",
        param="url",
        code="url_invalid",
    )
    require(enabled_events, "You must specify at least one event.", param="enabled_events")
    for place, type in enumerate(enabled_events):
        require(
            type == "*" or TYPE.fullmatch(type),
            f"Invalid enabled_events: '{type}' is no type of event.",
            param=f"enabled_events[{place}]",
        )


@WebhookEndpoint.create
def create(tx: Tx, endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Create a webhook endpoint. The answer is the only one that shows its secret."""
    _check(tx, endpoint.url, endpoint.enabled_events)
    count = tx.tuples("select count(*) from webhook_endpoints")[0][0]
    require(count < MOST, f"You have reached the maximum of {MOST} webhook endpoints.")
    made = rows.insert(tx, replace(endpoint, secret=secret("whsec_")))
    return {**render.one(tx, made), "secret": made.secret}


@WebhookEndpoint.update
def update(tx: Tx, endpoint: WebhookEndpoint, changes: dict[str, Any]) -> WebhookEndpoint:
    """Update a webhook endpoint, or switch it off and on."""
    if "disabled" in changes:
        changes["status"] = "disabled" if changes.pop("disabled") else "enabled"
    _check(tx, changes.get("url", endpoint.url), changes.get("enabled_events", endpoint.enabled_events))
    return rows.update(tx, endpoint, **changes)


@WebhookEndpoint.delete
def delete(tx: Tx, endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Delete a webhook endpoint; what was not delivered yet never will be."""
    return rows.delete(tx, endpoint)
