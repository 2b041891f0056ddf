"""Who does what is due: threads that run the jobs of the wall clock, lane by lane, until told to stop."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

import psycopg
import psycopg_pool

from billow.store.clocks import ClockDiffers
from billow.store.jobs import run_due
from billow.store.tx import Database

log = logging.getLogger("billow.work")

LANES = {"billing": 2, "events": 1, "outside": 2, "mail": 1, "clocks": 2, "upkeep": 1}
"""How many threads each lane has: slow gateways delay no billing, slow mail servers no payment. Of the two
that bill, one calculates while the other waits for PostgreSQL. Webhooks are sent by a companion."""
IDLE = 0.2
"""Seconds to wait when nothing is due."""
TRIED_SECONDS = 60
"""For so long after its start a worker notes what it begins: the one before it may have died of a job."""
BROKEN = "the database has broken off what was under way: %s"
SHARE = 2000
"""Jobs that a thread runs before it looks whether it should stop."""


class Companion(Protocol):
    """Works beside the lanes of a worker, in threads of its own."""

    def start(self) -> None: ...

    def stop(self) -> None:
        """Begin to stop; what is at hand is finished or left due."""

    def join(self, patience: float) -> None:
        """Wait until it has stopped, so many seconds at the most."""


COMPANIONS: list[Callable[[Database], Companion]] = []


def companion(make: Callable[[Database], Companion]) -> None:
    """Declare what works beside the lanes, in each worker."""
    COMPANIONS.append(make)


def first_line(error: Exception) -> str:
    """What the database says; the lines after it only explain in general."""
    return str(error).partition("\n")[0]


class Worker:
    """Start any number of them, on any number of machines: jobs are claimed with `skip locked`."""

    def __init__(self, db: Database) -> None:
        self.db, self._stop = db, threading.Event()
        tried_until = time.monotonic() + TRIED_SECONDS
        db.counts_starts = lambda: time.monotonic() < tried_until
        threads = [
            threading.Thread(target=self._loop, args=(lane,), name=f"{lane}-{number}")
            for lane, count in LANES.items()
            for number in range(count)
        ]
        self._companions = [make(db) for make in COMPANIONS]
        self._all: list[threading.Thread | Companion] = [*threads, *self._companions]

    def start(self) -> None:
        for one in self._all:
            one.start()

    def stop(self, patience: float = 25.0) -> None:
        """Finish the batch at hand and return; what is left stays due."""
        self._stop.set()
        for companion in self._companions:
            companion.stop()
        deadline = time.monotonic() + patience
        for one in self._all:
            one.join(max(deadline - time.monotonic(), 0.1))

    def _loop(self, lane: str) -> None:
        while not self._stop.is_set():
            if self.db.disk.low():  # every job writes, if only that it is done
                self._stop.wait(1)
                continue
            try:
                self.db.check_clock()
                done = run_due(
                    self.db,
                    clock="wall",
                    until=self.db.wall(),
                    lane=lane,
                    limit=SHARE,
                    stop=self._stop.is_set,
                )
            except ClockDiffers:  # which is in the log by now
                done = 0
                self._stop.wait(1)
            except psycopg_pool.PoolTimeout:  # which is in the log by now
                done = 0
                self._stop.wait(1)
            except psycopg.OperationalError as error:
                log.warning(BROKEN, first_line(error))
                done = 0
                self._stop.wait(1)
            except Exception:
                log.exception("lane %s failed", lane)
                done = 0
                self._stop.wait(1)
            if not done:
                self._stop.wait(IDLE)
