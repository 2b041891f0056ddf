"""Was this request answered before: the same key gives the same answer (§1.9)."""

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg

from billow.core.errors import Refused
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


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: sent again byte for byte."""

    status: int
    body: bytes
    request: str


def fingerprint(method: str, path: str, sent: Any) -> str:
    """Of the method, the path and the decoded parameters, whatever their order."""
    text = msgspec.json.encode([method, path, sent], order="sorted")
    return hashlib.sha256(text).hexdigest()


def begin(tx: Tx, key: str, print: str, request: str) -> Answer | None:
    """Take the key for this request, or give the answer that it had; refuse another request, or a running
    one.

    The row waits on a twin that is not committed yet: what the twin did is then known. A twin that has
    committed its first step and is waiting for a gateway shows as in progress.
    """
    if len(key) > 255:
        raise Refused("Idempotency keys can be at most 255 characters.", type="idempotency_error")
    try:
        made = tx.run(
            "insert into idempotency_keys (key, fingerprint, request, created) values (%(key)s, %(print)s,"
            " %(request)s, %(now)s) on conflict do nothing", key=key, print=print, request=request,
            now=tx.wall)  # fmt: skip
    except psycopg.errors.LockNotAvailable:
        raise _in_use(key) from None
    if made:
        return None
    row = tx.one(
        "select fingerprint, request, status, body from idempotency_keys where key = %(key)s", key=key
    )
    assert row is not None
    if row["fingerprint"] != print:
        raise Refused(MISMATCH.format(key=key), type="idempotency_error")
    if row["status"] is None:
        raise _in_use(key)
    return Answer(row["status"], bytes(row["body"]), row["request"])


def _in_use(key: str) -> Refused:
    return Refused(
        IN_USE.format(key=key), code="idempotency_key_in_use", status=409, type="idempotency_error"
    )


def keep(tx: Tx, key: str, answer: Answer) -> None:
    """Store the answer in the transaction in which it became true."""
    tx.run("update idempotency_keys set status = %(status)s, body = %(body)s where key = %(key)s",
           key=key, status=answer.status, body=answer.body)  # fmt: skip


def give_up(tx: Tx, key: str, answer: Answer) -> None:
    """The answer of a request that failed after its first commit, where it still holds the key."""
    tx.run("update idempotency_keys set status = %(status)s, body = %(body)s where key = %(key)s"
           " and request = %(request)s and status is null",
           key=key, status=answer.status, body=answer.body, request=answer.request)  # fmt: skip
