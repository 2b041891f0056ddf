"""Sum up what one customer used by the values of a dimension: the largest apart, and the rest as one."""

from datetime import datetime
from decimal import Decimal

from billow.resources.meter import Meter
from billow.store.tx import Tx
from billow.store.usage.postgres import series

AMOUNT = "case when %(counts)s then count(*)::numeric else sum(value) end"
SINGLE = """
    from meter_events where series = %(series)s and customer = %(customer)s and meter = %(meter)s
    and at >= %(start)s and at < %(until)s and canceled_at is null"""
"""The events of one customer that count."""

Sums = list[tuple[datetime, str | None, Decimal]]
"""The beginning of an hour, day or month, the value or None for the rest, and what was used."""


def by_value(
    tx: Tx, meter: Meter, customer: str, span: tuple[datetime, datetime], name: str, *, size: str, most: int
) -> tuple[list[str], Sums]:
    """Return the values of a dimension that were used most, the largest first, and the sums by `size` in UTC.

    A dimension may have as many values as there are events: only the `most` largest leave the database apart.
    """
    params = {
        "name": name,
        "counts": meter.default_aggregation["formula"] == "count",
        "series": series(customer, meter.id),
        "customer": customer,
        "meter": meter.id,
        "start": span[0],
        "until": span[1],
    }
    ranked = tx.tuples(
        f'select (payload ->> %(name)s) collate "C" as said, {AMOUNT} as amount {SINGLE}'
        " and payload ->> %(name)s is not null group by 1 order by amount desc, said limit %(most)s",
        most=most,
        **params,
    )
    largest = [value for value, _ in ranked]
    found: Sums = tx.tuples(
        "select date_trunc(%(size)s, at, 'UTC'), case when payload ->> %(name)s = any(%(largest)s::text[])"
        f" then payload ->> %(name)s end, {AMOUNT} {SINGLE} group by 1, 2",
        largest=largest,
        size=size,
        **params,
    )
    return largest, found
