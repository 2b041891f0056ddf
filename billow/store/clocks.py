"""Read the machine's clock, and set transactions to the time of a test clock."""

import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, Self, TypeVar

import psycopg

from billow.core.errors import Inconsistent, Unavailable

log = logging.getLogger("billow.clocks")

EVERY = 60.0
"""Seconds between two comparisons with the database's clock, while both agree."""
SOON = 1.0
"""Seconds until the next comparison, while they differ."""


def utc_now() -> datetime:
    """Return the time of the machine in UTC, with microseconds. Nothing else reads the machine's clock."""
    return datetime.now(UTC)


class ClockDiffers(Unavailable):
    """This machine's clock and the database's differ by more than is allowed."""


@dataclass
class Comparison:
    """Compares this machine's clock with the database's, so that no process acts at a wrong time.

    They are compared at the first transaction, then every minute, and at once when this machine's clock was
    set, which shows as a difference to the monotonic clock.
    """

    tolerance: timedelta
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _due: float = 0.0
    _offset: float | None = None
    _differs: timedelta | None = None

    def check(self, conn: psycopg.Connection[Any]) -> None:
        """Raise `ClockDiffers` while the clocks differ; `conn` is outside of any transaction."""
        moved = self._offset is None or abs(_offset() - self._offset) > self.tolerance.total_seconds() / 2
        if moved or time.monotonic() >= self._due:
            self.compare(conn)
        if self._differs is not None:
            raise ClockDiffers(self.reason(self._differs))

    def compare(self, conn: psycopg.Connection[Any]) -> None:
        """Compare the clocks now, and remember the result."""
        before = utc_now()
        row = conn.execute("select clock_timestamp()").fetchone()
        after = utc_now()
        if row is None:
            raise Inconsistent("A select without a table has one row.")
        with self._lock:
            self._note(difference(before, row[0], after))

    def _note(self, found: timedelta) -> None:
        differs = found if abs(found) > self.tolerance else None
        if differs is not None and self._differs is None:
            log.error("%s", self.reason(differs))
        elif differs is None and self._differs is not None:
            log.warning("this machine's clock agrees with the database's again; work continues")
        self._differs, self._offset = differs, _offset()
        self._due = time.monotonic() + (EVERY if differs is None else SOON)

    def reason(self, found: timedelta) -> str:
        """Return the message that says how much the clocks differ."""
        side = "ahead of" if found > timedelta(0) else "behind"
        return (
            f"this machine's clock is {abs(found).total_seconds():.0f} s {side} the database's, more than"
            f" BILLOW_CLOCK_TOLERANCE={self.tolerance.total_seconds():.0f}: nothing is done until they agree"
        )


def difference(before: datetime, there: datetime, after: datetime) -> timedelta:
    """Return how far we are ahead of a clock that was read between two readings of ours; zero within them."""
    if there < before:
        return before - there
    return after - there if there > after else timedelta(0)


def _offset() -> float:
    """Return the difference to the monotonic clock, which changes when the machine's clock is set."""
    return time.time() - time.monotonic()


class Timed(Protocol):
    """What is needed of a transaction (store/tx.py) here: its clock, a row, and itself at another instant."""

    @property
    def clock(self) -> str: ...
    def one(self, sql: str, **params: Any) -> dict[str, Any] | None: ...
    def at(self, clock: str, now: datetime) -> Self: ...


T = TypeVar("T", bound=Timed)


def of_customer(tx: T, customer: str) -> T:
    """Return the transaction at the time of a customer, who may be on a test clock."""
    row = tx.one("select test_clock from customers where id = %(id)s", id=customer)
    return enter(tx, row["test_clock"]) if row else tx


def enter(tx: T, test_clock: str | None) -> T:
    """Return the transaction at the instant of a test clock; unchanged if that is None or was deleted."""
    if test_clock is None or test_clock == tx.clock:
        return tx
    row = tx.one("select frozen_time from test_clocks where id = %(id)s", id=test_clock)
    return tx.at(test_clock, row["frozen_time"]) if row else tx
