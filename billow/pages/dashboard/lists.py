"""Show the objects of one kind as a list: tabs, search, pages by key, and the same rows as CSV."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import flask

from billow import reports
from billow.api import listing
from billow.api.resource import Resource, Where
from billow.flows.operators import views
from billow.flows.outside.seller import seller_of
from billow.pages import frame
from billow.pages.dashboard import layout, list_filters
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.store.turns import JOB
from billow.store.tx import Tx

MOST_COUNTED = 10_000
ON_A_PAGE, IN_A_PART = 50, 100
CURSORS = ("starting_after", "ending_before")
PATHS: dict[str, str] = {}
"""The lists that there are: their titles by their paths."""
KEPT = ("tab", "q", *list_filters.NAMES, "customer", "subscription", "product")
"""What a saved view keeps of an address."""


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    amount: bool = False


@dataclass(frozen=True, slots=True)
class Tab:
    """A part of the list: its name in the address, its title and its condition."""

    key: str
    title: str
    where: str = "true"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is shown: by whose visit, in which time zone."""

    visit: Visit
    zone: str


Row = Callable[[Place, Any, Any], list[Cell]]
"""Returns the cells of a row; what was loaded for all rows of the page comes second."""


@dataclass(frozen=True, slots=True)
class List:
    """What a list shows of a noun. `found` is the condition of a search for %(text)s or %(like)s."""

    noun: type[Resource]
    path: str
    title: str
    one: str
    about: str
    columns: Sequence[Column]
    row: Row
    load: Callable[[Tx, Sequence[Any]], Any]
    tabs: Sequence[Tab] = ()
    found: str | None = None
    narrowed: tuple[str, ...] = ("customer",)
    """Columns by which the address can narrow the list."""
    right: str = "customers.read"
    new: tuple[str, str, str] | None = None
    """The screen that makes another one: its path, the words of its link, and the right that it needs."""
    parts: Sequence[tuple[str, str]] = ()
    """The screens that the list is one of, each with its path and its title."""


def add(app: flask.Flask, desk: Desk, wanted: List) -> None:
    """Add a list, and its export."""
    PATHS[wanted.path] = wanted.title
    screen(app, desk, wanted.path, wanted.right, lambda visit: shown(visit, wanted))
    rights = " ".join(dict.fromkeys(("exports.read", wanted.right)))
    screen(app, desk, f"{wanted.path}.csv", rights, lambda visit: exported(visit, wanted))


def where_of(wanted: List, args: Mapping[str, str], now: datetime, zone: str) -> Where:
    """Return the condition that an address says: its tab, its search and what narrows it."""
    where = Where(now=now)
    given = list_filters.read(args, wanted.noun.columns, zone)
    for sql, name in (
        ("currency = %(currency)s", "currency"),
        ("created >= %(since)s", "since"),
        ("created < %(until)s", "until"),
    ):
        if given[name] is not None:
            where = where.also(sql, **{name: given[name]})
    tab = next((one for one in wanted.tabs if one.key == args.get("tab")), None)
    if tab:
        where = where.also(f"({tab.where})")
    text = args.get("q", "").replace("\x00", "").strip()
    if text and wanted.found:
        pattern = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        where = where.also(f"({wanted.found})", text=text, like=f"%{pattern}%")
    for name in wanted.narrowed:
        if args.get(name):
            where = where.also(f"{name} = %({name})s", **{name: args[name].replace("\x00", "")})
    if "deleted" in wanted.noun.columns:
        where = where.also("not deleted")
    return where


def counted(tx: Tx, wanted: List, where: Where) -> str:
    """Count the rows of a list, exactly up to ten thousand."""
    some = f"select 1 from {wanted.noun.table} where {where.sql} limit {MOST_COUNTED + 1}"
    [(number,)] = tx.tuples(f"select count(*) from ({some}) some_rows", **where.params)
    return f"{number:,}" if number <= MOST_COUNTED else f"over {MOST_COUNTED:,}"


