"""Keep what the simulated gateway did, in a SQLite file that processes share."""

import sqlite3
import time
from pathlib import Path

import msgspec

from billow.core.errors import Unavailable
from billow.core.payments import Declined, NeedsAction, Outcome, Pending, Succeeded
from billow.providers.gateways import simulated_disputes

OUTCOMES: dict[str, type[Outcome]] = {
    kind.__name__: kind for kind in (Succeeded, Declined, NeedsAction, Pending)
}

SCHEMA = """
create table if not exists attempts (
    attempt   text primary key,
    kind      text    not null check (kind in
        ('charge', 'hold', 'increment', 'part', 'capture', 'refund', 'setup')),
    amount    integer not null,
    currency  text    not null,
    about     text    not null,          -- the method charged, or the charge captured or refunded
    reference text    not null unique,
    outcome   text    not null
) without rowid;
create index if not exists refunds_of on attempts (about)
    where kind in ('capture', 'increment', 'part', 'refund');
create table if not exists later (       -- outcomes that replace the first one when somebody asks again
    attempt text primary key,
    outcome text not null
) without rowid;
"""


def write(outcome: Outcome) -> str:
    return msgspec.json.encode([type(outcome).__name__, outcome]).decode()


def read(written: str) -> Outcome:
    kind, members = msgspec.json.decode(written)
    return OUTCOMES[kind](**members)


def connect(memory: Path | None) -> sqlite3.Connection:
    """Open the memory with its table. Losing the last second in a power cut is fine in a simulation."""
    if memory is not None:
        memory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        memory.touch(
            mode=0o600
        )  # SQLite would create it readable by others; its log gets the same permissions
    connection = sqlite3.connect(
        memory or ":memory:", timeout=30, isolation_level=None, check_same_thread=False
    )
    connection.execute("pragma synchronous = off")
    if memory is not None:
        use_write_ahead_log(connection)
    for statement in (SCHEMA + simulated_disputes.SCHEMA).split(";"):
        connection.execute(statement)
    renew(connection)
    return connection


def renew(connection: sqlite3.Connection) -> None:
    """Give a memory of an older release, which knows fewer kinds of attempts, the table of this one."""
    connection.execute("begin immediate")
    (table,) = connection.execute("select sql from sqlite_master where name = 'attempts'").fetchone()
    if not all(f"'{kind}'" in table for kind in ("setup", "part")):
        connection.execute("alter table attempts rename to former")
        connection.execute("drop index refunds_of")
        for statement in SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute("insert into attempts select * from former")
        connection.execute("drop table former")
    connection.execute("commit")


def keep(connection: sqlite3.Connection, attempt: str, outcome: Outcome) -> Outcome:
    """Keep the new outcome of an attempt."""
    connection.execute("update attempts set outcome = ? where attempt = ?", (write(outcome), attempt))
    return outcome


def use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging, and retry: two processes that switch a new file at once get "locked"."""
    for _ in range(200):
        try:
            connection.execute("pragma journal_mode = wal")
            return
        except sqlite3.OperationalError:
            time.sleep(0.01)
    raise Unavailable("The simulated gateway's memory stays locked.")
