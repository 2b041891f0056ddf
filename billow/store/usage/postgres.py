"""How does PostgreSQL count every event once? A unique digest, and sums per hour in the same transaction."""

from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from billow.core import usage
from billow.core.usage import Window, window_start
from billow.store.tx import Tx
from billow.store.usage import overwriting
from billow.store.usage.types import Kept, Measured, Span

# Arrays travel as text: joining is the cheapest thing that Python can do with so many values. Events go in
# the order of their digests and hours in the order of their keys, so two batches that meet cannot deadlock.
# Only what was really inserted (`fresh`) is added up. Of two values at one instant the later one is last.
TAKE_IN = """
    arrived as materialized (
        select * from unnest(
            %(digests)s::uuid[], %(meters)s::text[], %(customers)s::text[], %(identifiers)s::text[],
            %(series)s::bigint[], %(at)s::timestamptz[], %(values)s::numeric[], %(created)s::timestamptz[],
            %(payloads)s::jsonb[]
        ) with ordinality as t (
            digest, meter, customer, identifier, series, at, value, created, payload, place)
    ), fresh as (
        insert into meter_events (
            digest, meter, customer, identifier, series, at, value, created, payload, arrival)
        select digest, meter, customer, identifier, series, at, value, coalesce(created, %(now)s), payload,
            number * 1048576 + place
        from arrived, (select nextval('meter_arrivals') as number) as batch order by digest
        on conflict (digest) do nothing
        returning digest, meter, customer, at, value, arrival
    ), rolled as (
        insert into meter_hours as h (meter, customer, hour, sum, count, last, last_at, last_arrival)
        select meter, customer, date_trunc('hour', at, 'UTC') as hour, sum(value), count(*),
            (array_agg(value order by at desc, arrival desc))[1], max(at),
            (array_agg(arrival order by at desc, arrival desc))[1]
        from fresh"""
ADD_UP = """
        group by customer, meter, hour order by customer, meter, hour
        on conflict (customer, meter, hour, tenant) do update set
            sum = h.sum + excluded.sum, count = h.count + excluded.count,
            last = case when (h.last_at, h.last_arrival) > (excluded.last_at, excluded.last_arrival)
                then h.last else excluded.last end,
            last_arrival = case when (h.last_at, h.last_arrival) > (excluded.last_at, excluded.last_arrival)
                then h.last_arrival else excluded.last_arrival end,
            last_at = greatest(h.last_at, excluded.last_at)
    )
    select place from arrived where not exists (select from fresh where fresh.digest = arrived.digest)"""
RECORD = f"with {TAKE_IN} {ADD_UP}"

# With events of meters that have a time window among them, which are not added up but overwrite each other.
RECORD_WINDOWED = f"""
    with {TAKE_IN} where meter <> all(%(windowed)s) {ADD_UP}
    union all select -arrival from fresh where meter = any(%(windowed)s)"""

# A lateral aggregate keeps the plan at one index range per span, whatever the planner believes of `unnest`.
# Rows are compared, so that the range can only be one of the primary key: by the index of meters alone, each
# span would read those of all customers.
HOURS = """
    select w.place, h.* from unnest(%(customers)s::text[], %(meters)s::text[], %(starts)s::timestamptz[],
        %(ends)s::timestamptz[]) with ordinality as w (customer, meter, start, until, place),
    lateral (
        select sum(sum), sum(count)::bigint as count,
            (array_agg(last order by last_at desc nulls last))[1], max(last_at)
        from meter_hours as t where (t.customer, t.meter, t.hour) >= (w.customer, w.meter, w.start)
        and (t.customer, t.meter, t.hour) < (w.customer, w.meter, w.until)
    ) as h where h.count > 0"""

EVENTS = """
    select w.place, e.* from unnest(%(customers)s::text[], %(meters)s::text[], %(starts)s::timestamptz[],
        %(ends)s::timestamptz[], %(series)s::bigint[])
        with ordinality as w (customer, meter, start, until, series, place),
    lateral (
        select sum(value), count(*) as count, (array_agg(value order by at desc, arrival desc))[1], max(at)
        from meter_events as t where t.series = w.series and t.customer = w.customer and t.meter = w.meter
        and t.at >= w.start and t.at < w.until and canceled_at is null
    ) as e where e.count > 0"""

