"""Migrate an empty or older database: numbered files, in order, each once, by one process at a time."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from billow.core.errors import Inconsistent, ensure
from billow.store import clocks, unfinished
from billow.store.tx import ROLE, SCHEMA

log = logging.getLogger("billow.migrate")

FOLDER = Path(__file__).parent / "migrations"
LOCK = 0x62696C6C6F77  # "billow"
LOCK_MILLISECONDS = 200
"""How long a migration waits for a lock: whoever comes after it waits as long, even to read the table."""
TRIES, PAUSE_SECONDS = 60, 1.0
"""How often it is begun again, and after which pause; a batch of a billing run is over by then."""
RECORD = """
    create table if not exists migrations (
        number     bigint      primary key,
        name       text        not null,
        applied_at timestamptz not null
    )"""


class CannotMigrate(RuntimeError):
    """The database cannot be used by this version; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    text: str


def available(folder: Path = FOLDER) -> list[Migration]:
    """Return the migrations of this version in order."""
    found = [
        Migration(int(file.name[:4]), file.stem, file.read_text()) for file in sorted(folder.glob("*.sql"))
    ]
    ensure(
        [one.number for one in found] == list(range(1, len(found) + 1)),
        "Migrations are numbered from 1, no gaps.",
    )
    return found


def migrate(url: str, migrations: list[Migration] | None = None) -> list[str]:
    """Migrate a database; return the names of the migrations that were applied now.

    Two processes may do it at once: one waits for the other.
    """
    wanted = available() if migrations is None else migrations
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("set timezone = 'UTC'")
        with alone(conn):
            unfinished.refuse_database(conn)
            become_owner(conn)
            conn.execute(RECORD)
            return _apply(conn, wanted, clocks.utc_now())


@contextmanager
def alone(conn: psycopg.Connection[Any]) -> Iterator[None]:
    """Let only one process at a time change the schema of a database."""
    conn.execute("select pg_advisory_lock(%s)", (LOCK,))
    try:
        yield
    finally:
        if not conn.closed:
            conn.execute("select pg_advisory_unlock(%s)", (LOCK,))


def pending(conn: psycopg.Connection[Any]) -> list[str]:
    """Return the names of the migrations that a database still needs; all of them when it is empty."""
    wanted = available()
    row = conn.execute("select to_regclass('migrations')").fetchone()
    applied = _applied(conn) if row and row[0] else set()
    _refuse_newer(applied, wanted)
    return [one.name for one in wanted if one.number not in applied]


def become_owner(conn: psycopg.Connection[Any]) -> None:
    """Act as the role that owns the tables; create it first where the login is a superuser.

    Row level security does not bind a superuser, so a superuser must not run the statements of tenants.
    """
    row = conn.execute(
        "select rolsuper or rolbypassrls, rolname, current_database() from pg_roles"
        " where rolname = session_user"
    ).fetchone()
    if row is None:
        raise Inconsistent("The role of this session is not in pg_roles.")
    unbound, login, database = row
    if unbound:
        role = sql.Identifier(ROLE)
        known = conn.execute(
            "select rolsuper or rolbypassrls from pg_roles where rolname = %s", (ROLE,)
        ).fetchone()
        if known and known[0]:
            raise CannotMigrate(
                f"The role {ROLE} is a superuser or bypasses row level security; tenants"
                " would see each"
                f" other. Run: alter role {ROLE} nosuperuser nobypassrls"
            )
        if not known:
            conn.execute(sql.SQL("create role {} nologin nosuperuser nobypassrls").format(role))
        conn.execute(sql.SQL("grant {} to {}").format(role, sql.Identifier(login)))
        conn.execute(
            sql.SQL("grant create, connect on database {} to {}").format(sql.Identifier(database), role)
        )
        conn.execute(sql.SQL("set role {}").format(role))
    conn.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(SCHEMA)))
    conn.execute(sql.SQL("set search_path = {}").format(sql.Identifier(SCHEMA)))


def _applied(conn: psycopg.Connection[Any]) -> set[int]:
    return {number for (number,) in conn.execute("select number from migrations").fetchall()}


def _refuse_newer(applied: set[int], wanted: list[Migration]) -> None:
    newest = max(applied, default=0)
    if newest > len(wanted):
        raise CannotMigrate(
            f"The database is at migration {newest}, this version of billow knows"
            f" {len(wanted)}: the"
            " database is newer than the program. Run the version that migrated"
            " it."
        )


def _apply(conn: psycopg.Connection[Any], wanted: list[Migration], now: datetime) -> list[str]:
    """Apply the migrations that are missing; return their names."""
    applied = _applied(conn)
    _refuse_newer(applied, wanted)
    done = []
    for one in wanted:
        if one.number in applied:
            continue
        _carry_out(conn, one, now)
        done.append(one.name)
    return done


def _carry_out(conn: psycopg.Connection[Any], one: Migration, now: datetime) -> None:
    """Apply a migration in one transaction; try again if it meets a lock that others hold for long."""
    for left in reversed(range(TRIES)):
        try:
            with conn.transaction():
                conn.execute(f"set local lock_timeout = '{LOCK_MILLISECONDS}ms'")
                conn.execute(one.text.encode())
                conn.execute("insert into migrations values (%s, %s, %s)", (one.number, one.name, now))
            return
        except psycopg.errors.LockNotAvailable as error:
            if not left:
                raise CannotMigrate(
                    f"{one.name} was not applied: other transactions hold its tables for too long."
                    f" Stop the servers and workers, and try again. ({error})"
                ) from error
            log.warning("%s waits for others: %s", one.name, error)
        time.sleep(PAUSE_SECONDS)
