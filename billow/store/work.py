"""Run the jobs of the wall clock in threads, lane by lane, until `stop` is called."""

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
"""The number of threads of each lane: slow gateways delay no billing, slow mail servers no payment. Of the
two that bill, one calculates while the other waits for PostgreSQL. A companion sends the webhooks."""
IDLE = 0.2
"""Seconds that a lane waits when nothing is due."""
TRIED_SECONDS = 60
"""How long a new worker records which jobs it begins: the one before it may have died of a job."""
BROKEN = "the database has broken off what was under way: %s"
SHARE = 2000
"""How many jobs a thread runs before it checks the disk and the clock again."""


class Companion(Protocol):
    """What works beside the lanes of a worker, in threads of its own."""

    def start(self) -> None: ...

    def stop(self) -> None:
        """Begin to stop: what it is doing is finished, or stays due."""

    def join(self, patience: float) -> None:
        """Wait until it has stopped, at most so many seconds."""


COMPANIONS: list[Callable[[Database], Companion]] = []


def companion(make: Callable[[Database], Companion]) -> None:
    """Declare a companion, which each worker makes."""
    COMPANIONS.append(make)


def first_line(error: Exception) -> str:
    """Return the first line of a database error; the others are general advice."""
    return str(error).partition("\n")[0]


class Worker:
    """A worker. Any number may run, on any number of machines, since jobs are claimed with `skip locked`."""

    def __init__(self, db: Database) -> None:
        self.db, self._stop = db, threading.Event()
        tried_until = time.monotonic() + TRIED_SECONDS
        db.counts_starts = lambda: time.monotonic() < tried_until
        threads = [
            threading.Thread(target=self._loop, args=(lane, number), name=f"{lane}-{number}")
            for lane, count in LANES.items()
            for number in range(count)
        ]
        self._companions = [make(db) for make in COMPANIONS]
        self._all: list[threading.Thread | Companion] = [*threads, *self._companions]

    def start(self) -> None:
        for one in self._all:
            one.start()

    def stop(self, patience: float = 25.0) -> None:
        """Finish the current batches and return; all other jobs stay due."""
        self._stop.set()
        for companion in self._companions:
            companion.stop()
        deadline = time.monotonic() + patience
        for one in self._all:
            one.join(max(deadline - time.monotonic(), 0.1))

    def _loop(self, lane: str, number: int) -> None:
        """Run the jobs of a lane until told to stop.

        The second thread that bills begins later: while starts are recorded (store/starts.py), two threads
        would each record those of the same jobs.
        """
        if number and lane == "billing":
            self._stop.wait(TRIED_SECONDS)
        while not self._stop.is_set():
            if self.db.disk.low():  # every job writes, if only its own deletion
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
