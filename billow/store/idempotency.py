"""Give the same answer to a request that comes again with the same idempotency key (§1.9)."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import psycopg

from billow.core.errors import Inconsistent, Refused
from billow.store.sealing import box
from billow.store.tx import Tx

MISMATCH = (
    "Keys for idempotent requests can only be used with the same parameters they were first used with. Try"
    " using a key other than '{key}' if you meant to execute a different request."
)
IN_USE = (
    "There is currently another in-progress request using this Idempotent Key (that probably means you"
    " submitted"
    " twice, and the other request is still going through): {key}. Please try again later."
)
LEASE = timedelta(seconds=60)
"""A request without an answer after so long counts as dead: its process is gone (decision 8)."""
UNKNOWN = (
    "The first request with this Idempotent Key ({key}) ended without an answer, and what became of it cannot"
    " be told. Look at the events of request {request}, and use a new key."
)

SEALED = b"sealed "
"""What begins an answer that is stored sealed; every other one is JSON."""
SECRET = b'"secret":'
"""What is in an answer that shows a secret, of which nothing else is stored but a hash."""


@dataclass(frozen=True, slots=True)
class Dead:
    """The first request with this key began and was never answered."""

    request: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is sent again byte for byte."""

    status: int
    body: bytes
    request: str


def fingerprint(method: str, path: str, sent: Any) -> str:
    """Hash the method, the path and the decoded parameters, whatever their order."""
    text = msgspec.json.encode([method, path, sent], order="sorted")
    return hashlib.sha256(text).hexdigest()


def begin(tx: Tx, key: str, fingerprint: str, request: str) -> Answer | Dead | None:
    """Take the key for this request, or return the answer of the first request with it.

    Refuses a key that was used with another request, or whose request is still running. Writing the row
    waits for a request with the same key that is not committed yet, and then sees what it did. One that
    committed its first step and waits for a gateway counts as running.
    """
    if len(key) > 255:
        raise Refused("Idempotency keys can be at most 255 characters.", type="idempotency_error")
    try:
        made = tx.run(
            "insert into idempotency_keys (key, fingerprint, request, created) values (%(key)s, %(print)s,"
            " %(request)s, %(now)s) on conflict do nothing",
            key=key,
            print=fingerprint,
            request=request,
            now=tx.wall,
        )
    except psycopg.errors.LockNotAvailable as locked:
        raise in_use(key) from locked
    if made:
        return None
    row = tx.one(
        "select fingerprint, request, status, body, created from idempotency_keys where key = %(key)s",
        key=key,
    )
    if row is None:
        raise Inconsistent(f"The idempotency key {key} is gone while it is locked.")
    if row["fingerprint"] != fingerprint:
        raise Refused(MISMATCH.format(key=key), type="idempotency_error")
    if row["status"] is None:
        if row["created"] > tx.wall - LEASE:
            raise in_use(key)
        return Dead(row["request"])
    return Answer(row["status"], _opened(tx, bytes(row["body"])), row["request"])


def in_use(key: str) -> Refused:
    return Refused(
        IN_USE.format(key=key),
        code="idempotency_key_in_use",
        status=409,
        type="idempotency_error",
        retry=True,
    )


def unknown(key: str, request: str) -> Refused:
    return Refused(
        UNKNOWN.format(key=key, request=request), status=409, type="idempotency_error", retry=False
    )


def take_over(tx: Tx, key: str, dead: Dead, request: str) -> None:
    """Give the key to this request; if the first is alive after all, it can no longer store an answer."""
    taken = tx.run(
        "update idempotency_keys set request = %(request)s, created = %(now)s where key = %(key)s"
        " and request = %(dead)s and status is null",
        key=key,
        request=request,
        dead=dead.request,
        now=tx.wall,
    )
    if not taken:
        raise in_use(key)


def hold(tx: Tx, key: str, request: str) -> None:
    """Refuse the next step of a request that slept beyond its lease and lost the key."""
    row = tx.one("select request from idempotency_keys where key = %(key)s for update", key=key)
    if row and row["request"] != request:
        raise in_use(key)


def keep(tx: Tx, key: str, answer: Answer) -> None:
    """Store the answer in the transaction that makes it true; refused where the key was lost meanwhile."""
    kept = tx.run(
        "update idempotency_keys set status = %(status)s, body = %(body)s where key = %(key)s"
        " and request = %(request)s and status is null",
        key=key,
        status=answer.status,
        body=_stored(tx, answer.body),
        request=answer.request,
    )
    if not kept:
        raise in_use(key)


def give_up(tx: Tx, key: str, answer: Answer) -> None:
    """Store the refusal of a request that had committed something, where it still holds the key."""
    tx.run(
        "update idempotency_keys set status = %(status)s, body = %(body)s where key = %(key)s"
        " and request = %(request)s and status is null",
        key=key,
        status=answer.status,
        body=_stored(tx, answer.body),
        request=answer.request,
    )


def release(tx: Tx, key: str, request: str) -> None:
    """End the lease of a request that stopped without an answer, so that a retry need not wait for it."""
    tx.run(
        "update idempotency_keys set created = %(ended)s where key = %(key)s and request = %(request)s"
        " and status is null",
        key=key,
        request=request,
        ended=tx.wall - LEASE,
    )


def free(tx: Tx, key: str, request: str) -> None:
    """Forget the key of a request that changed nothing."""
    tx.run(
        "delete from idempotency_keys where key = %(key)s and request = %(request)s and status is null",
        key=key,
        request=request,
    )


def _stored(tx: Tx, body: bytes) -> bytes:
    """Return an answer as it is stored: one that shows a secret is sealed with the installation's own."""
    return SEALED + box(tx.outside.secret, b"answers ").encrypt(body) if SECRET in body else body


def _opened(tx: Tx, stored: bytes) -> bytes:
    if not stored.startswith(SEALED):
        return stored
    return box(tx.outside.secret, b"answers ").decrypt(stored.removeprefix(SEALED))
