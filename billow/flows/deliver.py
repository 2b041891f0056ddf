"""Events reach those who asked for them: signed, tried again, each receiver on its own (§10.4 to §10.6)."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from billow.api import render, rows
from billow.core import signing
from billow.core.errors import Unavailable
from billow.flows import failing
from billow.flows.failing import Receiver
from billow.flows.outside import of
from billow.resources import thin_event as thin
from billow.resources import webhook_endpoint as endpoints
from billow.resources.event import NUMBERED, Event
from billow.resources.event_destination import EventDestination
from billow.resources.webhook_delivery import WebhookDelivery
from billow.store import jobs, outbox
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
"""Between one try and the next: some three days in all (standards §11), each a little longer by chance."""
JITTER = 20
"""Percent by which a wait may be longer, so that what failed together does not come back together."""
LEASE = timedelta(minutes=1)
"""A delivery that nobody came back from is made again after this: at least once, not at most once."""
AT_ONCE = 25
"""Events that are sent to a receiver, one after the other, before another receiver has its turn."""
SLOW = 2.0
"""Seconds after which a receiver is slow: the rest of its turn waits, and the next is among the slow."""
GONE = 410
Post = Callable[[str, dict[str, str], bytes], int]


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent for one delivery."""

    delivery: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a delivery: the status, or 0 and why there was none."""

    delivery: str
    status: int
    error: str | None

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300


@job("webhook.deliver", lane="webhooks")
@job("webhook.deliver_slow", lane="slow_webhooks")
def deliver(tx: Tx, refs: list[str]) -> Steps:
    """Send what is due to one receiver. Nothing else is sent to it until this is answered."""
    [id] = refs
    [line] = outbox.hold(tx, [id])
    receiver = failing.receiver_of(tx, id)
    if receiver is None:
        forget(tx, id)
        return None
    if line["busy_until"] and line["busy_until"] > tx.wall:
        jobs.put(tx, outbox.DELIVER[line["slow"]], id, line["busy_until"], clock="wall")
        return None
    messages = due(tx, receiver) if receiver.status == "enabled" else []
    if not messages:
        go_on(tx, receiver, line["slow"])
        return None
    leave(tx, id, tx.wall + LEASE, line["slow"])
    jobs.put(tx, outbox.DELIVER[line["slow"]], id, tx.wall + LEASE, clock="wall")
    tx, (answers, slow) = yield ask(send, of(tx).send, receiver.url, messages)
    settle(tx, id, answers, slow)
    return None


# ------------------------------------------------------------------------------------- what is sent


def due(tx: Tx, receiver: Receiver) -> list[Message]:
    """What is due, the longest due first. An event without its number waits for it."""
    waiting = rows.select(
        tx,
        WebhookDelivery,
        "receiver = %(id)s and status = 'pending' and next_attempt_at <= %(now)s and exists"
        " (select 1 from events e where e.id = event and e.sequence is not null)",
        f"order by next_attempt_at, id limit {AT_ONCE}",
        id=receiver.id,
        now=tx.wall,
    )
    events = rows.find_many(tx, Event, [delivery.event for delivery in waiting])
    return [message(tx, receiver, delivery, events[delivery.event]) for delivery in waiting]


def message(tx: Tx, receiver: Receiver, delivery: WebhookDelivery, event: Event) -> Message:
    if isinstance(receiver, EventDestination):
        secrets = [receiver.secret]
        shown = thin.notification(event, tx.livemode) if receiver.thin else render.one(tx, event, NUMBERED)
    else:
        secrets, shown = endpoints.secrets_of(receiver, tx.wall), render.one(tx, event, NUMBERED)
    body = msgspec.json.encode(shown)
    return Message(delivery.id, headers(secrets, event.id, tx.wall, body), body)


def headers(secrets: Sequence[str], id: str, now: datetime, body: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (billow)",
        **signing.headers(secrets, id, int(now.timestamp()), body),
    }


def send(post: Post, url: str, messages: Sequence[Message]) -> tuple[list[Answer], bool]:
    """Send one after the other, until one fails or time is up; was the receiver slow, or did it fail?"""
    answers: list[Answer] = []
    began = time.monotonic()
    for one in messages:
        try:
            answers.append(Answer(one.delivery, int(post(url, one.headers, one.body)), None))
        except Unavailable as error:
            answers.append(Answer(one.delivery, 0, str(error)))
        slow = time.monotonic() - began > SLOW
        if slow or not answers[-1].good:
            return answers, True
    return answers, False


# ------------------------------------------------------------------------------------- what became of it


def settle(tx: Tx, id: str, answers: Sequence[Answer], slow: bool) -> None:
    [line] = outbox.hold(tx, [id])
    deliveries = rows.find_many(tx, WebhookDelivery, [answer.delivery for answer in answers])
    known = [answer for answer in answers if answer.delivery in deliveries]  # a deleted receiver has none
    arrived, gave_up = [], False
    for answer in known:
        delivery = deliveries[answer.delivery]
        tried = rows.update(tx, delivery, event=None, **outcome(tx, delivery, answer))
        gave_up = gave_up or tried.status == "failed"
        if answer.good and delivery.status == "pending":
            arrived.append(delivery.event)
    acknowledge(tx, arrived)
    leave(tx, id, None, slow)
    receiver = failing.receiver_of(tx, id)
    if receiver is None:
        return
    if known:
        receiver = failing.note(tx, receiver, line, [answer.good for answer in known], gave_up)
    if any(answer.status == GONE for answer in known):
        receiver = failing.switch_off(tx, receiver, "endpoint_gone")
    go_on(tx, receiver, slow)


def outcome(tx: Tx, delivery: WebhookDelivery, answer: Answer) -> dict[str, Any]:
    """What a try changes of its delivery: done, to be tried again later, or given up."""
    tried = {
        "attempts": delivery.attempts + 1,
        "last_attempt_at": tx.wall,
        "response_status": answer.status or None,
        "error": answer.error,
    }
    if answer.good:
        return {**tried, "status": "succeeded", "next_attempt_at": None}
    if answer.status == GONE or delivery.attempts >= len(WAITS):
        return {**tried, "status": "failed", "next_attempt_at": None}
    return {**tried, "next_attempt_at": tx.wall + jittered(WAITS[delivery.attempts])}


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


def leave(tx: Tx, id: str, busy_until: datetime | None, slow: bool) -> None:
    """How the receiver is left for the next who looks."""
    tx.run(
        "update webhook_receivers set busy_until = %(until)s, slow = %(slow)s where id = %(id)s",
        id=id,
        until=busy_until,
        slow=slow,
    )


def go_on(tx: Tx, receiver: Receiver, slow: bool) -> None:
    """Set the timer for what is next, behind the others who wait; none where nothing waits."""
    for kind in outbox.DELIVER.values():
        jobs.cancel(tx, kind, receiver.id)
    row = tx.one(
        "select min(d.next_attempt_at) as at from webhook_deliveries d join events e on e.id = d.event"
        " where d.receiver = %(id)s and d.status = 'pending' and e.sequence is not null",
        id=receiver.id,
    )
    if row and row["at"] and receiver.status == "enabled":
        at = max(row["at"], tx.wall)
        jobs.put(tx, outbox.DELIVER[slow], receiver.id, at, clock="wall")


def forget(tx: Tx, id: str) -> None:
    """A receiver was deleted: nobody waits for what it has not taken."""
    left = tx.tuples("delete from webhook_deliveries where receiver = %(id)s returning event, status", id=id)
    acknowledge(tx, [event for event, status in left if status != "succeeded"])
    tx.run("delete from webhook_receivers where id = %(id)s", id=id)
