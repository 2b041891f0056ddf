"""Find what an export cannot convert, since a rate of exchange is missing: refuse it, or leave it out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from billow.core import exchange
from billow.core.books import periods
from billow.core.books.carried import MONETARY
from billow.core.exchange import Rate
from billow.ledger.exports import Books, end_of_month
from billow.ledger.exports.converted import Rates
from billow.ledger.vouchers import Voucher
from billow.store.tx import Tx

MOST_DAYS = 5
"""How many days without a rate a refusal names for a currency."""


@dataclass(slots=True)
class Lacking:
    """The days without a rate of a currency: of vouchers, and ends of months at which some of it is open."""

    days: list[date] = field(default_factory=list)
    vouchers: int = 0
    ends: list[date] = field(default_factory=list)

    def __str__(self) -> str:
        said = [f"{self.vouchers} vouchers: {named(self.days)}"] if self.days else []
        return "; ".join([*said, *([f"open at {named(self.ends)}"] if self.ends else [])])


def named(found: Sequence[date]) -> str:
    more = f" and {len(found) - MOST_DAYS} more days" if len(found) > MOST_DAYS else ""
    return ", ".join(f"{day}" for day in found[:MOST_DAYS]) + more


def lacking(tx: Tx, made: Books, zone: ZoneInfo, rates: Rates) -> dict[str, Lacking]:
    """Return what lacks rates up to the last day of these books, by currency.

    Where what is owed in other currencies is valued anew, that is each month's end at which some is.
    """
    known: dict[str, Lacking] = {}
    first: dict[str, date] = {}
    for currency, day, count in tx.tuples(
        "select currency, (created at time zone %(zone)s)::date as day, count(distinct (source, event))"
        " from ledger_transfers where currency <> %(home)s and created < %(end)s group by 1, 2 order by 1, 2",
        zone=zone.key,
        home=made.currency,
        end=periods.end_of(made.until, zone),
    ):
        first.setdefault(currency, day)
        if not has_rate(currency, made.currency, rates(day)):
            found = known.setdefault(currency, Lacking())
            found.days.append(day)
            found.vouchers += count
    for currency, day in first.items() if made.revalues else ():
        ends = [
            one
            for one in month_ends(day, made.until)
            if not has_rate(currency, made.currency, rates(one)) and is_open(tx, currency, one, zone)
        ]
        if ends:
            known.setdefault(currency, Lacking()).ends += ends
    return dict(sorted(known.items()))


def has_rate(currency: str, home: str, rates: Mapping[str, Rate]) -> bool:
    return exchange.converted(1, currency, home, rates) is not None


def month_ends(day: date, until: date) -> Iterator[date]:
    """Return the ends of months from that of a day up to another day."""
    end = end_of_month(day)
    while end <= until:
        yield end
        end = end_of_month(end + timedelta(days=1))


def is_open(tx: Tx, currency: str, day: date, zone: ZoneInfo) -> bool:
    """Tell whether an account that is valued anew has a balance in a currency at the end of a day."""
    found = tx.tuples(
        "select from (select debit as account, amount from ledger_transfers"
        " where currency = %(currency)s and created < %(end)s"
        " union all select credit, -amount from ledger_transfers"
        " where currency = %(currency)s and created < %(end)s) moved"
        " where split_part(account, ':', 1) = any(%(kinds)s)"
        " group by account having sum(amount) <> 0 limit 1",
        currency=currency,
        end=periods.end_of(day, zone),
        kinds=sorted(MONETARY),
    )
    return bool(found)


def refusal(found: Mapping[str, Lacking], home: str) -> str:
    """Name each currency with its days without a rate, and what can be done."""
    parts = [f"{currency.upper()} ({one})" for currency, one in found.items()]
    return (
        f"There is no exchange rate in {home.upper()} for {'; '.join(parts)}. Load the rates with"
        " `billow rates load`, export a currency on its own with --currency, or leave out what is in these"
        " currencies with --leave-out-unrated, which lists it."
    )


def without(found: Iterable[Voucher], currencies: Iterable[str], made: Books) -> Iterator[Voucher]:
    """Leave out what is in some currencies, all of it.

    Without its invoice a payment would stand alone on the account of the customer, so that also days that
    have a rate are left out. Each currency of the ledger adds up by itself.
    """
    unwanted = {*currencies}
    for voucher in found:
        legs = [leg for leg in voucher.legs if leg.currency not in unwanted]
        if len(legs) < len(voucher.legs) and made.since <= voucher.booked <= made.until:
            made.left_out.append(voucher)
        if legs:
            yield replace(voucher, legs=legs)
