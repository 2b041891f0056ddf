"""Answer the questions of billow/reports, with what they read brought up to date first."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from billow import reports
from billow.core import recurring
from billow.core.recurring import KINDS, Month
from billow.flows.outside.seller import profile_of, seller_of
from billow.flows.reporting import recurring_revenue
from billow.flows.taxes import national
from billow.reports import Table
from billow.store.tx import Database, Tx

RECURRING = ("mrr", "mrr_movements", "mrr_customers", "churn", "retention", "cohorts", "arpa", "ltv")
"""The reports that read recurring revenue."""
ALL = "all, in"
"""How the rows begin that add up all currencies in the home currency."""
DAY = timedelta(days=1)


def bring_up_to_date(db: Database, tenant: str, name: str) -> None:
    """Read what the report needs of the events since the last time."""
    if name in RECURRING:
        recurring_revenue.catch_up(db, tenant)


def usual_end(tx: Tx) -> datetime:
    """Return until when a report tells where nothing is asked: now, or the furthest test clock of the mode.

    What happens on a test clock happens at its instant, which is counted too.
    """
    [(furthest,)] = tx.tuples("select max(frozen_time) from test_clocks")
    return max(tx.wall, furthest + timedelta(microseconds=1)) if furthest else tx.wall


def answer(tx: Tx, name: str, **params: Any) -> Table:
    """Run a report; monthly recurring revenue has rows in the home currency too, where there are others."""
    table = reports.run(tx, name, **params)
    return with_home_currency(tx, table, params["to"]) if name == "mrr" else table


def with_home_currency(tx: Tx, table: Table, until: datetime) -> Table:
    """Add the column `of`, and for each month all currencies in that of the account.

    A month without a rate at its start or end is left out.
    """
    home, zone = profile_of(tx).default_currency, ZoneInfo(seller_of(tx).time_zone)
    rows = [(month, "", *rest) for month, *rest in table.rows]
    months: dict[str, list[Month | None]] = {}
    if {row[1] for row in table.rows} - {home}:
        for month, currency, *amounts in table.rows:
            opening, closing = borders(month, until.astimezone(zone))
            one = Month(amounts[0], dict(zip(KINDS, amounts[1:6], strict=True)), 0, amounts[-1])
            converted = recurring.in_home(
                one, currency, home, national.rates_on(tx, opening), national.rates_on(tx, closing)
            )
            months.setdefault(month, []).append(converted)
    for month, found in sorted(months.items()):
        known = [one for one in found if one is not None]
        if len(known) == len(found):
            total = recurring.added(known)
            moved = [total.moved[kind] for kind in KINDS]
            rows.append(
                (month, f"{ALL} {(home or '').upper()}", home, total.start, *moved, total.fx, total.end)
            )
    return Table([table.columns[0], "of", *table.columns[1:]], rows)


def borders(month: str, until: datetime) -> tuple[date, date]:
    """Return the days whose closing rates a month opens and closes with, in the time zone of `until`.

    A month opens with the last rate of the month before, even where the interval begins within it, and closes
    with its own last one, or with the same as it opened where the interval ends within it.
    """
    first = date.fromisoformat(f"{month}-01")
    after = (first + timedelta(days=32)).replace(day=1)
    opening = first - DAY
    return opening, after - DAY if until.date() >= after else opening
