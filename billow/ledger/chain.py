"""Seal the ledger with a chain of hashes, which shows every transfer that is changed, removed or inserted.

Each transfer has a leaf: the SHA-256 of its canonical text. A writer notes the leaf with the transfer,
without waiting for other writers. After the commit a job collects the noted leaves and writes a seal over
them: the hash of the previous seal, the ids and the leaves (docs/decisions/0014-ledger-seals.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

from billow.store import jobs
from billow.store.tx import Tx

JOB = "ledger.seal"
MOST = 5000
"""The most transfers that one seal covers."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Seal:
    """One link of the chain, as it is stored."""

    number: int
    created: datetime
    transfers: Sequence[str]
    leaves: Sequence[bytes]
    previous: bytes
    hash: bytes


class Content(msgspec.Struct):
    """What the leaf of a transfer covers: its fields in the order of their names."""

    amount: int
    created: int
    credit: str
    currency: str
    customer: str | None
    dated: int | msgspec.UnsetType
    """Unset where it is booked at its own date: transfers that were sealed before there was this lack it."""
    debit: str
    event: str
    id: str
    invoice: str | None
    line: str | None
    sequence: int
    source: str


COLUMNS = Content.__struct_fields__


def leaf(transfer: dict[str, Any]) -> bytes:
    """Hash the content of a transfer: JSON with sorted keys, no spaces, only integers and text."""
    dated = transfer.get("dated")
    said = Content(
        transfer["amount"],
        microseconds(transfer["created"]),
        transfer["credit"],
        transfer["currency"],
        transfer["customer"],
        msgspec.UNSET if dated is None else microseconds(dated),
        transfer["debit"],
        transfer["event"],
        transfer["id"],
        transfer["invoice"],
        transfer["line"],
        transfer["sequence"],
        transfer["source"],
    )
    return sha256(msgspec.json.encode(said)).digest()


def microseconds(instant: datetime) -> int:
    return (instant - EPOCH) // MICROSECOND


def genesis(tenant: str) -> bytes:
    """Return the hash that stands for the previous seal in the first seal of a tenant."""
    return sha256(f"ledger {tenant}".encode()).digest()


def link(seal: Seal) -> bytes:
    """Hash a seal as lines of text, so that any program can calculate the same hash."""
    lines = [
        f"number {seal.number}",
        f"created {microseconds(seal.created)}",
        f"previous {seal.previous.hex()}",
        *(f"{id} {leaf.hex()}" for id, leaf in zip(seal.transfers, seal.leaves, strict=True)),
    ]
    return sha256("\n".join(lines).encode()).digest()


# ------------------------------------------------------------------------------------- sealing


def plan_seal(tx: Tx, transfer: str) -> None:
    """Put the job that seals the transfers of this transaction after the commit, named after one of them."""
    if "sealing" not in tx.notes:  # a ref of its own, so that no transaction waits for another
        tx.notes["sealing"] = True
        jobs.put(tx, JOB, transfer, tx.wall, clock="wall")


def seal(tx: Tx) -> int:
    """Seal the committed transfers that have no seal yet, and return how many.

    An advisory lock lets one process at a time seal a tenant.
    """
    tx.run("select pg_advisory_xact_lock(hashtextextended(%(key)s, 0))", key=f"{JOB} {tx.tenant}")
    # After the lock, statements see what the previous holder has committed.
    tx.run("select make_ledger_sums()")  # what is sealed below is added by a trigger
    taken = tx.tuples(
        "delete from ledger_unsealed where (tenant, transfer) in"
        " (select tenant, transfer from ledger_unsealed where tenant = %(tenant)s"
        " order by transfer limit %(most)s) returning transfer, leaf",
        tenant=tx.tenant,
        most=MOST,
    )
    if not taken:
        return 0
    taken.sort()
    last = head(tx)
    made = Seal(
        last.number + 1 if last else 1,
        tx.wall,
        [id for id, _ in taken],
        [bytes(leaf) for _, leaf in taken],
        last.hash if last else genesis(tx.tenant),
        b"",
    )
    tx.run(
        "insert into ledger_seals (number, created, transfers, leaves, previous, hash) values"
        " (%(number)s, %(created)s, %(transfers)s::text[], %(leaves)s::bytea[], %(previous)s, %(hash)s)",
        number=made.number,
        created=made.created,
        transfers=made.transfers,
        leaves=made.leaves,
        previous=made.previous,
        hash=link(made),
    )
    return len(taken)


def head(tx: Tx) -> Seal | None:
    """Return the newest seal."""
    found = seals(tx, "true", "order by number desc limit 1")
    return found[0] if found else None


def seals(tx: Tx, where: str, tail: str = "order by number", **params: Any) -> list[Seal]:
    found = tx.tuples(
        f"select number, created, transfers, leaves, previous, hash from ledger_seals where {where} {tail}",
        **params,
    )
    return [
        Seal(number, created, ids, [bytes(leaf) for leaf in leaves], bytes(previous), bytes(digest))
        for number, created, ids, leaves, previous, digest in found
    ]
