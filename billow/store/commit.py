"""Find out whether a transaction was committed whose COMMIT got no answer, on a new connection."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg

from billow.core.errors import OutcomeUnknown
from billow.store.ids import secret

Connect = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]
PATIENCE = 1.5
"""Seconds to look for the answer; while the database is away for longer, the caller waits no more."""
PAUSE = 0.05


class CommitUnknown(OutcomeUnknown, psycopg.OperationalError):
    """The connection was lost at COMMIT, and whether it was carried out could not be found out."""


def marker_of(conn: psycopg.Connection[Any]) -> str | None:
    """Return a marker of the time since the database server last crashed, in which a connection was made.

    After a crash PostgreSQL gives the numbers of lost transactions to new ones, whose state would be taken
    for that of ours. A crash also empties every unlogged table, so a marker in one shows that there was one.
    """
    try:
        found = conn.execute("select to_regclass('crash_markers')").fetchone()
        if not found or found[0] is None:  # not migrated yet
            return None
        row = conn.execute("select marker from crash_markers").fetchone()
        if row is None:
            conn.execute(
                "insert into crash_markers (marker) values (%s) on conflict do nothing", (secret("", 20),)
            )
            row = conn.execute("select marker from crash_markers").fetchone()
    except psycopg.Error:  # a full disk or a standby: connections still serve, only this question is open
        return None
    return str(row[0]) if row else None


def was_committed(connect: Connect, xid: str, marker: str | None) -> bool:
    """Ask until it is certain, or raise CommitUnknown.

    A committed transaction keeps its number through every crash, so any other state means that nothing of it
    was kept. `committed` may be somebody else's after a crash, and proves nothing then.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with connect() as conn:
                status, same = _status(conn, xid), marker is not None and marker_of(conn) == marker
            if status == "aborted" or (status == "in progress" and not same and marker is not None):
                return False
            if status == "committed" and same:
                return True
            if status != "in progress":
                break
        except psycopg.OperationalError:
            pass
        if time.monotonic() > deadline:
            break
        time.sleep(PAUSE)
    raise CommitUnknown("The connection to the database was lost at COMMIT, and its outcome is not known.")


def _status(conn: psycopg.Connection[Any], xid: str) -> str | None:
    try:
        row = conn.execute("select pg_xact_status(%s::xid8)", (xid,)).fetchone()
    except psycopg.errors.InvalidParameterValue:  # "in the future": a crash has taken the number back
        return "aborted"
    return row[0] if row else None
