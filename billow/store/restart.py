"""Restart the embedded PostgreSQL when it dies, and give up when that fails for minutes."""

import logging
import threading
import time
from collections.abc import Callable

import psycopg

from billow.store.embedded import CannotRun, Embedded

log = logging.getLogger("billow.restart")

LOOK_SECONDS = 0.2
"""Between one look at the server and the next."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0
"""Seconds before the second start in an outage; each wait is twice the one before, up to the longest."""
STABLE_SECONDS = 2.0
"""A server that has run for so long is well again: the next outage has all its time. One whose disk is full
or whose files are bad does not come so far."""
GIVE_UP_SECONDS = 300.0
"""An outage that lasts longer is for whoever supervises us (systemd), and for a person."""


class Restarter:
    """Watch the embedded server in a thread, and start it again when it has died."""

    def __init__(self, server: Embedded, gave_up: Callable[[], None]) -> None:
        self.failure: str | None = None
        self._server, self._gave_up = server, gave_up
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="restarter", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._server.interrupt()
        self._thread.join()

    def _watch(self) -> None:
        pause, wait = LOOK_SECONDS, FIRST_WAIT
        down_since: float | None = None
        started_at = time.monotonic()
        while not self._stop.wait(pause):
            now, pause = time.monotonic(), LOOK_SECONDS
            if self._server.running:
                if now - started_at > STABLE_SECONDS:
                    down_since, wait = None, FIRST_WAIT
                continue
            down_since = down_since or now
            log.error("PostgreSQL has stopped and is started again")
            reason = self._failure()
            started_at = time.monotonic()
            if self._stop.is_set():
                return
            if reason is None:
                log.warning("PostgreSQL runs again, %.1f s after it stopped", started_at - down_since)
            else:
                log.error("PostgreSQL could not be started; next try in %s s: %s", wait, reason)
                pause, wait = wait, min(2 * wait, LONGEST_WAIT)
            if started_at - down_since > GIVE_UP_SECONDS:
                self._give_up(reason or "it stops again as soon as it has started")
                return

    def _give_up(self, reason: str) -> None:
        self.failure = f"PostgreSQL stopped and could not be started for {GIVE_UP_SECONDS:.0f} s: {reason}"
        self._gave_up()

    def _failure(self) -> str | None:
        """Try once; return why it failed, or None where the server runs again."""
        try:
            self._server.restart()
        except (CannotRun, OSError, psycopg.Error) as error:
            return str(error)
        return None
