"""What is measured use, on its way in and on its way out?"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from billow.core.usage import Window
from billow.store.tx import Tx


class Measured(msgspec.Struct, frozen=True, gc=False):
    """One event, resolved and checked. A struct, since ten thousand of them are made for one request.

    `payload` is the JSON of what is neither customer nor value; `created` is when it was received, if
    that is not the transaction's now but that of the customer's test clock.
    """

    meter: str
    customer: str
    identifier: str
    at: datetime
    value: Decimal
    created: datetime | None = None
    payload: str | None = None
    time_window: str | None = None
    """Of its meter: of the events in one "hour" or "day" only the one received last counts."""


@dataclass(frozen=True, slots=True)
class Span:
    """The use of one meter by one customer in [start, end), asked for under a key of the asker's choice."""

    key: Hashable
    meter: str
    customer: str
    start: datetime
    end: datetime
    time_window: str | None = None
    """Of the meter, as in `Measured`."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An event as it was recorded."""

    meter: str
    customer: str
    created: datetime
    canceled: bool


class UsageStore(Protocol):
    """Where measured use is kept. Every event counts once, and in every answer once it is committed."""

    def record(self, tx: Tx, events: Sequence[Measured]) -> list[int]:
        """Keep events that were never seen; the places of the others, in order, are the answer."""

    def windows(self, tx: Tx, wanted: Sequence[Span]) -> dict[Hashable, Window]:
        """What each span holds, exact to the microsecond. The number of statements is fixed."""

    def by_window(self, tx: Tx, span: Span, size: str) -> list[tuple[datetime, Window]]:
        """The span, whose ends are ends of windows, per "hour" or "day" in UTC, without empty windows."""

    def find(self, tx: Tx, identifier: str) -> Kept | None:
        """Find the event of an identifier."""

    def cancel(self, tx: Tx, identifier: str, now: datetime, time_window: str | None = None) -> bool:
        """Take an event out of every sum, leaving a trace; false when it was not there, or not any more."""
