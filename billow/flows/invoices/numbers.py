"""Number documents in the series that all customers of an account share, without a gap."""

from datetime import datetime
from zoneinfo import ZoneInfo

from billow.core import numbering
from billow.core.numbering import Series
from billow.flows.outside.seller import profile_of, seller_of
from billow.store.tx import Tx


def series_of(tx: Tx, kind: str = "invoice") -> Series:
    """Return how the account numbers its documents of a kind: invoice or credit_note."""
    known = profile_of(tx)
    return Series.of(known.seller.get("numbers") or {}, known.country, known.id, kind)


def take(tx: Tx, series: Series, count: int) -> list[str]:
    """Return the next numbers of a series, in order.

    Locks the series until the end of the transaction, so that no other takes one before this has committed,
    and one that is rolled back leaves no gap. So it is called as late as can be, after all other locks.
    """
    if not count:
        return []
    pattern = series.pattern(today(tx))
    row = tx.one(
        "insert into number_series (id, kind, created, next)"
        " values (%(id)s, %(kind)s, %(now)s, %(count)s + 1)"
        " on conflict (tenant, id) do update set next = number_series.next + %(count)s returning next",
        id=pattern,
        kind=series.kind,
        now=tx.wall,
        count=count,
    )
    after = int(row["next"]) if row else 1 + count
    return [numbering.in_series(pattern, number) for number in range(after - count, after)]


def coming(tx: Tx, series: Series) -> str:
    """Return the number that the next document of a series gets, without taking it."""
    pattern = series.pattern(today(tx))
    found = tx.tuples("select next from number_series where id = %(id)s", id=pattern)
    return numbering.in_series(pattern, int(found[0][0]) if found else 1)


def still_to_come(tx: Tx, number: str) -> bool:
    """Return whether a series of the account will reach a number that a caller wants to give."""
    now = today(tx)
    coming = [
        series_of(tx, kind).pattern(now.replace(year=now.year + years, day=1))
        for kind in ("invoice", "credit_note")
        for years in (0, 1)
    ]
    begun = dict(tx.tuples("select id, next from number_series where id = any(%(ids)s)", ids=coming))
    places = [(pattern, numbering.place_in(pattern, number)) for pattern in coming]
    return any(place is not None and place >= begun.get(pattern, 1) for pattern, place in places)


def today(tx: Tx) -> datetime:
    """Return the time at the seller's, whose year is that of a number."""
    return tx.now.astimezone(ZoneInfo(seller_of(tx).time_zone))
