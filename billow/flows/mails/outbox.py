"""Order mails in the transaction that causes them, once for each cause, and note what became of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from billow.flows.mails import kinds
from billow.store import jobs
from billow.store.ids import new_id
from billow.store.tx import Tx

JOB = "mail.send"
"""The job that sends a mail, declared where its text is written (papers/letters.py)."""
PREFIX = "mail_"
INSERT = """
    insert into mails (id, created, kind, about, cause, customer, facts, state)
    select id, created, kind, about, cause, nullif(customer, ''), facts::jsonb, 'waiting'
    from unnest(%(ids)s::text[], %(created)s::timestamptz[], %(kinds)s::text[], %(about)s::text[],
        %(causes)s::text[], %(customers)s::text[], %(facts)s::text[], %(sent)s::text[])
        as wanted (id, created, kind, about, cause, customer, facts, sent)
    where sent = 'always'
        or coalesce((select mails ->> wanted.kind from merchant_settings)::boolean, sent = 'default')
    on conflict (tenant, cause) do nothing returning id
"""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to order: its kind, the id of what it is about, and the customer; None writes to the merchant.

    `number` counts the mails of a kind about the same thing; with the same number there is only one, however
    often it is ordered. `explicit` is a mail that somebody asked for: it is sent though its kind is off.
    """

    kind: str
    about: str
    customer: str | None
    facts: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0
    explicit: bool = False

    @property
    def cause(self) -> str:
        return f"{self.kind} {self.about}{f' {self.number}' if self.number else ''}"


def order(tx: Tx, mails: Sequence[Mail]) -> None:
    """Order mails, which are written with one statement before the commit, and sent after it.

    Those whose kind the merchant has switched off, and those whose cause was mailed before, are left out.
    """
    if mails:
        tx.notes.setdefault("mails", []).extend((mail, tx.now) for mail in mails)
        tx.endings["mails"] = flush


def flush(tx: Tx) -> None:
    """Write the mails that this transaction has ordered, and put the jobs that send them."""
    ordered: list[tuple[Mail, datetime]] = tx.notes.pop("mails", [])
    if not ordered:
        return
    mails = [mail for mail, _ in ordered]
    written = tx.tuples(
        INSERT,
        ids=[new_id(PREFIX) for _ in mails],
        created=[at for _, at in ordered],
        kinds=[mail.kind for mail in mails],
        about=[mail.about for mail in mails],
        causes=[mail.cause for mail in mails],
        customers=[mail.customer or "" for mail in mails],
        facts=[json.dumps(mail.facts) for mail in mails],
        sent=[
            "always" if mail.explicit else "default" if kinds.SENT[mail.kind] else "if switched on"
            for mail in mails
        ],
    )
    put(tx, [id for (id,) in written])


def put(tx: Tx, ids: Sequence[str]) -> None:
    jobs.put_many(tx, JOB, [(id, tx.wall) for id in ids], clock="wall")


def order_again(tx: Tx, mail: Mail) -> None:
    """Order a mail that somebody asks for, though it may have been sent: it keeps its Message-ID."""
    waiting = tx.tuples(
        "update mails set state = 'waiting', error = null, left_out = null"
        " where cause = %(cause)s returning id",
        cause=mail.cause,
    )
    if waiting:
        put(tx, [id for (id,) in waiting])
    else:
        order(tx, [mail])


@dataclass(frozen=True, slots=True)
class Ordered:
    """A mail in the outbox."""

    id: str
    created: datetime
    kind: str
    about: str
    customer: str | None
    facts: dict[str, Any]
    state: str


def find(tx: Tx, id: str) -> Ordered | None:
    row = tx.one(
        "select id, created, kind, about, customer, facts, state from mails where id = %(id)s", id=id
    )
    return Ordered(**row) if row else None


def is_ordered(tx: Tx, about: Sequence[str], email: str) -> bool:
    """Check whether a mail about one of these goes to a customer, or was ordered to the address itself."""
    found = tx.one(
        "select 1 from mails m left join customers c on c.tenant = m.tenant and c.id = m.customer"
        " where m.about = any(%(about)s) and m.state in ('waiting', 'sent')"
        " and lower(coalesce(m.facts ->> 'to', c.email)) = lower(%(email)s) limit 1",
        about=list(about),
        email=email,
    )
    return found is not None


def close(
    tx: Tx,
    id: str,
    state: str,
    *,
    recipient: str = "",
    subject: str = "",
    error: str | None = None,
    left_out: str | None = None,
) -> None:
    """Note what became of a mail: that it was sent, and what was left out, or why it was not."""
    tx.run(
        "update mails set state = %(state)s, recipient = nullif(%(recipient)s, ''),"
        " subject = nullif(%(subject)s, ''), error = %(error)s, left_out = %(left_out)s,"
        " closed_at = %(wall)s where id = %(id)s",
        id=id,
        state=state,
        recipient=recipient,
        subject=subject,
        error=error,
        left_out=left_out,
        wall=tx.wall,
    )


def listed(
    tx: Tx, limit: int, about: Sequence[str] | None = None, *, lacking: bool = False
) -> list[dict[str, Any]]:
    """List the latest mails, with those that were given up and why, and what was left out of one.

    Only those about these objects, or only those of which something was left out.
    """
    return tx.all(
        "select m.created, m.kind, m.about, m.customer, m.recipient,"
        " case when j.parked then 'given up' else replace(m.state, '_', ' ') end as state, m.closed_at,"
        " coalesce(m.error, j.error, m.left_out) as reason, m.subject, m.id"
        " from mails m left join jobs j on j.tenant = m.tenant and j.kind = %(kind)s and j.ref = m.id"
        " where (%(about)s::text[] is null or m.about = any(%(about)s))"
        " and (not %(lacking)s or m.left_out is not null)"
        " order by m.created desc, m.id desc limit %(limit)s",
        kind=JOB,
        limit=limit,
        about=list(about) if about is not None else None,
        lacking=lacking,
    )
