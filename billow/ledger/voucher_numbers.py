"""Give vouchers their numbers, once: by series and fiscal year, in the order of the journal."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from billow.core.books import periods
from billow.ledger import periods as closing
from billow.store.tx import Tx

SERIES = "A"
"""That of everything that is posted."""
REVALUED = "V"
"""That of open items valued at each month's end, which exports derive."""


def give(tx: Tx, until: datetime, zone: ZoneInfo, first_month: int) -> None:
    """Number the vouchers booked before an instant that have no number yet.

    They follow the last number of their fiscal year. Nobody else gives numbers until the commit.
    """
    tx.run("select pg_advisory_xact_lock(hashtextextended(%(key)s, 0))", key=f"ledger.vouchers {tx.tenant}")
    for first, last in years(tx, until, zone, first_month):
        tx.run(
            "insert into voucher_numbers (source, event, series, year, number, booked, given)"
            " select source, event, %(series)s, %(first)s,"
            " (select coalesce(max(number), 0) from voucher_numbers where series = %(series)s"
            " and booked between %(first)s and %(last)s)"
            " + row_number() over (order by created, source, event),"
            " (created at time zone %(zone)s)::date, %(now)s"
            " from ledger_transfers t where sequence = 0 and created >= %(start)s and created < %(end)s"
            " and not exists (select from voucher_numbers n where n.source = t.source and n.event = t.event)",
            series=SERIES,
            first=first,
            last=last,
            zone=zone.key,
            now=tx.wall,
            start=periods.start_of(first, zone),
            end=min(periods.start_of(last + timedelta(days=1), zone), until),
        )


def years(tx: Tx, until: datetime, zone: ZoneInfo, first_month: int) -> Iterator[tuple[date, date]]:
    """Return the fiscal years in which something was booked before an instant, oldest first."""
    booked = closing.first_booked(tx)
    day = booked[0].astimezone(zone).date() if booked else None
    while day and periods.start_of(day, zone) < until:
        first, last = periods.fiscal_year(day, first_month)
        yield first, last
        day = last + timedelta(days=1)
