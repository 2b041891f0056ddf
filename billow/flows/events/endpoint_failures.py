"""Warn the owner of an endpoint that has failed for days, then disable it."""

from datetime import datetime, timedelta
from typing import Any

from billow.api import rows
from billow.flows.outside.outside import MAIL_PATIENCE, MAIL_SENDING, Outside, outside_of
from billow.providers.mail import Message
from billow.resources import event_destination as destinations
from billow.resources.event_destination import EventDestination
from billow.resources.webhook_endpoint import WebhookEndpoint
from billow.store import jobs
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

Receiver = WebhookEndpoint | EventDestination
WARNED = timedelta(days=1)
"""After so long without one success its owner is told."""
DISABLED = timedelta(days=3)
"""After so long, and when the retries of an event are used up besides, it is disabled (F12)."""


def receiver_of(tx: Tx, id: str) -> Receiver | None:
    if id.startswith(EventDestination.prefix):
        return rows.find_many(tx, EventDestination, [id]).get(id)
    return rows.find_many(tx, WebhookEndpoint, [id]).get(id)


def switch_off(tx: Tx, receiver: Receiver, reason: str) -> Receiver:
    """Nothing more is sent until somebody enables it again."""
    if isinstance(receiver, EventDestination):
        return destinations.disable(tx, receiver, reason)
    return rows.update(tx, receiver, event=None, status="disabled")


def note(tx: Tx, receiver: Receiver, line: dict[str, Any], took: list[bool], gave_up: bool) -> Receiver:
    """Remember since when it fails, from whether it took each message; live ones have consequences.

    `line` is the receiver's, held. In test mode endpoints come and go, and nobody is told (§10.6).
    """
    since: datetime | None = None if any(took) else line["failing_since"]
    since = since or (None if took[-1] else tx.wall)
    warned: datetime | None = line["warned_at"] if since == line["failing_since"] else None
    fails = tx.wall - since if since and tx.livemode else timedelta(0)
    if gave_up and fails >= DISABLED:
        receiver = switch_off(tx, receiver, "endpoint_failing")
        jobs.put(tx, "webhook.notice", receiver.id, tx.wall, clock="wall")
    elif fails >= WARNED and warned is None:
        warned = tx.wall
        jobs.put(tx, "webhook.notice", receiver.id, tx.wall, clock="wall")
    if (since, warned) != (line["failing_since"], line["warned_at"]):
        tx.run(
            "update webhook_receivers set failing_since = %(since)s, warned_at = %(warned)s"
            " where id = %(id)s",
            since=since,
            warned=warned,
            id=receiver.id,
        )
    return receiver


@job("webhook.notice", lane="mail", patience=MAIL_PATIENCE)
def notice(tx: Tx, refs: list[str]) -> Steps:
    """Tell the owner that a receiver fails, or that it was disabled."""
    [id] = refs
    receiver = receiver_of(tx, id)
    line = tx.one("select failing_since from webhook_receivers where id = %(id)s", id=id)
    if receiver is None or line is None or line["failing_since"] is None:
        return None
    letter = letter_of(outside_of(tx), receiver, line["failing_since"], tx.wall)
    jobs.put(tx, "webhook.notice", id, tx.wall + MAIL_SENDING, clock="wall")
    tx, _ = yield ask(outside_of(tx).mailer.send, letter)
    jobs.cancel(tx, "webhook.notice", id)
    return None


def letter_of(outside: Outside, receiver: Receiver, since: datetime, now: datetime) -> Message:
    """To whoever sends the invoices: an account has no other address."""
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