BY_WINDOW = """
    select date_trunc(%(size)s, hour, 'UTC') as start, sum(sum), sum(count)::bigint,
        (array_agg(last order by last_at desc nulls last))[1], max(last_at)
    from meter_hours
    where customer = %(customer)s and meter = %(meter)s and hour >= %(start)s and hour < %(end)s
    group by 1 having sum(count) > 0 order by 1"""

# The rows of a meter with a time window hold single events, so they tell the edges of a span as well.
OVERWRITTEN = """
    select w.place, h.* from unnest(%(customers)s::text[], %(meters)s::text[], %(starts)s::timestamptz[],
        %(ends)s::timestamptz[]) with ordinality as w (customer, meter, start, until, place),
    lateral (
        select sum(sum), sum(count)::bigint as count, (array_agg(last order by last_at desc))[1], max(last_at)
        from meter_hours as t
        where (t.customer, t.meter, t.hour) > (w.customer, w.meter, w.start - interval '1 hour')
        and (t.customer, t.meter, t.hour) < (w.customer, w.meter, w.until)
        and t.last_at >= w.start and t.last_at < w.until
    ) as h where h.count > 0"""

BATCH = 1048576
"""An arrival is the number of its transaction times this, and the place of the event in it."""
Part = tuple[int, Span, datetime, datetime]


class Postgres:
    """The default store: nothing but the database that is there anyway."""

    def record(self, tx: Tx, events: Sequence[Measured]) -> list[int]:
        digests = [digest(tx.tenant, event.identifier) for event in events]
        first: dict[str, int] = {}
        repeated = [place for place, digest in enumerate(digests) if first.setdefault(digest, place) != place]
        places = list(first.values())
        fresh = [events[place] for place in places] if repeated else events
        known = _recorded(tx, list(first), fresh) if first else []
        return sorted(repeated + [places[ordinal - 1] for ordinal in known])

    def windows(self, tx: Tx, wanted: Sequence[Span]) -> dict[Hashable, Window]:
        whole: list[Part] = []
        edges: list[Part] = []
        overwritten: list[Part] = []
        for place, span in enumerate(wanted):
            if span.time_window:
                overwritten.append((place, span, span.start, span.end))
                continue
            parts = usage.hours(span.start, span.end)
            whole += [(place, span, *part) for part in (parts.whole,) if part]
            edges += [(place, span, *part) for part in (parts.head, parts.tail) if part]
        found: list[list[Window]] = [[] for _ in wanted]
        for sql, parts_of in ((HOURS, whole), (EVENTS, edges), (OVERWRITTEN, overwritten)):
            if not parts_of and sql is OVERWRITTEN:  # most tenants have no such meter
                continue
            for ordinal, *window in _read(tx, sql, parts_of):
                found[parts_of[ordinal - 1][0]].append(Window(*window))
        # Parts of one span share no instant, so the order in which they are combined decides nothing.
        return {span.key: usage.combine(parts) for span, parts in zip(wanted, found, strict=True)}

    def by_window(self, tx: Tx, span: Span, size: str) -> list[tuple[datetime, Window]]:
        asked = {"customer": span.customer, "meter": span.meter, "start": span.start, "end": span.end}
        rows = tx.tuples(BY_WINDOW, size=size, **asked)
        return [(start, Window(*window)) for start, *window in rows]

    def find(self, tx: Tx, identifier: str) -> Kept | None:
        row = tx.one(
            "select meter, customer, created, canceled_at is not null as canceled from meter_events"
            " where digest = %(digest)s",
            digest=digest(tx.tenant, identifier),
        )
        return Kept(**row) if row else None

    def cancel(self, tx: Tx, identifier: str, now: datetime, time_window: str | None = None) -> bool:
        event = tx.one(
            "update meter_events set canceled_at = %(now)s where digest = %(digest)s and canceled_at is null"
            " returning customer, meter, series, at, date_trunc('hour', at, 'UTC') as hour, value, arrival",
            digest=digest(tx.tenant, identifier),
            now=now,
        )
        if event is None:
            return False
        if time_window:
            start = window_start(event["at"], time_window)
            key = overwriting.Key(
                event["customer"], event["meter"], start, start + usage.TIME_WINDOWS[time_window]
            )
            overwriting.take_back(tx, key, event["series"], event["arrival"])
            return True
        # The new sum locks the hour; only then is its last event looked for: nobody adds one in between.
        tx.run(
            "update meter_hours set sum = sum - %(value)s, count = count - 1"
            " where customer = %(customer)s and meter = %(meter)s and hour = %(hour)s",
            **event,
        )
        tx.run(
            "update meter_hours as h set (last, last_at, last_arrival) = ("
            "   select value, at, arrival from meter_events where series = %(series)s"
            "   and customer = %(customer)s and meter = %(meter)s and canceled_at is null"
            "   and at >= %(hour)s and at < %(hour)s + interval '1 hour'"
            "   order by at desc, arrival desc limit 1)"
            " where customer = %(customer)s and meter = %(meter)s and hour = %(hour)s"
            " and last_arrival = %(arrival)s",
            **event,
        )
        return True


