"""Events reach those who asked for them: signed, tried again, each endpoint on its own (§10.4 to §10.6)."""

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any

import msgspec

from billow.api import render, rows
from billow.core.errors import Unavailable
from billow.flows.outside import of
from billow.resources.event import Event
from billow.resources.webhook_endpoint import WebhookEndpoint
from billow.store import jobs
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Between one try and the next: some three days in all (standards §11)."""
LEASE = timedelta(minutes=1)
"""A delivery that nobody came back from is made again after this: at least once, not at most once."""


@job("webhook.deliver", lane="webhooks")
def deliver(tx: Tx, refs: list[str]) -> Steps:
    """Post one event to one endpoint; the ref is event:endpoint, and :try from the second on."""
    event_id, endpoint_id, *tries = refs[0].split(":")
    number = int(tries[0]) if tries else 0
    event = rows.find_many(tx, Event, [event_id]).get(event_id)
    endpoint = rows.find_many(tx, WebhookEndpoint, [endpoint_id]).get(endpoint_id)
    if event is None or endpoint is None or endpoint.status != "enabled":
        return None
    body = msgspec.json.encode(render.one(tx, event))
    jobs.put(tx, "webhook.deliver", refs[0], tx.wall + LEASE, clock="wall")
    tx, status = yield ask(send, of(tx).send, endpoint.url, headers(endpoint.secret, body, tx.wall), body)
    jobs.cancel(tx, "webhook.deliver", refs[0])
    if 200 <= status < 300:
        tx.run(
            "update events set pending_webhooks = greatest(pending_webhooks - 1, 0) where id = %(id)s",
            id=event_id,
        )
    elif number < len(WAITS):
        jobs.put(
            tx,
            "webhook.deliver",
            f"{event_id}:{endpoint_id}:{number + 1}",
            tx.wall + WAITS[number],
            clock="wall",
        )
    return None


def send(post: Any, url: str, headers: dict[str, str], body: bytes) -> int:
    """The status of the answer; 0 where there was none."""
    try:
        return int(post(url, headers, body))
    except Unavailable:
        return 0


def headers(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (billow)",
        "Stripe-Signature": signature(secret, body, int(now.timestamp())),
    }


def signature(secret: str, body: bytes, timestamp: int) -> str:
    """HMAC-SHA-256 of `timestamp.body` with the whole secret, its prefix included (§10.5, X109)."""
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={signed}"
