"""Show the reports on the books, each with its question, its dates and its table; the same rows as CSV."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import flask

from billow import reports
from billow.api import rows
from billow.api.resource import Resource
from billow.core.books.periods import end_of, start_of
from billow.core.errors import Refused, require
from billow.core.recurring import KINDS
from billow.flows.reporting import answers
from billow.pages import frame
from billow.pages.dashboard import facts, layout, ledger_names, report_charts, report_parts
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column
from billow.pages.dashboard.visit import Desk, Visit, not_for, screen
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.product import Product
from billow.store.turns import JOB, REQUEST, Bounds
from billow.store.tx import Tx

TITLES = {
    "aging": "Receivables by age",
    "arpa": "Average revenue per account",
    "bank": "Books and bank",
    "cash": "Cash",
    "churn": "Churn",
    "cohorts": "Cohorts",
    "collections": "Collections",
    "customer_credit": "Credit of customers",
    "deferred": "Deferred revenue",
    "deferred_ahead": "Deferred revenue by coming month",
    "deferred_by_month": "Deferred revenue by month",
    "dso": "Days sales outstanding",
    "ec_sales": "EC sales list",
    "gateways": "Gateways",
    "journal": "Journal",
    "late": "Late postings",
    "ltv": "Lifetime value",
    "margin": "Usage and gross margin by product",
    "mrr": "Monthly recurring revenue",
    "mrr_customers": "Recurring revenue by customer",
    "mrr_movements": "Movements of recurring revenue",
    "net_revenue": "Net revenue",
    "oss": "One-stop shop",
    "recovery": "Recovered payments",
    "retention": "Revenue retention (NRR and GRR)",
    "revenue": "Revenue",
    "rpo": "Remaining performance obligations",
    "trial_balance": "Trial balance",
    "unbilled": "Unbilled revenue",
    "vat": "VAT",
    "written_off": "Written off",
}
"""The reports with a screen, by title."""
GROUPS: Mapping[str, Sequence[str]] = {
    "Recurring revenue": (
        *("mrr", "mrr_movements", "mrr_customers", "churn", "retention", "cohorts", "arpa", "ltv"),
    ),
    "Revenue": (
        *("revenue", "net_revenue", "margin", "deferred", "deferred_by_month", "deferred_ahead", "unbilled"),
        "rpo",
    ),
    "Receivables and cash": (
        *("aging", "collections", "dso", "recovery", "written_off", "customer_credit", "cash", "gateways"),
        "bank",
    ),
    "Tax": ("vat", "oss", "ec_sales"),
    "Books": ("trial_balance", "journal", "late"),
}
"""The reports by what they are about, in the order in which they are listed."""
RIGHTS = {"journal": "ledger.read", "late": "ledger.read", "trial_balance": "ledger.read"}
"""The rights of those reports that are the ledger itself."""
FILTERS = ("kind", "currency")
"""The columns by which the rows of a report are filtered."""
NAMES: Mapping[str, tuple[type[Resource], Callable[[Any], str | None]]] = {
    "customer": (Customer, lambda one: one.name or one.email),
    "invoice": (Invoice, lambda one: one.number),
    "product": (Product, lambda one: one.name),
}
"""The nouns that columns name by id, and how one of each is called."""
ACCOUNTS = ("account", "debit", "credit")
"""The columns that name accounts of the ledger, where they are no amounts."""
MOST = 200
"""How many rows a page of a report shows; the file has all of them."""
MOST_PAGES = 10_000
LONG = ("journal",)
"""Reports with millions of rows: a screen reads no more than it shows, and sums would say nothing."""


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/reports", "reports.read", listed)
    screen(app, desk, "/reports/<name>", "reports.read", shown)
    screen(app, desk, "/reports/<name>.csv", "exports.read", exported)


def listed(visit: Visit) -> flask.Response:
    known = reports.reports()
    groups = [
        (
            group,
            [
                {
                    "title": TITLES[name],
                    "link": visit.to(f"/reports/{name}"),
                    "question": known[name].question,
                }
                for name in names
                if visit.may(RIGHTS.get(name, "reports.read"))
            ],
        )
        for group, names in GROUPS.items()
    ]
    return layout.page(visit, "reports.html", "Reports", sections=[one for one in groups if one[1]])


def instants(tx: Tx, args: Mapping[str, str], wanted: tuple[str, ...], zone: str) -> dict[str, date]:
    """Return the days that were asked for: this year so far, and for a point in time today."""
    today, last = (at.astimezone(ZoneInfo(zone)).date() for at in (tx.wall, answers.usual_end(tx)))
    usual = {"from": today.replace(month=1, day=1), "to": last, "at": today}
    found = {}
    for name in wanted:
        try:
            found[name] = date.fromisoformat(args[name]) if args.get(name) else usual[name]
        except ValueError:
            raise Refused(f"{args[name]} is no day; write it as {today.isoformat()}.") from None
    return found


def midnight(day: date, name: str, zone: str) -> datetime:
    """Return the instant that stands for a day in a time zone: its beginning, or its end for the last one."""
    try:
        at = end_of(day, ZoneInfo(zone)) if name in ("to", "at") else start_of(day, ZoneInfo(zone))
        return at.astimezone(UTC)
    except OverflowError:
        raise Refused("There is no such day.") from None


@dataclass(frozen=True, slots=True)
class Answered:
    """A report that was run: its rows, the days and filters that were asked for, and the names of ids."""

    report: reports.Report
    table: reports.Table
    days: dict[str, date]
    filters: dict[str, str]
    zone: str
    names: Mapping[str, str]
    ran_at: datetime


def asked(visit: Visit, name: str, bounds: Bounds = REQUEST) -> Answered:
    require(name in TITLES, f"There is no report {name}.")
    report, args = reports.reports()[name], flask.request.args
    answers.bring_up_to_date(visit.desk.db, visit.tenant, name)
    with visit.reads(bounds) as tx:
        zone = facts.place_of(visit, tx).zone
        days = instants(tx, args, report.params, zone)
        wanted = {each: midnight(day, each, zone) for each, day in days.items()}
        if name in LONG and bounds is REQUEST:
            table = reports.run(tx, name, (page_of(args) + 1) * MOST + 1, **wanted)
        else:
            table = answers.answer(tx, name, **wanted)
        filters = {each: args[each] for each in FILTERS if each in table.columns and args.get(each)}
        places = {each: list(table.columns).index(each) for each in filters}
        kept = [row for row in table.rows if all(row[places[each]] == text for each, text in filters.items())]
        table = reports.Table(table.columns, kept)
        return Answered(report, table, days, filters, zone, names_of(tx, name, table), tx.wall)


def page_of(args: Mapping[str, str]) -> int:
    """Return which page of the rows is asked for, counted from none."""
    text = args.get("page", "")
    return int(text) - 1 if text.isdecimal() and 0 < int(text) < MOST_PAGES else 0


def names_of(tx: Tx, name: str, table: reports.Table) -> dict[str, str]:
    """Return the names of the customers, products and invoices that the rows and the chart name by id."""
    found: dict[str, str] = {}
    for column, (noun, called) in NAMES.items():
        if column in table.columns:
            place = list(table.columns).index(column)
            first = page_of(flask.request.args) * MOST
            ids = {str(row[place]) for row in table.rows[first : first + MOST] if row[place]}
            ids |= report_charts.customers(name, table) if column == "customer" else set()
            found.update({id: called(one) or id for id, one in rows.find_many(tx, noun, ids).items()})
    return found | accounts_of(tx, table)


def accounts_of(tx: Tx, table: reports.Table) -> dict[str, str]:
    """Return the names of the ledger's accounts that the rows of the page name, with whose they are."""
    places = [place for place, column in enumerate(table.columns) if column in ACCOUNTS]
    first = page_of(flask.request.args) * MOST
    texts = (row[place] for row in table.rows[first : first + MOST] for place in places)
    keys = {one for one in texts if isinstance(one, str)}
    names = ledger_names.load(tx, keys, ()) if keys else None
    return {key: ": ".join(filter(None, ledger_names.account(names, key))) for key in keys} if names else {}


