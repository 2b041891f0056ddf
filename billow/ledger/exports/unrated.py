"""Find what an export cannot convert, since a rate of exchange is missing: refuse it, or leave it out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from billow.core import exchange
from billow.ledger.exports import Books
from billow.ledger.exports.converted import Rates
from billow.ledger.vouchers import Voucher
from billow.store.tx import Tx

MOST_DAYS = 5
"""How many days without a rate a refusal names for a currency."""


def days(tx: Tx, home: str, end: datetime, zone: ZoneInfo, rates: Rates) -> dict[str, list[tuple[date, int]]]:
    """Return the days before an instant without a rate, with how many vouchers they have, by currency."""
    found = tx.tuples(
        "select currency, (created at time zone %(zone)s)::date as day, count(distinct (source, event))"
        " from ledger_transfers where currency <> %(home)s and created < %(end)s group by 1, 2 order by 1, 2",
        zone=zone.key,
        home=home,
        end=end,
    )
    lacking: dict[str, list[tuple[date, int]]] = {}
    for currency, day, count in found:
        if exchange.converted(1, currency, home, rates(day)) is None:
            lacking.setdefault(currency, []).append((day, count))
    return lacking


def refusal(lacking: Mapping[str, list[tuple[date, int]]], home: str) -> str:
    """Name each currency with its days without a rate, and what can be done."""
    parts = []
    for currency, found in lacking.items():
        named = ", ".join(f"{day}" for day, _ in found[:MOST_DAYS])
        more = f" and {len(found) - MOST_DAYS} more days" if len(found) > MOST_DAYS else ""
        parts.append(f"{currency.upper()} ({sum(count for _, count in found)} vouchers: {named}{more})")
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
