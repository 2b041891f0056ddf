"""Show the reports on the books, each with its question, its dates and its table; the same rows as CSV."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import flask

from billow import reports
from billow.core.errors import Refused, require
from billow.pages import frame
from billow.pages.dashboard import facts, layout
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column
from billow.pages.dashboard.visit import Desk, Visit, screen

TITLES = {
    "aging": "Receivables by age",
    "deferred": "Deferred revenue",
    "deferred_ahead": "Deferred revenue by coming month",
    "ec_sales": "EC sales list",
    "oss": "One-stop shop",
    "recovery": "Recovered payments",
    "revenue": "Revenue",
    "trial_balance": "Trial balance",
    "vat": "VAT",
}
"""The reports with a screen, by title."""
MOST = 2000
"""How many rows a screen shows; the file has all of them."""


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/reports", "reports.read", listed)
    screen(app, desk, "/reports/<name>", "reports.read", shown)
    screen(app, desk, "/reports/<name>.csv", "exports.read", exported)


def listed(visit: Visit) -> flask.Response:
    known = reports.reports()
    found = [
        {"title": title, "link": visit.to(f"/reports/{name}"), "question": known[name].question}
        for name, title in sorted(TITLES.items(), key=lambda one: one[1])
    ]
    return layout.page(visit, "reports.html", "Reports", reports=found)


def instants(args: Mapping[str, str], wanted: tuple[str, ...], now: datetime, zone: str) -> dict[str, date]:
    """Return the days that were asked for: this year so far, and for a point in time today."""
    today = now.astimezone(ZoneInfo(zone)).date()
    usual = {"from": today.replace(month=1, day=1), "to": today, "at": today}
    found = {}
    for name in wanted:
        try:
            found[name] = date.fromisoformat(args[name]) if args.get(name) else usual[name]
        except ValueError:
            raise Refused(f"{args[name]} is no day; write it as {today.isoformat()}.") from None
    return found


def midnight(day: date, name: str, zone: str) -> datetime:
    """Return the instant that stands for a day in a time zone: its beginning, or its end for the last one."""
    ends = day + timedelta(days=1) if name in ("to", "at") else day
    return datetime(ends.year, ends.month, ends.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def asked(visit: Visit, name: str) -> tuple[reports.Report, reports.Table, dict[str, date], str]:
    require(name in TITLES, f"There is no report {name}.")
    report = reports.reports()[name]
    with visit.desk.db.snapshot(visit.tenant) as tx:
        zone = facts.place_of(visit, tx).zone
        days = instants(flask.request.args, report.params, tx.wall, zone)
        table = reports.run(tx, name, **{each: midnight(day, each, zone) for each, day in days.items()})
    return report, table, days, zone


def shown(visit: Visit, name: str) -> flask.Response:
    report, table, days, zone = asked(visit, name)
    amounts = amounts_of(table)
    place = list(table.columns).index("currency") if amounts else 0
    columns = [Column(one.replace("_", " ").capitalize(), one in amounts) for one in table.columns]
    lines = [
        [
            cell(visit, value, name, row[place] if name in amounts else None, zone)
            for name, value in zip(table.columns, row, strict=True)
        ]
        for row in table.rows[:MOST]
    ]
    texts = {one: day.isoformat() for one, day in days.items()}
    return layout.page(
        visit,
        "report.html",
        TITLES[name],
        question=report.question,
        columns=columns,
        lines=lines,
        left=max(0, len(table.rows) - MOST),
        days=texts,
        zone=zone,
        here=visit.to(f"/reports/{name}"),
        export=visit.to(f"/reports/{name}.csv", **texts) if visit.may("exports.read") else None,
    )


def amounts_of(table: reports.Table) -> set[str]:
    """Return the columns with amounts: the integers of a report that has a currency."""
    if "currency" not in table.columns:
        return set()
    return {
        name
        for number, name in enumerate(table.columns)
        if any(isinstance(row[number], int) for row in table.rows)
    }


def cell(visit: Visit, value: Any, column: str, currency: str | None, zone: str) -> Cell:
    """Return a value of a report: an amount, an instant, a link to what it names, or text."""
    if value is None:
        return NOTHING
    if currency and isinstance(value, int):
        return layout.amount(value, currency)
    if isinstance(value, datetime):
        return layout.day(value, zone)
    if column in ("customer", "invoice"):
        return Cell(str(value), link=visit.to(f"/{column}s/{value}"))
    return Cell(str(value))


def exported(visit: Visit, name: str) -> flask.Response:
    _, table, _, _ = asked(visit, name)
    with visit.desk.db.transaction(visit.tenant) as tx:
        visit.note(tx, "exports.read", f"reports/{name}")
    headers = {**frame.HEADERS, "Content-Disposition": f'attachment; filename="{name}.csv"'}
    return flask.Response(reports.csv(table), mimetype="text/csv", headers=headers)
