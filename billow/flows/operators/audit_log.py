"""Write down what operators do, in a chain of hashes that shows what was changed or removed later."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
import psycopg

COLUMNS = "number, at, operator, who, action, about, details, address, previous, hash"


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did: `action` is a right's noun and a verb, `about` the id of the object."""

    action: str
    who: str
    address: str
    operator: str | None = None
    about: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the chain."""

    number: int
    at: datetime
    operator: str | None
    who: str
    action: str
    about: str | None
    details: Mapping[str, Any]
    address: str
    previous: bytes
    hash: bytes

    def link(self) -> bytes:
        """Hash the entry with the hash of the one before it: JSON with sorted keys, and no spaces."""
        said = [self.number, self.at.isoformat(), self.operator, self.who, self.action, self.about]
        told = msgspec.json.encode([*said, dict(sorted(self.details.items())), self.address])
        return sha256(self.previous + told).digest()


def genesis(account: str) -> bytes:
    return sha256(f"audit {account}".encode()).digest()


def write(conn: psycopg.Connection[Any], account: str, act: Act, now: datetime) -> None:
    """Append an act to the log of an account, in the transaction that does it."""
    conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"audit {account}",))
    last = conn.execute(
        "select number, hash from audit_entries where account = %s order by number desc limit 1", (account,)
    ).fetchone()
    number, previous = (last[0] + 1, bytes(last[1])) if last else (1, genesis(account))
    made = Entry(
        number, now, act.operator, act.who, act.action, act.about, act.details, act.address, previous, b""
    )
    conn.execute(
        f"insert into audit_entries (account, {COLUMNS})"
        " values (%s, %s, %s, %s, %s, %s, %s, %s::text::jsonb, %s, %s, %s)",
        (
            account,
            number,
            now,
            act.operator,
            act.who,
            act.action,
            act.about,
            msgspec.json.encode(act.details).decode(),
            act.address,
            previous,
            made.link(),
        ),
    )


def entries(
    conn: psycopg.Connection[Any], account: str, before: int | None = None, most: int = 100
) -> list[Entry]:
    """Return the newest entries of an account, before a number if one is given."""
    found = conn.execute(
        f"select {COLUMNS} from audit_entries where account = %s and number < %s"
        " order by number desc limit %s",
        (account, before or 1 << 62, most),
    ).fetchall()
    return [_entry(row) for row in found]


def _entry(row: Sequence[Any]) -> Entry:
    return Entry(*[*row[:8], bytes(row[8]), bytes(row[9])])


def broken(conn: psycopg.Connection[Any], account: str) -> int | None:
    """Return the number of the first entry of a log that does not continue the chain; None where all do."""
    found = conn.execute(
        f"select {COLUMNS} from audit_entries where account = %s order by number", (account,)
    )
    return first_broken(map(_entry, found), genesis(account), 1)


def broken_among(newest_first: Sequence[Entry]) -> int | None:
    """Return the number of the first of these entries that does not continue the one before it."""
    if not newest_first:
        return None
    oldest = newest_first[-1]
    return first_broken(reversed(newest_first), oldest.previous, oldest.number)


def first_broken(entries: Iterable[Entry], previous: bytes, expected: int) -> int | None:
    for entry in entries:
        if entry.number != expected or entry.previous != previous or entry.link() != entry.hash:
            return expected
        previous, expected = entry.hash, expected + 1
    return None
