"""Lend connections to the database: only ones that work, and fail at once while it cannot be reached."""

import logging
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool, PoolTimeout

from billow.store.session import Session

log = logging.getLogger("billow.database")
# The pool warns of each failed attempt, many a second in an outage; we say once that the database is away.
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)

PATIENCE = 5.0
"""Seconds to wait for a connection; a server, whose clients wait with it, waits less (app.asgi)."""
PROBE_SECONDS = 0.25
"""Between one try to reach the database and the next, while it is away."""
CONNECT_SECONDS = 3
GONE = ("08", "57P", "53100", "53300")
"""How the SQL states begin of a database that does not answer, is full, or takes no more connections."""
OVER_A_NETWORK = {
    "tcp_user_timeout": 5000,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}
"""A peer that vanished is noticed in seconds, and not in a quarter of an hour, as the kernel would."""


class Away(PoolTimeout):
    """The database could not be reached the last time, and no request waits until it can be."""


class Ended(psycopg.OperationalError):
    """PostgreSQL ended a session whose process was suspended in a transaction: nothing of that is kept.

    To psycopg it is an internal error. Here it counts as a lost connection: other processes may hold by now
    what was locked, and may have done the work.
    """


class Connections:
    """A pool of bounded size, in which nobody waits for a database that cannot be reached.

    The first wait that ends in vain, or a connection that cannot be made, starts a probe. Until the probe
    reaches the database, only connections that are ready are lent; without one, `Away` is raised at once.
    """

    def __init__(self, url: str, size: int, configure: Callable[[Session], None]) -> None:
        self.patience = PATIENCE
        self._url, self._closed = url, threading.Event()
        self._lock, self._probing = threading.Lock(), False
        given = conninfo_to_dict(url)
        options = {"connect_timeout": CONNECT_SECONDS, **OVER_A_NETWORK}
        self._options: dict[str, Any] = {name: value for name, value in options.items() if name not in given}
        self._pool: ConnectionPool[Session] = ConnectionPool(
            url,
            connection_class=Session,
            min_size=1,
            max_size=size,
            open=True,
            kwargs={"autocommit": True, **self._options},
            configure=configure,
            # The pool doubles its waits from second to second; the probe does not, and wakes it.
            reconnect_timeout=0,
            reconnect_failed=lambda _: self._lost("no connection could be made"),
        )

    def close(self) -> None:
        self._closed.set()
        self._pool.close()

    @contextmanager
    def lend(self, begin: Callable[[Session], object] | None = None) -> Iterator[Session]:
        """Lend a connection that works, after `begin(connection)`.

        `begin` must be safe to repeat on another connection, because it also finds out which are broken.
        """
        conn = self._working(begin)
        try:
            yield conn
        except psycopg.errors.IdleInTransactionSessionTimeout as error:
            raise Ended(f"we were suspended: {error}") from error
        finally:
            self._pool.putconn(conn)

    def _working(self, begin: Callable[[Session], object] | None) -> Session:
        deadline = time.monotonic() + self.patience
        while True:
            conn = self._taken(deadline)
            try:
                if is_alive(conn):
                    if begin:
                        begin(conn)
                    return conn
                conn.close()
            except BaseException as error:
                broken = conn.closed
                self._pool.putconn(conn)
                if not broken or not isinstance(error, psycopg.OperationalError):
                    raise
            else:
                self._pool.putconn(conn)

    def _taken(self, deadline: float) -> Session:
        if self._probing and not self._pool.get_stats().get("pool_available"):
            raise Away("the database cannot be reached")
        try:
            conn: Session = self._pool.getconn(max(deadline - time.monotonic(), 0.001))
        except PoolTimeout as error:
            self._lost(str(error))
            raise
        return conn

    def _lost(self, reason: str) -> None:
        with self._lock:
            if self._probing or self._closed.is_set():
                return
            self._probing = True
        log.error("the database cannot be reached: %s", reason)
        threading.Thread(target=self._probe, name="probe", daemon=True).start()

    def _probe(self) -> None:
        since = time.monotonic()
        while not self._closed.wait(PROBE_SECONDS):
            try:
                psycopg.connect(self._url, **self._options).close()
            except psycopg.OperationalError as error:
                log.debug("the database cannot be reached: %s", error)
                continue
            self._probing = False
            log.warning("the database was away for %.1f s", time.monotonic() - since)
            return


def is_alive(conn: Session) -> bool:
    """Return whether an unused connection still stands: if the server has closed it, its message is here."""
    poll = select.poll()
    poll.register(conn.pgconn.socket, select.POLLIN)
    for _ in range(3):  # the message, then the end of the stream
        if not poll.poll(0):
            return True
        try:
            conn.pgconn.consume_input()
        except psycopg.OperationalError:
            return False
    return False


def is_away(error: Exception) -> bool:
    """Check whether the database did not answer, or its outcome is unknown: no fault of the job."""
    if not isinstance(error, psycopg.OperationalError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(GONE)