def shown(visit: Visit, wanted: List) -> flask.Response:
    args = flask.request.args
    names = ("tab", "q", *list_filters.NAMES, *wanted.narrowed)
    kept = {name: args[name] for name in names if args.get(name)}
    cursor = {name: args[name] for name in CURSORS if args.get(name)}
    with visit.reads() as tx:
        place = Place(visit, seller_of(tx).time_zone)
        where = where_of(wanted, args, visit.now, place.zone)
        found, more = listing.page(tx, wanted.noun, where, {"limit": str(ON_A_PAGE), **cursor})
        loaded = wanted.load(tx, found)
        lines = [wanted.row(place, loaded, one) for one in found]
        number = counted(tx, wanted, where)
    back = "ending_before" in cursor
    later = visit.to(wanted.path, **kept, starting_after=found[-1].id) if found and (more or back) else None
    sooner = (
        visit.to(wanted.path, **kept, ending_before=found[0].id)
        if found and (("starting_after" in cursor) or (back and more))
        else None
    )
    return layout.page(
        visit,
        "list.html",
        wanted.title,
        columns=wanted.columns,
        lines=lines,
        number=number,
        tabs=tabs_of(visit, wanted, args),
        query=args.get("q", ""),
        kept=kept,
        wanted=wanted,
        later=later,
        sooner=sooner,
        export=visit.to(f"{wanted.path}.csv", **kept) if visit.may("exports.read") else None,
        here=visit.to(wanted.path),
        new=(visit.to(wanted.new[0]), wanted.new[1]) if wanted.new and visit.may(wanted.new[2]) else None,
        parts=layout.parts(visit, wanted.parts),
        chips=list_filters.chips(visit, wanted.path, kept),
        has_currency="currency" in wanted.noun.columns,
        views=saved(visit, wanted.path),
        saves=urlencode(kept),
    )


def saved(visit: Visit, path: str) -> list[dict[str, str]]:
    """Return the views of a list that somebody keeps."""
    with visit.desk.db.connection() as conn:
        found = views.of(conn, (visit.session.operator.id, visit.account), path)
    return [{"name": name, "href": f"{visit.to(path)}?{query}"} for name, query in found]


def tabs_of(visit: Visit, wanted: List, args: Mapping[str, str]) -> list[dict[str, Any]]:
    kept = {name: args[name] for name in ("q", *list_filters.NAMES, *wanted.narrowed) if args.get(name)}
    all_of_them = Tab("", "All")
    return [
        {
            "title": one.title,
            "href": visit.to(wanted.path, **kept, tab=one.key or None),
            "here": one.key == args.get("tab", ""),
        }
        for one in ((all_of_them, *wanted.tabs) if wanted.tabs else ())
    ]


def exported(visit: Visit, wanted: List) -> flask.Response:
    """Send all rows of a list as CSV, a part at a time: neither we nor the browser hold them all."""
    with visit.desk.db.transaction(visit.tenant) as tx:
        visit.note(tx, "exports.read", wanted.path.removeprefix("/"))
        zone = seller_of(tx).time_zone
    where = where_of(wanted, flask.request.args, visit.now, zone)

    def parts() -> Iterator[str]:
        yield line(
            [Cell(name) for name in ("id", "created", *(one.title for one in wanted.columns), "currency")]
        )
        after: dict[str, str] = {}
        with visit.reads(JOB) as tx:
            while True:
                found, more = listing.page(tx, wanted.noun, where, {"limit": str(IN_A_PART), **after})
                loaded, place = wanted.load(tx, found), Place(visit, zone)
                yield "".join(
                    line(
                        [
                            Cell(one.id),
                            Cell(one.created.isoformat()),
                            *wanted.row(place, loaded, one),
                            Cell(getattr(one, "currency", None) or ""),
                        ]
                    )
                    for one in found
                )
                if not more:
                    return
                after = {"starting_after": found[-1].id}

    name = f"{wanted.path.removeprefix('/')}.csv"
    headers = {**frame.HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return flask.Response(parts(), mimetype="text/csv", headers=headers)


def line(cells: Sequence[Cell]) -> str:
    """Write a line of CSV in which no text is a formula; amounts are numbers, also negative ones."""
    text = io.StringIO()
    written = [one.number or reports.harmless(" ".join(filter(None, (one.text, one.below)))) for one in cells]
    csv.writer(text, lineterminator="\r\n").writerow(written)
    return text.getvalue()
