"""Deliver events to webhook endpoints: signed, retried, each endpoint on its own."""

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from billow.api import render, rows
from billow.core import signing
from billow.flows.events import endpoint_failures
from billow.flows.events.endpoint_failures import Receiver
from billow.resources import thin_event as thin
from billow.resources import webhook_endpoint as endpoints
from billow.resources.event import NUMBERED, Event
from billow.resources.event_destination import EventDestination
from billow.resources.webhook_delivery import WebhookDelivery
from billow.store import bulk, webhook_queue
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
"""Between one try and the next: some three days in all (§10.6), each a little longer by chance."""
JITTER = 20
"""Percent by which a wait may be longer, so that what failed together does not come back together."""
LEASE = timedelta(minutes=1)
"""A delivery that nobody came back from is made again after this: at least once, not at most once."""
MOST = 100
"""Deliveries of a turn."""
MOST_BYTES = 4 << 20
"""Of a turn, after which it begins no further message, since all of them are held in memory."""
MOST_SLOW = 10
"""Of a turn of a receiver that was slow or failed: they are made one by one, and should be settled soon."""
GONE = 410
SETTLED = ("attempts", "last_attempt_at", "response_status", "error", "status", "next_attempt_at")


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent for one delivery; `about` is the object of the event, whose events come in order."""

    delivery: str
    attempts: int
    about: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one try: the status, or 0 and why there was none."""

    delivery: str
    attempts: int
    status: int
    error: str | None

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Turn:
    """A receiver that we hold until `until`; `slow` when it was slow or failed the last time."""

    tenant: str
    receiver: str
    until: datetime
    slow: bool


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a turn sends, in order, and what could not even be written, with its reason."""

    url: str
    messages: list[Message]
    unsendable: list[Answer]


def take(db: Database, tenant: str, receiver: str) -> Turn | None:
    """Hold a receiver; None when somebody else does."""
    with db.transaction(tenant) as tx:
        _may_be_repeated(tx)
        until = tx.wall + LEASE
        line = webhook_queue.claim(tx, receiver, until)
        return Turn(tenant, receiver, until, line["slow"]) if line else None


def read(db: Database, turn: Turn) -> Parcel | None:
    """What is due to the receiver of a turn; None where nothing is, or where nothing may be sent to it."""
    with db.transaction(turn.tenant) as tx:
        receiver = endpoint_failures.receiver_of(tx, turn.receiver)
        if receiver is None:
            forget(tx, [turn.receiver])
            return None
        if receiver.status != "enabled":
            set_aside(tx, receiver)
            return None
        return parcel(tx, receiver, MOST_SLOW if turn.slow else MOST)


def settle(db: Database, turn: Turn, answers: Sequence[Answer], slow: bool) -> Turn:
    """Note the outcome of every try of a turn, in one set of statements, and hold the receiver for longer."""
    with db.transaction(turn.tenant) as tx:
        _may_be_repeated(tx)
        line = webhook_queue.standing(tx, turn.receiver)
        noted = note(tx, answers)
        after = replace(turn, until=tx.wall + LEASE, slow=slow)
        webhook_queue.keep(tx, turn.receiver, turn.until, after.until, slow)
        receiver = endpoint_failures.receiver_of(tx, turn.receiver)
        if receiver is None or line is None or not noted:
            return after
        gave_up = any(record["status"] == "failed" for record in noted)
        receiver = endpoint_failures.note(tx, receiver, line, [answer.good for answer in answers], gave_up)
        if any(answer.status == GONE for answer in answers) and receiver.status == "enabled":
            endpoint_failures.switch_off(tx, receiver, "endpoint_gone")
        return after


def release(db: Database, turn: Turn) -> None:
    """Let go of a receiver, as nothing more is due to it or we stop."""
    with db.transaction(turn.tenant) as tx:
        _may_be_repeated(tx)
        webhook_queue.keep(tx, turn.receiver, turn.until, None, turn.slow)


def _may_be_repeated(tx: Tx) -> None:
    """Commit without waiting for the disk: what a crash forgets of this is sent once more (at least once)."""
    tx.run("set local synchronous_commit = off")


def parcel(tx: Tx, receiver: Receiver, most: int) -> Parcel | None:
    """Read what is due and write the messages; one that cannot be written stops no other."""
    ids = webhook_queue.waiting(tx, receiver.id, most)
    known = rows.find_many(tx, WebhookDelivery, ids)
    pending = [known[id] for id in ids if id in known and known[id].status == "pending"]
    events = rows.find_many(tx, Event, [delivery.event for delivery in pending])
    deliveries = [delivery for delivery in pending if delivery.event in events]
    kept = {delivery.id for delivery in deliveries}
    webhook_queue.remove(tx, [id for id in ids if id not in kept])
    messages, unsendable, size = [], [], 0
    for delivery in deliveries:
        if size > MOST_BYTES:
            break
        try:
            messages.append(message(tx, receiver, delivery, events[delivery.event]))
            size += len(messages[-1].body)
        except Exception as error:  # whatever it is, it is the outcome of this delivery alone
            log.exception("delivery %s cannot be written", delivery.id)
            unsendable.append(Answer(delivery.id, delivery.attempts, 0, f"not sent: {error!r}"))
    return Parcel(receiver.url, messages, unsendable) if ids else None


def message(tx: Tx, receiver: Receiver, delivery: WebhookDelivery, event: Event) -> Message:
    if isinstance(receiver, EventDestination):
        secrets = [receiver.secret]
        shown = thin.notification(event, tx.livemode) if receiver.thin else render.one(tx, event, NUMBERED)
    else:
        secrets, shown = endpoints.secrets_of(receiver, tx.wall), render.one(tx, event, NUMBERED)
    body = msgspec.json.encode(shown)
    about = event.related or event.id
    made = headers(secrets, event.id, tx.wall, body)
    return Message(delivery.id, delivery.attempts, about, made, body)


def headers(secrets: Sequence[str], id: str, now: datetime, body: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (billow)",
        **signing.headers(secrets, id, int(now.timestamp()), body),
    }


def note(tx: Tx, answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Write what tries have changed of their deliveries; what somebody else has settled stays as it is."""
    records = {answer.delivery: outcome(tx.wall, answer) for answer in answers}
    sets = ", ".join(f"{name} = r.{name}" for name in SETTLED)
    noted = tx.tuples(
        f"update webhook_deliveries d set {sets} from json_populate_recordset(null::webhook_deliveries,"
        " %(records)s) r where d.id = r.id and d.status = 'pending' and d.attempts = r.attempts - 1"
        " returning d.id, d.event",
        records=bulk.encode(list(records.values())),
    )
    known = [records[id] for id, _ in noted]
    webhook_queue.remove(tx, [record["id"] for record in known if record["status"] != "pending"])
    webhook_queue.put_off(
        tx, {record["id"]: record["next_attempt_at"] for record in known if record["status"] == "pending"}
    )
    acknowledge(tx, [event for id, event in noted if records[id]["status"] == "succeeded"])
    return known


