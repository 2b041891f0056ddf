"""Find what is still open in a month whose books are to be closed."""

from dataclasses import dataclass
from datetime import date, timedelta

from billow.core.books import periods
from billow.core.errors import require
from billow.flows.outside import books
from billow.flows.outside.seller import profile_of
from billow.ledger import browse
from billow.store.tx import Tx

BILLING = (
    "invoice.finalize",
    "revenue.recognize",
    "schedule.phase",
    "subscription.end",
    "subscription.pending_items",
    "subscription.renew",
)
"""The jobs whose postings belong to the month in which they are due."""
TRANSIT = ("clearing", "in_transit", "disputed", "unapplied_cash", "refunds_payable")
"""The accounts through which money passes: what is left on them has an explanation."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at before a month is closed; `open` counts what is not done of it."""

    key: str
    open: int
    about: str = ""


def checks(tx: Tx, month: str) -> list[Check]:
    """Return what is looked at, and what of it is open: jobs of billing, drafts, the bank queue, rates."""
    first = periods.month(month)
    after = periods.after(first)
    ends = periods.start_of(after, books.zone_of(tx))
    [(due, drafts, queued)] = tx.tuples(
        "select (select count(*) from jobs where tenant = %(tenant)s and clock = 'wall' and run_at < %(ends)s"
        " and kind = any(%(kinds)s)),"
        " (select count(*) from invoices where status = 'draft' and created < %(ends)s),"
        " (select count(*) from bank_entries where state = 'queued' and booked_on < %(after)s)",
        tenant=tx.tenant,
        ends=ends,
        kinds=list(BILLING),
        after=after.isoformat(),
    )
    without = currencies_without_rate(tx, first, after)
    return [
        Check("jobs", due),
        Check("drafts", drafts),
        Check("bank", queued),
        Check("rates", len(without), ", ".join(one.upper() for one in without)),
    ]


def currencies_without_rate(tx: Tx, first: date, after: date) -> list[str]:
    """Return the currencies that were posted in, and have no rate of the European Central Bank at the end.

    The bank's rates are those of one euro; where only the seller's own currency is used, none is needed.
    """
    zone, home = books.zone_of(tx), profile_of(tx).default_currency
    used = tx.tuples(
        "select distinct currency from ledger_transfers where created >= %(start)s and created < %(ends)s",
        start=periods.start_of(first, zone),
        ends=periods.start_of(after, zone),
    )
    foreign = {currency for (currency,) in used} - {home}
    if not foreign:
        return []
    known = tx.tuples(
        "select distinct currency from exchange_rates where valid_on < %(after)s and valid_on >= %(first)s",
        after=after,
        first=first,
    )
    return sorted((foreign | {home}) - {currency for (currency,) in known} - {"eur"})


def left_on(tx: Tx, month: str) -> list[browse.Sums]:
    """Return what is left at the end of a month on the accounts through which money passes."""
    ends = periods.start_of(periods.after(periods.month(month)), books.zone_of(tx))
    found = browse.by_kind(tx, ends - timedelta(microseconds=1))
    return [one for one in found if one.account in TRANSIT and one.balance]


def close(tx: Tx, month: str, *, hard: bool, anyway: bool) -> None:
    """Close a month by `books.close`, and refuse to while something is open, unless it is closed anyway."""
    left = [one for one in checks(tx, month) if one.open]
    require(anyway or not left, "Something is open in this month. Do it first, or close the month anyway.")
    books.close(tx, month, hard=hard)
