"""Run transactions: one tenant, one instant, and the SQL between begin and commit."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

import msgspec
import psycopg
from psycopg.adapt import Loader
from psycopg.types.array import ListBinaryDumper
from psycopg.types.json import Jsonb, set_json_dumps

from billow.store import clocks, commit
from billow.store.connections import Connections
from billow.store.disk import Disk
from billow.store.session import Session
from billow.store.turns import JOB, Bounds, Waiters
from billow.store.unfinished import MARKED, Unfinished

set_json_dumps(msgspec.json.encode)


class JsonLoader(Loader):
    """Reads JSON with msgspec and nothing between: a page of a list has hundreds of such values."""

    load = staticmethod(msgspec.json.decode)  # type: ignore[assignment]


for name in ("json", "jsonb"):
    psycopg.adapters.register_loader(name, JsonLoader)

TENANT = re.compile(r"[A-Za-z0-9_]{1,64}/(test|live)")
ROLE = "billow"
SCHEMA = "billow"


@dataclass(frozen=True, slots=True)
class Cause:
    """The reason for a change: a request and its idempotency key; neither where a due job made it."""

    request: str | None = None
    idempotency_key: str | None = None
    platform: str | None = None
    """The tenant of the platform whose key acts for a connected account."""


@dataclass(frozen=True, slots=True)
class Tx:
    """One database transaction of one tenant.

    `now` is the only time there is: the wall's, or the test clock's when `clock` names one. `wall` is the
    real time, for what really happens now (deliveries, keys). `notes` holds what belongs to this transaction
    only.
    """

    conn: Session
    tenant: str
    now: datetime
    wall: datetime
    clock: str = "wall"
    cause: Cause = Cause()
    outside: Any = None
    """The world beyond the database, as the application has set it up (flows/outside/outside.py)."""
    notes: dict[str, Any] = field(default_factory=dict)
    endings: dict[str, Callable[[Any], None]] = field(default_factory=dict)
    """What is still to be written before the commit, by name: events and timers are collected until then."""

    @property
    def account(self) -> str:
        return self.tenant.split("/")[0]

    @property
    def livemode(self) -> bool:
        return self.tenant.endswith("/live")

    def at(self, clock: str, now: datetime) -> Self:
        """Return the same transaction at the instant of another clock."""
        return replace(self, clock=clock, now=now)

    @contextmanager
    def within(self, tenant: str) -> "Iterator[Tx]":
        """Write in another tenant too: both are committed, or neither. The caller knows that it may."""
        if not TENANT.fullmatch(tenant):
            raise ValueError(f"{tenant!r} is no tenant")
        there = replace(self, tenant=tenant, notes={}, endings={})
        self.conn.statements.send(f"set local billow.tenant = '{tenant}'")
        yield there
        there.end()
        self.conn.statements.send(f"set local billow.tenant = '{self.tenant}'")

    def end(self) -> None:
        """Write what was collected; called once, before the commit."""
        while self.endings:
            name = next(iter(self.endings))
            self.endings.pop(name)(self)

    def all(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        return self.conn.statements.dicts(sql, params)

    def one(self, sql: str, **params: Any) -> dict[str, Any] | None:
        found = self.conn.statements.dicts(sql, params)
        return found[0] if found else None

    def tuples(self, sql: str, **params: Any) -> list[tuple[Any, ...]]:
        return self.conn.statements.tuples(sql, params)

    def run(self, sql: str, **params: Any) -> int:
        """Run a statement, and return how many rows it touched."""
        return self.conn.statements.run(sql, params).command_tuples or 0

    @contextmanager
    def taken_back(self) -> Iterator[Self]:
        """Undo at the end of the block whatever was written in it, with the transaction that it yields.

        That one has copies of what was collected so far: what it adds is not kept either.
        """
        notes = {name: copy(value) for name, value in self.notes.items()}
        self.conn.statements.send("savepoint taken_back")
        try:
            yield replace(self, notes=notes, endings=dict(self.endings))
        finally:
            if not self.conn.closed:
                self.conn.statements.send("rollback to taken_back; release taken_back")

    def copy(self, sql: str, rows: Sequence[Sequence[Any]], types: Sequence[str]) -> None:
        """Run `copy … from stdin (format binary)` with rows of the given SQL types."""
        with self.conn.cursor() as cursor, cursor.copy(sql) as stream:
            stream.set_types(types)
            for row in rows:
                stream.write_row(row)


@dataclass
class Database:
    """The connections, and the clock on the wall."""

    url: str
    size: int = 12
    wall: Callable[[], datetime] = clocks.utc_now
    outside: Any = None
    waiters: Waiters = field(default_factory=lambda: Waiters(4))
    """Who may wait for locks at the same time, of the requests of this process."""
    disk: Disk = field(default_factory=Disk)
    """Where the database keeps its files, if it is the embedded one."""
    counts_starts: Callable[[], bool] = lambda: False
    """Whether a job is noted as begun before it is run (store/starts.py); a worker says so of itself."""
    comparison: clocks.Comparison | None = None
    """Refuses transactions while this machine's clock differs from the database's."""
    connections: Connections = field(init=False)

    def __post_init__(self) -> None:
        self.connections = Connections(self.url, self.size, self._configure)

    def close(self) -> None:
        self.connections.close()

    def _configure(self, conn: Session) -> None:
        # Where psycopg prepares anything itself, it deallocates ours with its own at the next rollback.
        conn.prepare_threshold = None
        _prepare(conn)
        conn.bounds = JOB
        conn.marker = commit.marker_of(conn)

    @contextmanager
    def _alone(self) -> Iterator[psycopg.Connection[Any]]:
        """Open a connection outside of the pool, whose others may be lost like the one at hand."""
        with psycopg.connect(self.url, autocommit=True, connect_timeout=2) as conn:
            _prepare(conn)
            yield conn

    @contextmanager
    def transaction(
        self,
        tenant: str,
        *,
        now: datetime | None = None,
        clock: str = "wall",
        cause: Cause = Cause(),
        bounds: Bounds = JOB,
        reads: bool = False,
    ) -> Iterator[Tx]:
        """Begin, bind the tenant, commit; or roll back when anything is raised.

        Beginning and binding are one message, so the tenant is checked and becomes part of its text. A
        transaction that only `reads` takes no number, since nobody asks later whether it was committed.
        """
        if not TENANT.fullmatch(tenant):
            raise ValueError(f"{tenant!r} is no tenant")
        number: list[str] = []
        with self.connections.lend(self._beginning(tenant, bounds, reads, number)) as conn:
            wall = self.wall()
            try:
                tx = Tx(conn, tenant, now or wall, wall, clock, cause, self.outside)
                yield tx
                tx.end()
            except BaseException:
                if not conn.closed:
                    conn.statements.send("rollback")
                raise
            self._commit(conn, number[-1] if number else None)

    def _beginning(
        self, tenant: str, bounds: Bounds, reads: bool, number: list[str]
    ) -> Callable[[Session], None]:
        """Return what begins a transaction, and appends its number to `number` unless it only reads."""
        sql = f"begin; set local billow.tenant = '{tenant}'"
        if not reads:
            sql += "; select pg_current_xact_id()::text"

        def begin(conn: Session) -> None:
            if self.comparison:
                self.comparison.check(conn)
            _bound(conn, bounds)
            begun = conn.statements.send(sql)
            if not reads:
                number.append((begun.get_value(0, 0) or b"").decode())

        return begin

    def _commit(self, conn: Session, xid: str | None) -> None:
        """Commit. If the connection is lost meanwhile, return if it was committed, and raise if not.

        Raises `commit.CommitUnknown` where that cannot be found out.
        """
        try:
            done = conn.statements.send("commit").command_status
        except psycopg.OperationalError:
            if not conn.closed or xid is None:
                raise
            if not commit.was_committed(self._alone, xid, conn.marker):
                raise
            return
        # After an error that the program ignored, `commit` rolls back and is no error itself.
        if done != b"COMMIT":
            raise RuntimeError(
                f"a transaction in which an error was swallowed ended with {(done or b'').decode()}"
            )

    @contextmanager
    def snapshot(self, tenant: str, bounds: Bounds = JOB) -> Iterator[Tx]:
        """Begin a transaction that only reads, at one instant of the database, which may be a replica."""
        if not TENANT.fullmatch(tenant):
            raise ValueError(f"{tenant} is no tenant")
        sql = f"begin isolation level repeatable read read only; set local billow.tenant = '{tenant}'"

        def begin(conn: Session) -> None:
            _bound(conn, bounds)
            conn.statements.send(sql)

        with self.connections.lend(begin) as conn:
            wall = self.wall()
            try:
                yield Tx(conn, tenant, wall, wall, outside=self.outside)
            finally:
                if not conn.closed:
                    conn.statements.send("rollback")

    def check_clock(self) -> None:
        """Raise where transactions are refused because of this machine's clock."""
        if self.comparison:
            with self.connections.lend() as conn:
                self.comparison.check(conn)

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend a connection in autocommit, for what belongs to no tenant (keys, due jobs)."""
        with self.connections.lend(lambda conn: _bound(conn, JOB)) as conn:
            yield conn


def _bound(conn: Session, bounds: Bounds) -> None:
    """Set how long the session may wait, where its last transaction was bound otherwise.

    Nearly all requests are bound alike, so this is seldom a message of its own. It is sent outside of any
    transaction, whose end would take it back.
    """
    if conn.bounds is not bounds:
        conn.statements.send(bounds.sql("session"))
        conn.bounds = bounds


def _prepare(conn: psycopg.Connection[Any]) -> None:
    """Take the role that owns the tables, since row level security binds no superuser.

    Refuses to work on a database that is being restored.
    """
    conn.adapters.register_dumper(list, ListBinaryDumper)  # a third of the time that arrays take as text
    conn.execute("set timezone = 'UTC'")
    row = conn.execute(
        f"select exists (select 1 from pg_roles where rolname = %s), rolsuper or rolbypassrls, {MARKED}"
        " from pg_roles where rolname = session_user",
        (ROLE,),
    ).fetchone()
    if row and row[2]:
        raise Unfinished("A restore into this database is under way, or was cut off.")
    if row and row[0] and row[1]:
        conn.execute(f"set role {ROLE}")
    conn.execute(f"set search_path = {SCHEMA}, public; {JOB.sql('session')}")


__all__ = ["Cause", "Database", "Jsonb", "Tx"]
