"""Keep one event of each hour or day, the one received last, in the sums of meters with a time window.

The row of an hour then holds the event that counts, if it lies in that hour, and no other. Which event was
received last is told by `arrival`. All rows of a window are written under the lock of its first hour's row.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from billow.core.usage import TIME_WINDOWS, window_start
from billow.store.tx import Tx
from billow.store.usage.types import Measured

# Writing the row locks it, and waits for another that is making it. Windows are taken in the order of keys.
LOCK = """
    insert into meter_hours as h (meter, customer, hour, sum, count)
    select meter, customer, start, 0, 0
    from unnest(%(meters)s::text[], %(customers)s::text[], %(starts)s::timestamptz[]) as w (
        meter, customer, start)
    order by customer, meter, start
    on conflict (customer, meter, hour, tenant) do update set count = h.count"""

# The event that counted so far had the highest arrival of those that are committed: only ours can be higher.
OVERWRITE = """
    with newest as (
        select w.* from unnest(
            %(meters)s::text[], %(customers)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[],
            %(at)s::timestamptz[], %(values)s::numeric[], %(arrivals)s::bigint[]
        ) as w (meter, customer, start, until, at, value, arrival)
        where not exists (
            select from meter_hours as h where h.customer = w.customer and h.meter = w.meter
            and h.hour >= w.start and h.hour < w.until and h.last_arrival > w.arrival)
    ), emptied as (
        update meter_hours as h set sum = 0, count = 0, last = null, last_at = null, last_arrival = null
        from newest as w
        where h.customer = w.customer and h.meter = w.meter and h.hour >= w.start and h.hour < w.until
        and h.count > 0 and h.hour <> date_trunc('hour', w.at, 'UTC')
    )
    insert into meter_hours as h (meter, customer, hour, sum, count, last, last_at, last_arrival)
    select meter, customer, date_trunc('hour', at, 'UTC'), value, 1, value, at, arrival from newest
    on conflict (customer, meter, hour, tenant) do update set
        sum = excluded.sum, count = 1, last = excluded.last,
        last_at = excluded.last_at, last_arrival = excluded.last_arrival"""

EMPTY = """
    update meter_hours set sum = 0, count = 0, last = null, last_at = null, last_arrival = null
    where customer = %(customer)s and meter = %(meter)s and hour >= %(start)s and hour < %(until)s
    and last_arrival = %(arrival)s"""

# Where the event that counted is canceled, the one received before it counts again.
RESTORE = """
    insert into meter_hours as h (meter, customer, hour, sum, count, last, last_at, last_arrival)
    select meter, customer, date_trunc('hour', at, 'UTC'), value, 1, value, at, arrival from meter_events
    where series = %(series)s and customer = %(customer)s and meter = %(meter)s and canceled_at is null
    and at >= %(start)s and at < %(until)s order by arrival desc limit 1
    on conflict (customer, meter, hour, tenant) do update set
        sum = excluded.sum, count = 1, last = excluded.last,
        last_at = excluded.last_at, last_arrival = excluded.last_arrival"""


@dataclass(frozen=True, slots=True)
class Key:
    """A window of a meter of a customer."""

    customer: str
    meter: str
    start: datetime
    until: datetime


def key_of(event: Measured) -> Key:
    size = event.time_window or "hour"
    start = window_start(event.at, size)
    return Key(event.customer, event.meter, start, start + TIME_WINDOWS[size])


def overwrite(tx: Tx, arrived: Iterable[tuple[int, Measured]]) -> None:
    """Let the newest of recorded events, each with its arrival, overwrite what its window had before.

    Locks the windows.
    """
    newest: dict[Key, tuple[int, Measured]] = {}
    for arrival, event in sorted(arrived, key=lambda each: each[0]):
        newest[key_of(event)] = arrival, event
    _lock(tx, [*newest])
    tx.run(
        OVERWRITE,
        **_columns([*newest]),
        ends=[key.until for key in newest],
        at=[event.at for _, event in newest.values()],
        values=[event.value for _, event in newest.values()],
        arrivals=[arrival for arrival, _ in newest.values()],
    )


def take_back(tx: Tx, key: Key, series: int, arrival: int) -> None:
    """Take a canceled event out of its window; if it counted, the one received before it counts again.

    Locks the window.
    """
    _lock(tx, [key])
    asked = {"customer": key.customer, "meter": key.meter, "start": key.start, "until": key.until}
    if tx.run(EMPTY, arrival=arrival, **asked):
        tx.run(RESTORE, series=series, **asked)


def _lock(tx: Tx, keys: Sequence[Key]) -> None:
    tx.run(LOCK, **_columns(keys))


def _columns(keys: Sequence[Key]) -> Mapping[str, Sequence[str | datetime]]:
    return {
        "meters": [key.meter for key in keys],
        "customers": [key.customer for key in keys],
        "starts": [key.start for key in keys],
    }
