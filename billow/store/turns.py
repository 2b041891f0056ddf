"""Bound how long transactions wait for locks, and how many requests may wait for one at the same time.

A server process has few threads. If all of them waited for one locked row, no other request would be
answered.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from billow.core.errors import Refused


@dataclass(frozen=True, slots=True)
class Bounds:
    """Milliseconds after which PostgreSQL ends a wait for a lock, a statement, or an idle transaction."""

    lock: int
    statement: int
    idle: int

    def sql(self, scope: str) -> str:
        return (
            f"set {scope} lock_timeout = {self.lock}; set {scope} statement_timeout = {self.statement};"
            f" set {scope} idle_in_transaction_session_timeout = {self.idle}"
        )


JOB = Bounds(lock=5_000, statement=600_000, idle=120_000)
"""For jobs, whose batches may take long. A process that is suspended in a transaction loses its locks."""
REQUEST = Bounds(lock=2_000, statement=30_000, idle=30_000)
HASTY = Bounds(lock=100, statement=30_000, idle=30_000)
"""For a first try, which is enough for rows that other requests lock in passing."""
HURRIED = Bounds(lock=20, statement=30_000, idle=30_000)
"""For the only try while as many requests wait as may."""


class Contended(psycopg.errors.LockNotAvailable):
    """A lock was not free at once: the transaction may be begun again, and then waits for it."""


@dataclass
class Waiters:
    """How many requests of this process may wait for locks at the same time."""

    most: int
    _waiting: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def full(self) -> bool:
        return self._waiting >= self.most

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count one request that waits for a lock; refused where enough of them do."""
        with self._lock:
            if self.full:
                raise psycopg.errors.LockNotAvailable("too many requests wait for locks")
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1


@dataclass
class Turn:
    """The transactions of one request, each with the bounds that it runs in.

    The first try of the first transaction waits 0.1 s for a lock. Where that is not enough, and while less
    than half of the threads wait, it is begun again and waits 2 s. Transactions after the first commit wait
    2 s: what was begun outside must be brought to its end.
    """

    waiters: Waiters
    contended: bool = False
    committed: bool = False

    @contextmanager
    def bounds(self) -> Iterator[Bounds]:
        """Yield the bounds of one transaction."""
        if self.committed:
            yield REQUEST
        elif self.contended:
            with self.waiters.one():
                yield REQUEST
        else:
            try:
                yield HURRIED if self.waiters.full else HASTY
            except (psycopg.errors.LockNotAvailable, Refused) as error:
                if (
                    not isinstance(error.__cause__ or error, psycopg.errors.LockNotAvailable)
                    or self.waiters.full
                ):
                    raise
                self.contended = True
                raise Contended("a lock was not free at once") from error
        self.committed = True
