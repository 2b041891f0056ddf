"""Know how an account keeps its books, and put together what an export of them writes."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from billow.core.books import periods
from billow.core.books.chart import Chart, renumbered
from billow.core.errors import Refused, require
from billow.flows.outside.seller import profile_of, seller_of, store
from billow.ledger import charts, voucher_numbers
from billow.ledger import periods as closing
from billow.ledger.exports import Books, Company, unrated
from billow.ledger.exports.converted import Rates
from billow.ledger.vouchers import vouchers
from billow.providers.documents import wording
from billow.store.tx import Tx

USED = (
    "select key from unnest(%(keys)s::text[]) as key where exists (select from ledger_transfers"
    " where (debit = key or debit ^@ (key || ':')) and created < %(until)s)"
    " or exists (select from ledger_transfers where (credit = key or credit ^@ (key || ':'))"
    " and created < %(until)s)"
)
"""Which accounts, or kinds of them, something was booked on before an instant."""
MOST_CHANGED = 5
"""How many changed numbers a refusal names."""


def chart_of(tx: Tx) -> Chart:
    """Return the account's chart of accounts: its own, or else that of its country."""
    known = profile_of(tx)
    own = known.books.get("chart")
    return charts.kept(own) if own else charts.of_country(known.country)


def require_same_numbers(tx: Tx, chart: Chart) -> None:
    """Refuse a chart that gives accounts other numbers that something is booked on in closed months."""
    known = closing.closed(tx)
    until = max((one for one in (known.soft, known.hard) if one), default=None)
    others = renumbered(chart_of(tx), chart) if until else {}
    used = {key for (key,) in tx.tuples(USED, keys=sorted(others), until=until)} if others else set()
    changed = sorted({one for key in used for one in others[key]})
    if until and changed:
        last = until.astimezone(zone_of(tx)).date() - timedelta(days=1)
        more = f" and {len(changed) - MOST_CHANGED} more" if len(changed) > MOST_CHANGED else ""
        raise Refused(
            f"Months are closed up to {last}, and exports of them would have other numbers:"
            f" {', '.join(changed[:MOST_CHANGED])}{more}. Change what nothing is booked on"
            " there, or renumber with --renumber and export those months again."
        )


def set_books(tx: Tx, **changes: Any) -> None:
    """Set how the books are kept: chart (CSV), first_month, consultant, client, revalues."""
    store(tx, tx.account, books={**profile_of(tx).books, **changes})


def zone_of(tx: Tx) -> ZoneInfo:
    """Return the time zone in which days and periods of the books begin."""
    return ZoneInfo(seller_of(tx).time_zone)


def today(tx: Tx) -> date:
    return tx.wall.astimezone(zone_of(tx)).date()


def span(tx: Tx, since: str, until: str) -> tuple[datetime, datetime]:
    """Read from when to when is asked: days and months of the account, the last one included, or times."""
    return periods.span(since, until, zone_of(tx))


def first_month(tx: Tx) -> int:
    """Return the month in which the fiscal year begins."""
    return int(profile_of(tx).books.get("first_month") or 1)


def books_of(
    tx: Tx,
    since: date,
    until: date,
    currency: str = "",
    rates: Rates | None = None,
    *,
    leaves_out: bool = False,
) -> Books:
    """Read the books from a day to another one, both included, in the account's time zone.

    They are the vouchers that have a number; `number_vouchers` gives them those.

    With the `rates` of each day, other currencies are converted into that of the books; where the account
    wants it, what is owed in them is valued anew at each month's end. Refused where a rate is missing, unless
    what is in that currency is to be left out.
    """
    known, zone, seller = profile_of(tx), zone_of(tx), seller_of(tx)
    own = known.books
    made = Books(
        Company(
            seller.name,
            seller.company_number,
            known.country,
            own.get("consultant") or "",
            own.get("client") or "",
            language(seller.language, known.country),
        ),
        chart_of(tx),
        since,
        until,
        periods.fiscal_year(since, first_month(tx)),
        tx.wall.astimezone(zone),
        currency or known.default_currency,
        revalues=bool(own.get("revalues")),
    )
    end = periods.end_of(until, zone)
    found = vouchers(tx, None, end, zone, known.country)
    if rates:
        lacking = unrated.lacking(tx, made, zone, rates)
        require(leaves_out or not lacking, unrated.refusal(lacking, made.currency))
        found = unrated.without(found, lacking, made)
    made.fill(found, rates)
    return made


def language(named: str, country: str) -> str:
    """Return the language in which bookings say what they are: the seller's, or else its country's."""
    return wording.primary(wording.spoken([one for one in (named, wording.OF_COUNTRIES.get(country)) if one]))


def number_vouchers(tx: Tx, until: date) -> None:
    """Give what was booked up to a day, included, the numbers of its vouchers; those stay for ever."""
    zone = zone_of(tx)
    voucher_numbers.give(tx, periods.start_of(until + timedelta(days=1), zone), zone, first_month(tx))


def numbers_used(tx: Tx) -> dict[str, set[str]]:
    """Return the numbers of the chart that each account of the ledger has, as exports have them."""
    chart, [(last,)] = chart_of(tx), tx.tuples("select max(created) from ledger_transfers")
    used: dict[str, set[str]] = {}
    end = last + timedelta(seconds=1) if last else tx.wall
    for voucher in vouchers(tx, None, end, zone_of(tx), profile_of(tx).country):
        for leg in voucher.legs:
            row = chart.row(leg.account, leg.treated, leg.currency)
            used.setdefault(leg.account, set()).add(row.number)
    return used


def require_a_new_year(tx: Tx, month: int) -> None:
    """Refuse another first month of the fiscal year while its vouchers have numbers of the year before."""
    if month != first_month(tx):
        voucher_numbers.require_a_new_year(tx, today(tx), month)


# ------------------------------------------------------------------------------------- periods


def close(tx: Tx, month: str, *, hard: bool) -> None:
    """Close a month in the account's time zone: what comes late is booked in the next one.

    Its vouchers and those before it get their numbers.
    """
    following = periods.after(periods.month(month))
    closing.close(tx, month, periods.start_of(following, zone_of(tx)), hard=hard)
    number_vouchers(tx, following - timedelta(days=1))


def reopen(tx: Tx, month: str) -> None:
    """Open a softly closed month again, and those after it."""
    first = periods.month(month)
    before = f"{first - timedelta(days=1):%Y-%m}"
    closing.reopen(tx, month, periods.start_of(first, zone_of(tx)), before)


def periods_of(tx: Tx) -> list[tuple[str, date, date, str]]:
    """List the months of the books with their first and last day, and whether they are open."""
    zone, known = zone_of(tx), closing.closed(tx)
    booked = closing.first_booked(tx)
    if not booked:
        return []
    first, last = (at.astimezone(zone).date() for at in booked)
    found, day = [], first.replace(day=1)
    while day <= max(last, today(tx)):
        following = periods.after(day)
        ends = periods.start_of(following, zone)
        state = "closed" if known.hard and ends <= known.hard else "open"
        if state == "open" and known.soft and ends <= known.soft:
            state = "closed softly"
        found.append((f"{day:%Y-%m}", day, following - timedelta(days=1), state))
        day = following
    return found