def _recorded(tx: Tx, digests: Sequence[str], events: Sequence[Measured]) -> list[int]:
    """Record events with different digests; return the ordinals of those that were known."""
    windowed = list({event.meter for event in events if event.time_window})
    if not windowed:
        return [ordinal for (ordinal,) in tx.tuples(RECORD, now=tx.now, **_columns(digests, events))]
    told = tx.tuples(RECORD_WINDOWED, now=tx.now, windowed=windowed, **_columns(digests, events))
    arrivals = [-number for (number,) in told if number < 0]
    overwriting.overwrite(tx, [(each, events[each % BATCH - 1]) for each in arrivals])
    return [number for (number,) in told if number > 0]


def digest(tenant: str, identifier: str) -> str:
    """Hash tenant and identifier to 128 bits, so that no two collide and one key serves all tenants."""
    return blake2b(f"{tenant}\n{identifier}".encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=65536)
def series(customer: str, meter: str) -> int:
    """Return a short key for the index of single events; a collision costs a read, never a wrong sum."""
    return int.from_bytes(blake2b(f"{customer}\n{meter}".encode(), digest_size=8).digest(), signed=True)


def _read(tx: Tx, sql: str, parts: Sequence[Part]) -> list[tuple[Any, ...]]:
    return tx.tuples(
        sql,
        customers=[span.customer for _, span, _, _ in parts],
        meters=[span.meter for _, span, _, _ in parts],
        starts=[start for _, _, start, _ in parts],
        ends=[end for _, _, _, end in parts],
        series=[series(span.customer, span.meter) for _, span, _, _ in parts],
    )


# ------------------------------------------------------------------------------------- arrays as text


def _columns(digests: Sequence[str], events: Sequence[Measured]) -> dict[str, str]:
    return {
        "digests": _plain(digests),
        "meters": _quoted([event.meter for event in events]),
        "customers": _quoted([event.customer for event in events]),
        "identifiers": _quoted([event.identifier for event in events]),
        "series": _plain([str(series(event.customer, event.meter)) for event in events]),
        "at": _plain([event.at.isoformat() for event in events]),
        "values": _plain([str(event.value) for event in events]),
        "created": _sparse([event.created.isoformat() if event.created else None for event in events]),
        "payloads": _sparse([_escaped(event.payload) if event.payload else None for event in events]),
    }


def _plain(values: Iterable[str]) -> str:
    return "{" + ",".join(values) + "}"


def _sparse(values: Sequence[str | None]) -> str:
    """`unnest` pads short arrays with nulls, so the usual batch, which has none of these, sends none."""
    return _plain([value or "NULL" for value in values]) if any(values) else "{}"


def _escaped(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _quoted(values: Sequence[str]) -> str:
    joined = "\x00".join(values)  # NUL is in no text that PostgreSQL takes
    if "\\" in joined or '"' in joined:
        joined = joined.replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + joined.replace("\x00", '","') + '"}'
