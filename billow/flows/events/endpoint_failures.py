"""Warn the owner of an endpoint that has failed for days, then disable it."""

from datetime import datetime, timedelta
from typing import Any

from billow.api import rows
from billow.flows.outside.outside import MAIL_PATIENCE, MAIL_SENDING, Outside, outside_of
from billow.providers.mail import Message
from billow.resources import event_destination as destinations
from billow.resources.event_destination import EventDestination
from billow.resources.webhook_endpoint import WebhookEndpoint
from billow.store import jobs, platforms
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

Receiver = WebhookEndpoint | EventDestination
WARNED = timedelta(days=1)
"""How long an endpoint fails before its owner is warned."""
DISABLED = timedelta(days=3)
"""How long an endpoint fails before it is disabled, once an event has no retries left (F12)."""


def receiver_of(tx: Tx, name: str, *, lock: bool = False) -> Receiver | None:
    """Find the webhook endpoint or event destination that a queue is of: one's own, or the platform's.

    None where it is gone, or the account is connected to that platform no more.
    """
    id, account = platforms.endpoint_of(name)
    if not account:
        return found_in(tx, id, lock=lock)
    home = platforms.platform_of(tx)
    if home is None or account != tx.account:
        return None
    with tx.within(home) as there:
        found = found_in(there, id, lock=lock) if platforms.is_connected(there, account) else None
    return found if found and found.connect else None


def found_in(tx: Tx, id: str, *, lock: bool) -> Receiver | None:
    cls: type[Receiver] = EventDestination if id.startswith(EventDestination.prefix) else WebhookEndpoint
    if lock:
        return next(iter(rows.lock_many(tx, cls, [id])), None)
    return rows.find_many(tx, cls, [id]).get(id)


def disable(tx: Tx, name: str, receiver: Receiver, reason: str) -> Receiver:
    """Disable the receiver of a queue, in the books that it is of: nothing is sent to it until enabled."""
    home = platforms.platform_of(tx) if platforms.endpoint_of(name)[1] else None
    if home is None:
        return disabled(tx, receiver, reason)
    with tx.within(home) as there:
        after = disabled(there, receiver, reason)
    return after


def disabled(tx: Tx, receiver: Receiver, reason: str) -> Receiver:
    if isinstance(receiver, EventDestination):
        return destinations.disable(tx, receiver, reason)
    return rows.update(tx, receiver, event=None, status="disabled")


def record(
    tx: Tx, name: str, receiver: Receiver, queue: dict[str, Any], taken: list[bool], gave_up: bool
) -> Receiver:
    """Record since when a receiver fails; in live mode warn its owner, and disable it in the end.

    `taken` says of each message whether the receiver took it; `queue` is its row in the queue, which the
    caller has locked. In test mode nobody is warned (§10.6).
    """
    since: datetime | None = None if any(taken) else queue["failing_since"]
    since = since or (None if taken[-1] else tx.wall)
    warned: datetime | None = queue["warned_at"] if since == queue["failing_since"] else None
    fails = tx.wall - since if since and tx.livemode else timedelta(0)
    if gave_up and fails >= DISABLED:
        receiver = disable(tx, name, receiver, "endpoint_failing")
        jobs.put(tx, "webhook.notice", name, tx.wall, clock="wall")
    elif fails >= WARNED and warned is None:
        warned = tx.wall
        jobs.put(tx, "webhook.notice", name, tx.wall, clock="wall")
    if (since, warned) != (queue["failing_since"], queue["warned_at"]):
        tx.run(
            "update webhook_receivers set failing_since = %(since)s, warned_at = %(warned)s"
            " where id = %(id)s",
            since=since,
            warned=warned,
            id=name,
        )
    return receiver


@job("webhook.notice", lane="mail", patience=MAIL_PATIENCE)
def notice(tx: Tx, refs: list[str]) -> Steps:
    """Mail the owner that a receiver is failing, or that it was disabled."""
    [id] = refs
    receiver = receiver_of(tx, id)
    queue = tx.one("select failing_since from webhook_receivers where id = %(id)s", id=id)
    if receiver is None or queue is None or queue["failing_since"] is None:
        return None
    warning = warning_of(outside_of(tx), receiver, queue["failing_since"], tx.wall)
    jobs.put(tx, "webhook.notice", id, tx.wall + MAIL_SENDING, clock="wall")
    tx, _ = yield ask(outside_of(tx).mailer.send, warning)
    jobs.cancel(tx, "webhook.notice", id)
    return None


def warning_of(outside: Outside, receiver: Receiver, since: datetime, now: datetime) -> Message:
    """Write the mail to the owner, at the address that sends the invoices: an account has no other."""
    off = receiver.status == "disabled"
    what = "was disabled" if off else "is failing"
    follows = (
        "Nothing more is sent to it until you enable it again; what still waits for it is sent then."
        if off
        else "It is tried again, and disabled when it takes nothing for three days."
    )
    return Message(
        to=outside.mail_from,
        sender=outside.mail_from,
        subject=f"Webhook endpoint {receiver.id} {what}",
        text=f"{receiver.url}\n\nIt has taken no event since {since:%Y-%m-%d %H:%M} UTC. {follows}\n",
        html=None,
        attachments=(),
        message_id=f"<{receiver.id}.{receiver.status}.{int(since.timestamp())}@billow>",
        sent_at=now,
    )