def shown(visit: Visit, name: str) -> flask.Response:
    if not visit.may(RIGHTS.get(name, "reports.read")):
        return not_for(RIGHTS[name], visit.mode)
    found = without_names(asked(visit, name))
    table, amounts = found.table, amounts_of(found.table)
    columns = [Column(report_parts.title_of(one), one in amounts) for one in table.columns]
    page, size = page_of(flask.request.args), len(table.rows)
    first, after = page * MOST, min((page + 1) * MOST, size)
    lines = [line(visit, name, found, row, amounts) for row in table.rows[first:after]]
    last = [] if name in LONG else report_parts.foot(table, amounts)
    if name == "cohorts":
        titles, lines = report_parts.heat(table)
        columns, last, after, size = [Column(one) for one in titles], [], 0, 0
    texts = {one: day.isoformat() for one, day in found.days.items()} | found.filters
    return layout.page(
        visit,
        "report.html",
        TITLES[name],
        question=found.report.question,
        definition=found.report.definition,
        charts=report_charts.drawn(name, TITLES[name], found.table, found.names, found.zone),
        columns=columns,
        lines=lines,
        foot=last,
        rows_text=rows_text(first, after, size, name in LONG),
        sooner=visit.to(f"/reports/{name}", **texts, page=str(page)) if page and size else None,
        later=visit.to(f"/reports/{name}", **texts, page=str(page + 2)) if after < size else None,
        days={one: day.isoformat() for one, day in found.days.items()},
        filters=found.filters,
        kinds=KINDS if name == "mrr_movements" else (),
        zone=found.zone,
        ran_at=layout.when(found.ran_at, found.zone),
        here=visit.to(f"/reports/{name}"),
        export=visit.to(f"/reports/{name}.csv", **texts) if visit.may("exports.read") else None,
    )


