"""Deliver events to webhook endpoints: sign them, retry them, treat each endpoint by itself."""

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from billow.api import render, rows
from billow.api.versions.events import show_data
from billow.core import signing
from billow.flows.events import endpoint_failures
from billow.flows.events.endpoint_failures import Receiver
from billow.resources import thin_event as thin
from billow.resources import webhook_endpoint as endpoints
from billow.resources.event import NUMBERED, Event
from billow.resources.event_destination import EventDestination
from billow.resources.webhook_delivery import WebhookDelivery
from billow.store import bulk, platforms, webhook_queue
from billow.store.jobs import job
from billow.store.tx import Database, Tx

log = logging.getLogger("billow.deliver")
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
"""The waits between attempts: some three days in all (§10.6), each a little longer at random."""
JITTER = 20
"""The most percent by which a wait is longer, so that what failed together is not retried together."""
LEASE = timedelta(minutes=1)
"""How long a worker holds a receiver: if it crashes, its deliveries are made again then (at least once)."""
MOST_DELIVERIES = 100
"""The most deliveries of a turn."""
MOST_BYTES = 4 << 20
"""The size after which a turn takes no further message, since all of them are kept in memory."""
MOST_SLOW_DELIVERIES = 10
"""The most deliveries of a turn of a slow receiver: they are sent one by one, and should be settled soon."""
GONE = 410
"""The status with which a receiver asks for no more events."""
OUTCOME_COLUMNS = ("attempts", "last_attempt_at", "response_status", "error", "status", "next_attempt_at")


@dataclass(frozen=True, slots=True)
class Message:
    """The request of one delivery. `about` is the object of the event: its events are sent in order."""

    delivery: str
    attempts: int
    about: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one attempt: the HTTP status, or 0 and the error."""

    delivery: str
    attempts: int
    status: int
    error: str | None

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Turn:
    """The lease of a receiver until `until`; `slow` if it was slow or failed the last time."""

    tenant: str
    receiver: str
    until: datetime
    slow: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages of a turn in order, and the outcomes of those that could not be written."""

    url: str
    messages: list[Message]
    unsendable: list[Answer]


def take(db: Database, tenant: str, receiver: str) -> Turn | None:
    """Lease a receiver; return None if another worker has it. Locks its row in the queue."""
    with db.transaction(tenant) as tx:
        _commit_without_waiting(tx)
        until = tx.wall + LEASE
        queue = webhook_queue.claim(tx, receiver, until)
        return Turn(tenant, receiver, until, queue["slow"]) if queue else None


def read(db: Database, turn: Turn) -> Batch | None:
    """Read what is due to the receiver of a turn; None if nothing is, or if it is disabled or deleted."""
    with db.transaction(turn.tenant) as tx:
        receiver = endpoint_failures.receiver_of(tx, turn.receiver)
        if receiver is None:
            forget(tx, [turn.receiver])
            return None
        if receiver.status != "enabled":
            clear_queue(tx, turn.receiver)
            return None
        return batch_of(tx, turn.receiver, receiver, MOST_SLOW_DELIVERIES if turn.slow else MOST_DELIVERIES)


def settle(db: Database, turn: Turn, answers: Sequence[Answer], slow: bool) -> Turn:
    """Record the outcomes of a turn with a fixed number of statements, and extend its lease.

    Locks the receiver's row in the queue. May put a warning to its owner, or disable it.
    """
    with db.transaction(turn.tenant) as tx:
        _commit_without_waiting(tx)
        queue = webhook_queue.standing(tx, turn.receiver)
        recorded = record(tx, answers)
        after = replace(turn, until=tx.wall + LEASE, slow=slow)
        webhook_queue.keep(tx, turn.receiver, turn.until, after.until, slow)
        receiver = endpoint_failures.receiver_of(tx, turn.receiver)
        if receiver is None or queue is None or not recorded:
            return after
        gave_up = any(one["status"] == "failed" for one in recorded)
        taken = [answer.good for answer in answers]
        receiver = endpoint_failures.record(tx, turn.receiver, receiver, queue, taken, gave_up)
        if any(answer.status == GONE for answer in answers) and receiver.status == "enabled":
            endpoint_failures.disable(tx, turn.receiver, receiver, "endpoint_gone")
        return after


def release(db: Database, turn: Turn) -> None:
    """Give up the lease of a receiver, since nothing more is due to it or the worker stops."""
    with db.transaction(turn.tenant) as tx:
        _commit_without_waiting(tx)
        webhook_queue.keep(tx, turn.receiver, turn.until, None, turn.slow)


def _commit_without_waiting(tx: Tx) -> None:
    """Commit without waiting for the disk: after a crash what was lost is sent again (at least once)."""
    tx.run("set local synchronous_commit = off")


def batch_of(tx: Tx, name: str, receiver: Receiver, most: int) -> Batch | None:
    """Read the deliveries that are due and write their messages; one that fails does not stop the others."""
    ids = webhook_queue.waiting(tx, name, most)
    known = rows.find_many(tx, WebhookDelivery, ids)
    pending = [known[id] for id in ids if id in known and known[id].status == "pending"]
    events = rows.find_many(tx, Event, [delivery.event for delivery in pending])
    deliveries = [delivery for delivery in pending if delivery.event in events]
    known_ids = {delivery.id for delivery in deliveries}
    webhook_queue.remove(tx, [id for id in ids if id not in known_ids])
    messages, unsendable, size = [], [], 0
    for delivery in deliveries:
        if size > MOST_BYTES:
            break
        try:
            messages.append(message(tx, receiver, delivery, events[delivery.event]))
            size += len(messages[-1].body)
        except Exception as error:  # any error is the outcome of this delivery alone
            log.exception("delivery %s cannot be written", delivery.id)
            unsendable.append(Answer(delivery.id, delivery.attempts, 0, f"not sent: {error!r}"))
    return Batch(receiver.url, messages, unsendable) if ids else None