def outcome(now: datetime, answer: Answer) -> dict[str, Any]:
    """What a try changes of its delivery: done, to be tried again later, or given up."""
    tried = {
        "id": answer.delivery,
        "attempts": answer.attempts + 1,
        "last_attempt_at": now,
        "response_status": answer.status or None,
        "error": answer.error,
        "next_attempt_at": None,
    }
    if answer.good:
        return {**tried, "status": "succeeded"}
    if answer.status == GONE or answer.attempts >= len(WAITS):
        return {**tried, "status": "failed"}
    return {**tried, "status": "pending", "next_attempt_at": now + jittered(WAITS[answer.attempts])}


def jittered(wait: timedelta) -> timedelta:
    return wait + wait * random.randrange(JITTER + 1) / 100  # noqa: S311  (jitter, not a secret)


def acknowledge(tx: Tx, events: Sequence[str]) -> None:
    """One receiver less is awaited. Rows are locked in order, as other receivers have some of the same."""
    if events:
        tx.run(
            "update events set pending_webhooks = greatest(pending_webhooks - 1, 0) where id in"
            " (select id from events where id = any(%(ids)s) order by id for update)",
            ids=list(events),
        )


def set_aside(tx: Tx, receiver: Receiver) -> None:
    """Nothing is sent to a disabled receiver: what waits for it is queued again when it is enabled."""
    cls = type(receiver)
    # Its row is locked, as it is by who enables it: one of the two comes after the other and sees it.
    found = rows.lock_many(tx, cls, [receiver.id])
    if not found or found[0].status != "enabled":
        webhook_queue.clear(tx, receiver.id)


@job("webhook.forget", lane="events")
def forget(tx: Tx, refs: list[str]) -> None:
    """A receiver was deleted: nobody waits for what it has not taken."""
    for id in refs:
        left = tx.tuples(
            "delete from webhook_deliveries where receiver = %(id)s returning event, status", id=id
        )
        webhook_queue.clear(tx, id)
        acknowledge(tx, [event for event, status in left if status != "succeeded"])
        tx.run("delete from webhook_receivers where id = %(id)s", id=id)
