"""Show what needs somebody today, and how the month goes, by currency."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import flask

from billow import reports
from billow.pages.dashboard import charts, facts, layout, set_up_page
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.store.tx import Tx

ATTENTION: Sequence[tuple[str, str | None, str]] = (
    (
        "Payments that are not tried again",
        "/invoices?tab=failing",
        "select count(*) from invoices where status = 'open' and attempt_count > 0"
        " and next_payment_attempt is null and collection_method = 'charge_automatically'",
    ),
    (
        "Overdue invoices",
        "/invoices?tab=late",
        "select count(*) from invoices where status = 'open' and due_date < %(now)s",
    ),
    (
        "Drafts that could not be finalized",
        "/invoices?tab=draft",
        "select count(*) from invoices where status = 'draft' and last_finalization_error is not null",
    ),
    (
        "Subscriptions past due",
        "/subscriptions?tab=past_due",
        "select count(*) from subscriptions where status in ('past_due', 'unpaid')",
    ),
    (
        "Disputes that wait for an answer",
        None,
        "select count(*) from disputes where status in ('needs_response', 'warning_needs_response')",
    ),
    ("Transfers in the bank queue", "/bank", "select count(*) from bank_entries where state = 'queued'"),
    (
        "Jobs that were given up",
        "/runs",
        "select count(*) from jobs where parked and tenant = current_setting('billow.tenant')",
    ),
)
"""What needs somebody: in words, the screen that lists it if there is one, and how it is counted."""
RIGHTS = {"/bank": "bank.read"}
"""The rights of those screens that not everybody opens."""
MONTHS = 12


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "", "customers.read", shown)


def shown(visit: Visit) -> flask.Response:
    with visit.desk.db.snapshot(visit.tenant) as tx:
        place = facts.place_of(visit, tx)
        months = months_before(tx.wall, place.zone)
        figures = reports.run(tx, "home", **{"from": months[-1], "to": tx.wall})
        before = reports.run(tx, "home", **{"from": months[-2], "to": months[-2] + (tx.wall - months[-1])})
        values: dict[str, Any] = {
            "attention": attention(tx, visit),
            "tiles": tiles(figures.rows, {row[0]: row for row in before.rows}),
            "charts": revenue_charts(tx, months, place.zone),
            "checklist": set_up_page.checklist(visit, tx),
            "latest": facts.latest(tx, place),
            "as_of": layout.when(tx.wall, place.zone),
            "month": months[-1].astimezone(ZoneInfo(place.zone)).strftime("%B %Y"),
        }
    return layout.page(visit, "home.html", "Home", **values)


def months_before(now: datetime, zone: str) -> list[datetime]:
    """Return when the last twelve months began in a time zone, this one last."""
    local = now.astimezone(ZoneInfo(zone))
    found = []
    for back in reversed(range(MONTHS)):
        number = local.year * 12 + local.month - 1 - back
        begins = datetime(number // 12, number % 12 + 1, 1, tzinfo=ZoneInfo(zone))
        found.append(begins.astimezone(UTC))
    return found


def attention(tx: Tx, visit: Visit) -> list[dict[str, Any]]:
    """Count what needs somebody; what is nothing is left out."""
    found = []
    for text, path, sql in ATTENTION:
        [(number,)] = tx.tuples(sql, now=tx.wall)
        if number:
            path = path if visit.may(RIGHTS.get(path or "", "customers.read")) else None
            found.append({"text": text, "link": path and f"{visit.home}{path}", "number": f"{number:,}"})
    return found


def tiles(now: Sequence[Any], before: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the figures of each currency; none are added up over currencies."""
    found = []
    for currency, invoiced, earned, owed, overdue in now:
        past = before.get(currency)
        found.append(
            {
                "currency": currency.upper(),
                "figures": [
                    (
                        "Invoiced this month",
                        layout.amount(invoiced, currency),
                        compared(invoiced, past and past[1]),
                    ),
                    (
                        "Earned this month",
                        layout.amount(earned, currency),
                        compared(earned, past and past[2]),
                    ),
                    ("Receivables", layout.amount(owed, currency), overdue_text(overdue, currency)),
                ],
            }
        )
    return found


def compared(now: int, before: int | None) -> str:
    """Compare a figure with that of the same days of the month before."""
    if not before:
        return "nothing in the same days last month"
    change = 100 * (now - before) / abs(before)
    word = "up" if change > 0 else "down" if change < 0 else "no change"
    return f"{change:+.1f} %, {word} on the same days last month"


def overdue_text(overdue: int, currency: str) -> str:
    return f"of it overdue {layout.amount(overdue, currency).text}" if overdue else "nothing overdue"


def revenue_charts(tx: Tx, months: Sequence[datetime], zone: str) -> list[dict[str, Any]]:
    """Draw the revenue of the last months, one chart for each currency."""
    table = reports.run(tx, "revenue", **{"from": months[0], "to": tx.wall})
    by_currency: dict[str, dict[str, int]] = {}
    for month, _, currency, amount in table.rows:
        sums = by_currency.setdefault(currency, {})
        sums[month] = sums.get(month, 0) + amount
    names = [one.astimezone(ZoneInfo(zone)).strftime("%Y-%m") for one in months]
    found = []
    for currency, sums in sorted(by_currency.items()):
        values = [sums.get(name, 0) for name in names]
        cells = [
            [Cell(name), layout.amount(value, currency)] for name, value in zip(names, values, strict=True)
        ]
        found.append(
            {
                "title": f"Revenue by month, {currency.upper()}",
                "svg": charts.columns(
                    names,
                    [float(layout.in_main_unit(value, currency)) for value in values],
                    f"Revenue earned in each of the last {MONTHS} months in {currency.upper()}",
                ),
                "rows": cells,
            }
        )
    return found
