"""Explore the usage of a meter: by hour, day or month, by customer and dimension, and event by event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from billow.core import calendar
from billow.flows.usage.dimension_values import by_value
from billow.resources.meter import Meter
from billow.store.tx import Tx
from billow.store.usage.postgres import series

MOST = {"hour": 24 * 7, "day": 366, "month": 36}
"""How many hours, days or months are shown at most."""
APART = 5
"""How many customers or values stand apart; the others are one sum."""
LATEST_HOURS = 100

PER_CUSTOMER = """
    select date_trunc(%(size)s, hour, 'UTC') as start, customer, case %(formula)s
        when 'sum' then sum(sum) when 'count' then sum(count)
        else (array_agg(last order by last_at desc nulls last))[1] end as value
    from meter_hours
    where meter = %(meter)s and hour >= %(start)s and hour < %(until)s
    and (%(customer)s::text is null or customer = %(customer)s)
    group by 1, 2 having sum(count) > 0"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which usage is explored: of a meter in [start, until), in hours, days or months in UTC."""

    meter: Meter
    start: datetime
    until: datetime
    size: str
    customer: str | None = None

    @property
    def params(self) -> dict[str, object]:
        return {
            "meter": self.meter.id,
            "formula": self.meter.default_aggregation["formula"],
            "start": self.start,
            "until": self.until,
            "size": self.size,
            "customer": self.customer,
        }


@dataclass(frozen=True, slots=True)
class Explored:
    """Usage in steps of time: of each series one number for each step. None is all of them, or the rest."""

    starts: tuple[datetime, ...]
    series: tuple[tuple[str | None, tuple[Decimal, ...]], ...]


@dataclass(frozen=True, slots=True)
class Received:
    """An event as it was received, with what became of it."""

    identifier: str
    customer: str
    at: datetime
    created: datetime
    value: Decimal
    payload: dict[str, str]
    fate: str


def step_after(start: datetime, size: str) -> datetime:
    """Return the beginning of the next hour, day or month."""
    if size == "month":
        return calendar.boundary(start, "month", 1, 1)
    return start + (timedelta(hours=1) if size == "hour" else timedelta(days=1))


def starts_of(start: datetime, until: datetime, size: str) -> tuple[datetime, ...]:
    """Return the beginnings of the hours, days or months in UTC that a span touches, as many as are shown."""
    first = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    first = first if size == "hour" else first.replace(hour=0)
    first = first.replace(day=1) if size == "month" else first
    found = [first]
    while len(found) < MOST[size] and (following := step_after(found[-1], size)) < until:
        found.append(following)
    return tuple(found)


def in_all(tx: Tx, asked: Asked, starts: Sequence[datetime]) -> Explored:
    """Return the usage of all customers, or of one; of last values it is the sum of each customer's."""
    found = tx.tuples(f"select start, sum(value) from ({PER_CUSTOMER}) each_one group by 1", **asked.params)
    known: dict[datetime, Decimal] = dict(found)
    return Explored(tuple(starts), ((None, tuple(known.get(at) or Decimal(0) for at in starts)),))


def by_customer(tx: Tx, asked: Asked, starts: Sequence[datetime]) -> Explored:
    """Return the usage of the customers who used most, and of the rest."""
    largest = [id for id, _ in ranking(tx, asked, APART)]
    found = tx.tuples(
        "select start, case when customer = any(%(largest)s) then customer end, sum(value)"
        f" from ({PER_CUSTOMER}) each_one group by 1, 2",
        largest=largest,
        **asked.params,
    )
    return put_together(starts, largest, found)


def by_dimension(tx: Tx, asked: Asked, starts: Sequence[datetime], name: str) -> Explored:
    """Return the usage of one customer by the values of a dimension, read from single events."""
    span = (asked.start, asked.until)
    largest, found = by_value(tx, asked.meter, asked.customer or "", span, name, size=asked.size, most=APART)
    return put_together(starts, largest, found)


def put_together(
    starts: Sequence[datetime], largest: Sequence[str], found: Sequence[tuple[datetime, str | None, Decimal]]
) -> Explored:
    """Put sums into series, the largest first and the rest last, if there is any."""
    places = {at: place for place, at in enumerate(starts)}
    kept: dict[str | None, list[Decimal]] = {value: [Decimal(0)] * len(starts) for value in largest}
    for at, value, amount in found:
        name = value if value in kept else None
        if at in places:
            kept.setdefault(name, [Decimal(0)] * len(starts))[places[at]] += amount
    return Explored(tuple(starts), tuple((name, tuple(values)) for name, values in kept.items()))


def ranking(tx: Tx, asked: Asked, most: int) -> list[tuple[str, Decimal]]:
    """Return the customers who used most in the whole span, the first first."""
    whole = PER_CUSTOMER.replace("date_trunc(%(size)s, hour, 'UTC')", "null")
    return tx.tuples(
        f"select customer, value from ({whole}) each_one order by value desc, customer limit %(most)s",
        most=most,
        **asked.params,
    )


def latest_hour(tx: Tx, meter: str) -> datetime | None:
    """Return the latest hour in which a meter was used."""
    [(found,)] = tx.tuples("select max(hour) from meter_hours where meter = %(meter)s", meter=meter)
    at: datetime | None = found
    return at


def latest(tx: Tx, meter: Meter, customer: str | None, most: int) -> list[Received]:
    """Return the latest events of a meter, with what became of each.

    They are found by the latest hours that were used, since single events are in the order of a customer's.
    """
    window = meter.event_time_window or "hour"
    hours = tx.tuples(
        "select customer, date_trunc(%(window)s, hour, 'UTC') from meter_hours where meter = %(meter)s"
        " and (%(customer)s::text is null or customer = %(customer)s) order by hour desc limit %(most)s",
        meter=meter.id,
        window=window,
        customer=customer,
        most=LATEST_HOURS,
    )
    spans = list(dict.fromkeys(hours))
    found = tx.tuples(
        "select e.identifier, e.customer, e.at, e.created, e.value, e.payload,"
        " case when e.canceled_at is not null then 'canceled' when %(windowed)s and not exists ("
        "   select from meter_hours h where h.customer = e.customer and h.meter = e.meter"
        "   and h.hour >= w.start and h.hour < w.start + %(length)s and h.last_arrival = e.arrival)"
        " then 'replaced' else 'counted' end"
        " from unnest(%(customers)s::text[], %(starts)s::timestamptz[], %(series)s::bigint[])"
        " as w (customer, start, series), lateral ("
        "   select * from meter_events t where t.series = w.series and t.customer = w.customer"
        "   and t.meter = %(meter)s and t.at >= w.start and t.at < w.start + %(length)s"
        "   order by t.at desc limit %(most)s) e"
        " order by e.at desc, e.arrival desc limit %(most)s",
        meter=meter.id,
        windowed=meter.event_time_window is not None,
        length=timedelta(days=1) if window == "day" else timedelta(hours=1),
        customers=[one for one, _ in spans],
        starts=[start for _, start in spans],
        series=[series(one, meter.id) for one, _ in spans],
        most=most,
    )
    return [
        Received(identifier, whose, at, created, value, payload or {}, fate)
        for identifier, whose, at, created, value, payload, fate in found
    ]
