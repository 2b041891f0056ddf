"""Read a customer's usage by day, and by what its events say besides their value."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from billow.core import usage
from billow.flows.usage.dimension_values import by_value
from billow.resources.meter import Meter
from billow.store.tx import Tx
from billow.store.usage import Span, store
from billow.store.usage.postgres import series

DAY = timedelta(days=1)
SAMPLE = 1000
"""Of how many of the latest events the dimensions are read."""
VALUES = 5
"""How many values of a dimension stand apart; the others are one sum."""


@dataclass(frozen=True, slots=True)
class Daily:
    """Usage of days, in order: of each series one number for each day."""

    days: tuple[datetime, ...]
    series: tuple[tuple[str | None, tuple[Decimal, ...]], ...]
    """By the value of the dimension, the largest first; None is what has no value, or is one of the rest."""

    @property
    def totals(self) -> tuple[Decimal, ...]:
        return tuple(
            sum(column, Decimal(0)) for column in zip(*(each for _, each in self.series), strict=True)
        )


def days_of(start: datetime, end: datetime) -> tuple[datetime, ...]:
    """Return the days in UTC that a span touches, by their first instants; at most a year of them."""
    first = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    many = min(-((first - end) // DAY), 366)
    return tuple(first + DAY * place for place in range(max(many, 1)))


def by_day(tx: Tx, meter: Meter, customer: str, start: datetime, end: datetime) -> Daily:
    """Return what a customer used each day in UTC, by the formula of the meter."""
    days = days_of(start, end)
    span = Span("all", meter.id, customer, days[0], days[-1] + DAY, meter.event_time_window)
    formula = meter.default_aggregation["formula"]
    found = {at: usage.aggregate(formula, window) for at, window in store(tx).by_window(tx, span, "day")}
    return Daily(days, ((None, tuple(found.get(day) or Decimal(0) for day in days)),))


def dimensions(tx: Tx, meter: Meter, customer: str, start: datetime, end: datetime) -> list[str]:
    """Return what the latest events say besides customer and value, by name.

    A meter of which only the last event counts has none: its usage is no sum of parts.
    """
    if meter.default_aggregation["formula"] == "last" or meter.event_time_window:
        return []
    found = tx.tuples(
        "select distinct jsonb_object_keys(payload) from ("
        "  select payload from meter_events"
        "  where series = %(series)s and customer = %(customer)s and meter = %(meter)s"
        "  and at >= %(start)s and at < %(end)s and payload is not null order by at desc limit %(most)s"
        ") latest order by 1 limit 20",
        series=series(customer, meter.id),
        customer=customer,
        meter=meter.id,
        start=start,
        end=end,
        most=SAMPLE,
    )
    return [name for (name,) in found]


def by_dimension(tx: Tx, meter: Meter, customer: str, span: tuple[datetime, datetime], name: str) -> Daily:
    """Return what a customer used each day in UTC by the values of a dimension: the largest, and the rest."""
    days = days_of(*span)
    whole = (days[0], days[-1] + DAY)
    largest, found = by_value(tx, meter, customer, whole, name, size="day", most=VALUES)
    return grouped(days, largest, found)


def grouped(
    days: tuple[datetime, ...], largest: Sequence[str], found: Sequence[tuple[datetime, str | None, Decimal]]
) -> Daily:
    """Put sums of days into series: those of the largest values in order, and the rest last."""
    places = {day: place for place, day in enumerate(days)}
    kept: dict[str | None, list[Decimal]] = {value: [Decimal(0)] * len(days) for value in largest}
    for day, value, amount in found:
        kept.setdefault(value, [Decimal(0)] * len(days))[places[day]] += amount
    return Daily(days, tuple((value, tuple(each)) for value, each in kept.items()))
