"""Show the transfers behind a figure of a report, with their documents; they add up to the figure."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import flask

from billow.core.errors import Refused, require
from billow.pages.dashboard import facts, layout, ledger_names, reports_page
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.ledger_names import Names
from billow.pages.dashboard.lists import Column, Place
from billow.pages.dashboard.visit import Desk, Visit, not_for, screen
from billow.reports import behind
from billow.reports.behind import Behind

ON_A_PAGE = 100
DAYS = ("from", "to")
COLUMNS = (
    Column("What"),
    Column("Booked"),
    Column("Document"),
    Column("Customer"),
    Column("Other account"),
    Column("Amount", True),
)


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/reports/<name>/behind", "reports.read", shown)


def shown(visit: Visit, name: str) -> flask.Response:
    if not visit.may(reports_page.RIGHTS.get(name, "reports.read")):
        return not_for(reports_page.RIGHTS[name], visit.mode)
    args = flask.request.args
    figure = args.get("figure", "")
    require(figure in behind.FIGURES.get(name, ()), f"There is nothing to list behind {figure} of {name}.")
    of = {one: args.get(one, "").replace("\x00", "") for one in behind.of(name)}
    page = reports_page.page_of(args)
    with visit.reads() as tx:
        place = facts.place_of(visit, tx)
        first, last = days_of(name, args)
        days = (
            reports_page.midnight(first, "from", place.zone),
            reports_page.midnight(last, "to", place.zone),
        )
        found = behind.transfers(tx, name, figure, of, days, (page * ON_A_PAGE, ON_A_PAGE))
        accounts = {one.account for one in found} | {f"revenue:{of.get('product', '')}"}
        names = ledger_names.load(tx, accounts, [id for one in found for id in (one.source, one.invoice)])
    size = found[0].rows if found else 0
    asked = ("figure", "month", *of, *DAYS)
    kept = {**{one: args[one] for one in asked if args.get(one)}, "page": str(page + 2)}
    return layout.page(
        visit,
        "report_behind.html",
        f"{reports_page.TITLES[name]}: {figure.replace('_', ' ')}",
        report=reports_page.TITLES[name],
        back=visit.to(f"/reports/{name}", **{one: args[one] for one in DAYS}),
        about=told(of, names, first, last),
        columns=COLUMNS,
        lines=[line(place, names, one, of["currency"]) for one in found],
        foot=[total(found[0], of["currency"])] if found else [],
        rows_text=reports_page.rows_text(page * ON_A_PAGE, page * ON_A_PAGE + len(found), size, long=False),
        later=visit.to(f"/reports/{name}/behind", **kept) if (page + 1) * ON_A_PAGE < size else None,
    )


def days_of(name: str, args: Mapping[str, str]) -> tuple[date, date]:
    """Return the first and the last day of a figure: those of its month, as far as the report reaches."""
    try:
        first, last = date.fromisoformat(args["from"]), date.fromisoformat(args["to"])
        if not args.get("month"):
            return first, last
        begun = date.fromisoformat(f"{args['month']}-01")
        ended = (begun + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    except (KeyError, ValueError, OverflowError):
        raise Refused("There is no such month or day.") from None
    return max(begun, first) if name in behind.CUT else begun, min(ended, last)


def told(of: Mapping[str, str], names: Names, first: date, last: date) -> str:
    """Say which figure it is: of which product or gateway, in which days and currency."""
    whose = of.get("product") or of.get("gateway")
    start = f"{names.texts.get(whose, whose)}, " if whose else ""
    return f"{start}{first.isoformat()} to {last.isoformat()}, {of['currency'].upper()}, the oldest first."


def line(place: Place, names: Names, one: Behind, currency: str) -> list[Cell]:
    visit = place.visit
    entry = visit.to(f"/ledger/entries/{one.entry}") if visit.may("ledger.read") else None
    account = ledger_names.account_cell(place, names, one.account, currency)
    whose = one.name or one.customer
    return [
        Cell(ledger_names.happened(one.event), link=entry),
        layout.day(one.at, place.zone),
        ledger_names.document(place, names, one.source, one.invoice),
        Cell(whose, link=visit.to(f"/customers/{one.customer}")) if whose else NOTHING,
        account if entry else Cell(account.text, below=account.below),
        layout.amount(one.amount, currency),
    ]


def total(first: Behind, currency: str) -> list[Cell]:
    rest: list[Any] = [Cell("")] * (len(COLUMNS) - 2)
    return [Cell("All of them"), *rest, layout.amount(first.total, currency)]