def rows_text(first: int, after: int, size: int, long: bool) -> str:
    """Say which rows a page shows, where there are others."""
    if not first and after >= size:
        return ""
    return f"Rows {first + 1:,} to {after:,}" + ("" if long else f" of {size:,}")


def without_names(found: Answered) -> Answered:
    """Leave out names and numbers where customers and invoices are shown by them anyway."""
    columns = set(found.table.columns)
    shown_twice = {
        name for id, name in (("customer", "name"), ("invoice", "number")) if {id, name} <= columns
    }
    kept = [place for place, column in enumerate(found.table.columns) if column not in shown_twice]
    lines = [[row[place] for place in kept] for row in found.table.rows]
    return replace(found, table=reports.Table([found.table.columns[place] for place in kept], lines))


def line(visit: Visit, name: str, found: Answered, row: Sequence[Any], amounts: set[str]) -> list[Cell]:
    """Return the cells of a row; a figure of recurring revenue leads to the customers behind it."""
    values = dict(zip(found.table.columns, row, strict=True))
    cells = []
    for column, value in values.items():
        one = cell(visit, value, column, values["currency"] if column in amounts else None, found)
        behind = report_parts.leads_to(visit, name, values, column, found.days) if column in amounts else None
        cells.append(replace(one, link=behind) if behind else one)
    return cells


def amounts_of(table: reports.Table) -> set[str]:
    """Return the columns with amounts: the integers of a report that has a currency."""
    if "currency" not in table.columns:
        return set()
    return {
        name
        for number, name in enumerate(table.columns)
        if any(isinstance(row[number], int) for row in table.rows)
    }


def cell(visit: Visit, value: Any, column: str, currency: str | None, found: Answered) -> Cell:
    """Return a value of a report: an amount, an instant, a link to what it names, or text."""
    if value is None:
        return NOTHING
    if currency and isinstance(value, int):
        return layout.amount(value, currency)
    if isinstance(value, datetime):
        return layout.day(value, found.zone)
    text = ledger_names.happened(value) if column == "event" else found.names.get(str(value)) or str(value)
    if column in ("customer", "invoice"):
        return Cell(text, link=visit.to(f"/{column}s/{value}"))
    return Cell(text)


def exported(visit: Visit, name: str) -> flask.Response:
    if not visit.may(RIGHTS.get(name, "reports.read")):
        return not_for(RIGHTS.get(name, "reports.read"), visit.mode)
    table = asked(visit, name, JOB).table
    with visit.desk.db.transaction(visit.tenant) as tx:
        visit.note(tx, "exports.read", f"reports/{name}")
    headers = {**frame.HEADERS, "Content-Disposition": f'attachment; filename="{name}.csv"'}
    return flask.Response(reports.csv(table), mimetype="text/csv", headers=headers)