def message(tx: Tx, receiver: Receiver, delivery: WebhookDelivery, event: Event) -> Message:
    """Write the signed message of a delivery: the event, or the notification of a thin one."""
    account = account_of(tx, delivery, event)
    if isinstance(receiver, EventDestination):
        secrets, version = [receiver.secret], receiver.snapshot_api_version
    else:
        secrets, version = endpoints.secrets_of(receiver, tx.wall), receiver.api_version
    if isinstance(receiver, EventDestination) and receiver.thin:
        shown = thin.notification(event, tx.livemode, account)
    else:
        shown = snapshot(tx, event, version) | ({"account": account} if account else {})
    body = msgspec.json.encode(shown)
    about = event.related or event.id
    return Message(delivery.id, delivery.attempts, about, headers(secrets, event.id, tx.wall, body), body)


def account_of(tx: Tx, delivery: WebhookDelivery, event: Event) -> str | None:
    """Return the connected account that a delivery tells of; None if it is of the account itself."""
    told = platforms.told_of(tx.account, event.type, event.content["object"])
    return told or platforms.endpoint_of(delivery.receiver)[1] or None


def snapshot(tx: Tx, event: Event, version: str | None) -> dict[str, Any]:
    """Show an event with its object, in a version of the API: the event's own where none is given."""
    shown = render.one(tx, event, NUMBERED)
    show_data(tx, [shown], version)
    return shown


def headers(secrets: Sequence[str], id: str, now: datetime, body: bytes) -> dict[str, str]:
    """Return the headers of a message, signed with every secret."""
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (billow)",
        **signing.headers(secrets, id, int(now.timestamp()), body),
    }


def record(tx: Tx, answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Record outcomes in their deliveries and the queue; skip those that another worker has recorded."""
    records = {answer.delivery: outcome(tx.wall, answer) for answer in answers}
    sets = ", ".join(f"{name} = r.{name}" for name in OUTCOME_COLUMNS)
    updated = tx.tuples(
        f"update webhook_deliveries d set {sets} from json_populate_recordset(null::webhook_deliveries,"
        " %(records)s) r where d.id = r.id and d.status = 'pending' and d.attempts = r.attempts - 1"
        " returning d.id, d.event",
        records=bulk.encode(list(records.values())),
    )
    recorded = [records[id] for id, _ in updated]
    webhook_queue.remove(tx, [record["id"] for record in recorded if record["status"] != "pending"])
    webhook_queue.put_off(
        tx, {record["id"]: record["next_attempt_at"] for record in recorded if record["status"] == "pending"}
    )
    acknowledge(tx, [event for id, event in updated if records[id]["status"] == "succeeded"])
    return recorded


def outcome(now: datetime, answer: Answer) -> dict[str, Any]:
    """Return the columns of a delivery after an attempt: succeeded, to be retried, or failed for good."""
    attempt = {
        "id": answer.delivery,
        "attempts": answer.attempts + 1,
        "last_attempt_at": now,
        "response_status": answer.status or None,
        "error": answer.error,
        "next_attempt_at": None,
    }
    if answer.good:
        return {**attempt, "status": "succeeded"}
    if answer.status == GONE or answer.attempts >= len(WAITS):
        return {**attempt, "status": "failed"}
    return {**attempt, "status": "pending", "next_attempt_at": now + jittered(WAITS[answer.attempts])}


def jittered(wait: timedelta) -> timedelta:
    """Make a wait longer by up to JITTER percent."""
    return wait + wait * random.randrange(JITTER + 1) / 100  # noqa: S311  (jitter, not a secret)


def acknowledge(tx: Tx, events: Sequence[str]) -> None:
    """Count one receiver less as pending on events. Locks them in order, as other receivers lock some too."""
    if events:
        tx.run(
            "update events set pending_webhooks = greatest(pending_webhooks - 1, 0) where id in"
            " (select id from events where id = any(%(ids)s) order by id for update)",
            ids=list(events),
        )


def clear_queue(tx: Tx, name: str) -> None:
    """Clear the queue of a disabled receiver; enabling it queues its pending deliveries again."""
    # Enabling locks the row too, so that one of the two transactions sees the other's result.
    found = endpoint_failures.receiver_of(tx, name, lock=True)
    if found is None or found.status != "enabled":
        webhook_queue.clear(tx, name)


@job("webhook.forget", lane="events")
def forget(tx: Tx, refs: list[str]) -> None:
    """Delete the deliveries and the queue of a deleted receiver; its events no longer wait for it."""
    for id in refs:
        deleted = tx.tuples(
            "delete from webhook_deliveries where receiver = %(id)s returning event, status", id=id
        )
        webhook_queue.clear(tx, id)
        acknowledge(tx, [event for event, status in deleted if status != "succeeded"])
        tx.run("delete from webhook_receivers where id = %(id)s", id=id)
