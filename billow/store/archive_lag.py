"""Measure how far the archive of the server's log (BILLOW_WAL_ARCHIVE) is behind the server.

The server knows both ends: what it has written, and through the slot what the archive has on disk.
"""

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg

from billow.store.wal import SLOT

PATIENCE = 10.0
"""Seconds that the archive may take to store what the server has written. Usually it needs less than one."""
STARTING = timedelta(minutes=1)
"""The archive of a server that runs for less is not checked: it may have just begun."""
PAUSE = 0.1
MAX_POSITIONS = 1000
"""How many positions of the log are remembered while the archive makes no progress."""
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Position:
    """Bytes of the log that the server has written, and that the archive has; None where it has a gap."""

    written: int
    archived: int | None

    @property
    def behind(self) -> int:
        return self.written if self.archived is None else max(self.written - self.archived, 0)


def position(conn: Connection) -> Position | None:
    """Ask the server for its position; None where nothing is archived, or this is a replica."""
    row = conn.execute(
        "select pg_current_wal_flush_lsn() - '0/0'::pg_lsn, case when wal_status <> 'lost' then"
        " restart_lsn - '0/0'::pg_lsn end from pg_replication_slots"
        " where slot_name = %s and not pg_is_in_recovery()",
        (SLOT,),
    ).fetchone()
    return row and Position(int(row[0]), None if row[1] is None else int(row[1]))


def fault(conn: Connection, now: datetime, wanted: bool) -> str | None:
    """Describe what is wrong with the archive; None where nothing is, or nothing is to be archived.

    `wanted` says whether the setting asks for an archive. Waits up to PATIENCE, and only for an archive that
    is behind.
    """
    first = position(conn)
    if (first is None and not wanted) or _is_starting(conn, now):
        return None
    if first is None:
        return "BILLOW_WAL_ARCHIVE is set, and nothing is archived: start `billow up` again"
    if first.archived is None:
        return "it has a gap, since it took nothing for too long: make a new base backup when it runs again"
    deadline = time.monotonic() + PATIENCE
    last: Position | None = first
    while last and (last.archived or 0) < first.written:
        if time.monotonic() > deadline:
            return (
                f"it stands still: {size(last.behind)} are not in it, and it did not store them in"
                f" {PATIENCE:.0f} s. See the log of `billow up`, and the disk of BILLOW_WAL_ARCHIVE"
            )
        time.sleep(PAUSE)
        last = position(conn)
    return None


def _is_starting(conn: Connection, now: datetime) -> bool:
    row = conn.execute("select pg_is_in_recovery() or pg_postmaster_start_time() > %s", (now - STARTING,))
    return bool((row.fetchone() or (False,))[0])


def size(count: int) -> str:
    """Format a number of bytes for people.

    >>> size(900), size(3_500_000)
    ('900 bytes', '3.5 MB')
    """
    return f"{count} bytes" if count < 100_000 else f"{count / 1e6:.1f} MB"


@dataclass
class Watch:
    """Remember what was written when, so that the lag can be given in seconds.

    It measures from when it first saw a position that is not archived yet, so the lag may be longer by up to
    one interval between two calls.
    """

    _seen: deque[tuple[int, datetime]] = field(default_factory=lambda: deque(maxlen=MAX_POSITIONS))

    def seconds(self, found: Position, now: datetime) -> int:
        if found.behind and (not self._seen or self._seen[-1][0] < found.written):
            self._seen.append((found.written, now))
        while self._seen and self._seen[0][0] <= (found.archived or 0):
            self._seen.popleft()
        return int((now - self._seen[0][1]).total_seconds()) if self._seen else 0
