"""Give vouchers their numbers, once: by series and fiscal year, in the order of the journal."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from billow.core.books import periods
from billow.core.errors import require
from billow.core.findings import Finding
from billow.ledger import chain
from billow.store.tx import Tx

SERIES = "A"
"""That of everything that is posted."""
REVALUED = "V"
"""That of open items valued at each month's end, which exports derive."""
BEGINNING = datetime(1, 1, 2, tzinfo=UTC)
NEW = (
    "select source, event, created from (select id, source, event, created, sequence from ledger_transfers"
    " where created >= %(known)s and created < %(until)s"
    " union select id, source, event, created, sequence from ledger_transfers where created < %(until)s"
    " and id = any(array(select unnest(transfers) from ledger_seals where number > %(seal)s"
    " union all select transfer from ledger_unsealed))) t"
    " where sequence = 0"
    " and not exists (select from voucher_numbers n where n.source = t.source and n.event = t.event)"
)
"""What has no number yet: booked since the instant up to which all had one, or committed since."""


def give(tx: Tx, until: datetime, zone: ZoneInfo, first_month: int) -> None:
    """Number the vouchers booked before an instant that have no number yet.

    They follow the last number of their fiscal year. Nobody else gives numbers until the commit. What is read
    grows with what is new, and not with the ledger: what was posted since is in later seals, or in none yet.
    """
    tx.run("select pg_advisory_xact_lock(hashtextextended(%(key)s, 0))", key=f"ledger.vouchers {tx.tenant}")
    mark = tx.one("select until, seal from voucher_marks")
    head = chain.head(tx)  # before what it covers is read, so that nothing is passed over
    newest = head.number if head else 0
    known, seal = (mark["until"], mark["seal"]) if mark else (BEGINNING, newest)
    asked = {"known": known, "seal": seal, "until": until, "zone": zone.key}
    for first, last in years(tx, asked, first_month):
        tx.run(
            "insert into voucher_numbers (source, event, series, year, number, booked, given)"
            " select source, event, %(series)s, %(first)s,"
            " (select coalesce(max(number), 0) from voucher_numbers where series = %(series)s"
            " and booked between %(first)s and %(last)s)"
            " + row_number() over (order by created, source, event),"
            f" (created at time zone %(zone)s)::date, %(now)s from ({NEW}) new"
            " where created >= %(start)s and created < %(end)s",
            **asked,
            series=SERIES,
            first=first,
            last=last,
            now=tx.wall,
            start=periods.start_of(first, zone),
            end=periods.end_of(last, zone),
        )
    marked = min(until, tx.wall)  # what is booked later is new every day until then
    if marked >= known:
        tx.run(
            "insert into voucher_marks (until, seal) values (%(until)s, %(seal)s)"
            " on conflict (tenant) do update set until = excluded.until, seal = excluded.seal",
            until=marked,
            seal=newest,
        )


def years(tx: Tx, asked: dict[str, Any], first_month: int) -> Iterator[tuple[date, date]]:
    """Return the fiscal years in which something has no number yet, oldest first."""
    months = tx.tuples(
        f"select distinct date_trunc('month', created at time zone %(zone)s)::date from ({NEW}) new", **asked
    )
    return iter(sorted({periods.fiscal_year(month, first_month) for (month,) in months}))


def require_a_new_year(tx: Tx, today: date, first_month: int) -> None:
    """Refuse a fiscal year that begins in another month, if numbers of its days were given already.

    They are those of the year before, so the new one would not begin with 1.
    """
    first, _ = periods.fiscal_year(today, first_month)
    [(day, year)] = tx.tuples(
        "select min(booked), min(year) from voucher_numbers where booked >= %(first)s and year <> %(first)s",
        first=first,
    )
    require(
        day is None,
        f"Vouchers from {day} on have numbers of the fiscal year that began on {year}, so one that begins on"
        f" {first} would not begin with 1. Change the month when a new year begins by it, before anything of"
        " that year is exported, listed or closed.",
    )


def wrong(tx: Tx) -> Iterator[Finding]:
    """Find gaps in the numbers of a fiscal year, and numbers that it has twice.

    A year that another one cut short has ended where that begins: they have no day in common.
    """
    for series, year, least, most, count in tx.tuples(
        "select series, year, min(number), max(number), count(*) from voucher_numbers v group by series, year"
        " having count(*) <> max(number) - min(number) + 1 or (min(number) > 1 and not exists"
        " (select from voucher_numbers o where o.series = v.series and o.number = min(v.number) - 1"
        " and o.booked >= v.year and o.booked < v.year + interval '1 year')) order by series, year"
    ):
        found = f"{count} from {series}{least} to {series}{most}"
        yield Finding("vouchers_have_no_gap", f"{series} {year}", "each number from 1 on", found)
    for series, year, number in tx.tuples(
        "select v.series, v.year, v.number from voucher_numbers v join voucher_numbers o"
        " on o.series = v.series and o.number = v.number and v.year < o.year"
        " and v.booked >= o.year order by 1, 2, 3 limit 50"
    ):
        yield Finding("vouchers_have_no_number_twice", f"{series} {year}", "each once", f"{series}{number}")
