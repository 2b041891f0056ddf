"""Show the meters, make one, and explore the usage of one: chart, table, file, and its latest events."""

import csv
import io
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast

import flask

from billow import reports
from billow.api import operation, rows
from billow.core.errors import Refused, require
from billow.core.money import decimal_text
from billow.flows.usage import daily_usage, explored
from billow.flows.usage.explored import Asked, Explored, Received
from billow.pages import frame, usage_chart
from billow.pages.dashboard import customers, facts, layout, simple_form, subscriptions
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.lists import Column, List, Place
from billow.pages.dashboard.lists import Tab as ListTab
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.simple_form import Entry, Form
from billow.pages.dashboard.visit import Desk, Visit, screen, typed
from billow.resources import meter as meters
from billow.resources.customer import Customer
from billow.resources.meter import Meter
from billow.resources.price import Price
from billow.resources.product import Product
from billow.store.tx import Tx

RIGHT = "catalog.write"
TONES = {"active": "good", "inactive": ""}
FORMULAS = (("sum", "The sum of the values"), ("count", "The number of events"), ("last", "The last value"))
WINDOWS = (
    ("", "Each event counts"),
    ("hour", "The last one of each hour"),
    ("day", "The last one of each day"),
)
SIZES = (("day", "Days"), ("hour", "Hours"), ("month", "Months"))
FATES = {"counted": "good", "canceled": "bad", "replaced": "warn"}
SHOWN_FIRST = timedelta(days=30)
EVENTS, RANKED, PRICES = 50, 10, 20


def row(place: Place, _: Any, one: Meter) -> list[Cell]:
    return [
        Cell(one.display_name, link=place.visit.to(f"/meters/{one.id}"), below=one.event_name),
        layout.badge(one.status, TONES),
        Cell(dict(FORMULAS)[one.default_aggregation["formula"]]),
        layout.day(one.created, place.zone),
    ]


LIST = List(
    noun=Meter,
    path="/meters",
    title="Meters",
    one="meter",
    about="Name, event or id",
    columns=(Column("Meter"), Column("Status"), Column("Usage is"), Column("Created")),
    row=row,
    load=lambda tx, found: None,
    tabs=(
        ListTab("active", "Active", "status = 'active'"),
        ListTab("inactive", "Inactive", "status = 'inactive'"),
    ),
    found="id = %(text)s or display_name ilike %(like)s or event_name ilike %(like)s",
    narrowed=(),
    new=("/meters/new", "New meter", RIGHT),
)


def add(app: flask.Flask, desk: Desk) -> None:
    add_list(app, desk, LIST)
    screen(app, desk, "/meters/new", RIGHT, asked, writes=created)
    screen(app, desk, "/meters/<id>", "customers.read", shown, writes=acted, writing=RIGHT)
    screen(app, desk, "/meters/<id>/usage.csv", "exports.read", exported)


# ------------------------------------------------------------------------------------- explore


def span_of(tx: Tx, meter: Meter, args: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    """Return the days that an address names, the last one whole; otherwise the latest that were used."""
    last = explored.latest_hour(tx, meter.id)
    end = now if last is None or now - SHOWN_FIRST < last < now else last
    until = midnight(end.date() + timedelta(days=1))
    until = midnight(day(args["until"]) + timedelta(days=1)) if args.get("until") else until
    start = midnight(day(args["from"])) if args.get("from") else until - SHOWN_FIRST
    require(start < until, "The first day is not after the last one.")
    return start, until


def midnight(at: date) -> datetime:
    return datetime.combine(at, time(), UTC)


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused("A day is written as in 2027-03-01.") from None


def customer_of(tx: Tx, text: str) -> Customer | None:
    """Return the customer whose id or mail address was typed."""
    if not text:
        return None
    found = rows.select(
        tx, Customer, "id = %(text)s or email = %(text)s", "order by created limit 1", text=text
    )
    require(found, "There is no customer with this id or mail address.")
    return found[0]


def explore(tx: Tx, meter: Meter, args: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """Return what an address asks for: the usage in steps of time, and of whom and what the series are."""
    start, until = span_of(tx, meter, args, now)
    size = args.get("size") or "day"
    require(size in dict(SIZES), "Usage is shown by hours, days or months.")
    customer = customer_of(tx, args.get("customer", "").strip())
    wanted = Asked(meter, start, until, size, customer.id if customer else None)
    starts = explored.starts_of(start, until, size)
    wanted = Asked(meter, starts[0], min(until, explored.step_after(starts[-1], size)), size, wanted.customer)
    names = daily_usage.dimensions(tx, meter, customer.id, start, until) if customer else []
    by = args.get("by", "")
    if by == "customer" and not customer:
        found = explored.by_customer(tx, wanted, starts)
        known = rows.find_many(tx, Customer, [name for name, _ in found.series if name])
        labels = [
            customers.name_of(known[name]) if name in known else name or "The rest"
            for name, _ in found.series
        ]
    elif by in names:
        found = explored.by_dimension(tx, wanted, starts, by)
        labels = [name if name is not None else "The rest" for name, _ in found.series]
    else:
        by, found, labels = "", explored.in_all(tx, wanted, starts), ["Usage"]
    return {"asked": wanted, "found": found, "labels": labels, "by": by, "names": names, "customer": customer}


def step_name(at: datetime, size: str) -> str:
    if size == "hour":
        return layout.when(at)
    return at.strftime("%b %Y") if size == "month" else layout.when(at, day=True)


def lines_of(found: Explored, size: str, now: datetime) -> list[list[Cell]]:
    """Return the table below the chart; the step that is not over yet is named so."""
    return [
        [
            Cell(step_name(at, size), below="so far" if at <= now < explored.step_after(at, size) else ""),
            *(Cell(written(values[place]), "amount") for _, values in found.series),
        ]
        for place, at in enumerate(found.starts)
    ]


def written(value: Decimal) -> str:
    return f"{Decimal(decimal_text(value)):,f}"


def shown(visit: Visit, id: str, problem: str | None = None) -> flask.Response:
    """Show a meter and its usage as the address asks for it."""
    args = typed()
    with visit.reads() as tx:
        one = rows.find(tx, Meter, id)
        place = facts.place_of(visit, tx)
        try:
            view = explore(tx, one, args, visit.now)
        except Refused as refused:
            problem = problem or refused.message
            view = explore(tx, one, {}, visit.now)
        ranked = explored.ranking(tx, view["asked"], RANKED)
        received = explored.latest(tx, one, view["asked"].customer, EVENTS)
        known = rows.find_many(
            tx, Customer, {each for each, _ in ranked} | {each.customer for each in received}
        )
        values = {
            "pairs": pairs(place, one),
            "prices": priced(tx, place, one),
            "ranked": [rank_row(place, known, *each) for each in ranked],
            "received": [event_row(place, known, each) for each in received],
        }
    return layout.page(
        visit,
        "meter.html",
        one.display_name,
        422 if problem else 200,
        **drawn(visit, one, view),
        **values,
        badge=layout.badge(one.status, TONES),
        problem=problem,
        sizes=SIZES,
        writes=visit.may(RIGHT),
        rank_columns=(Column("Customer"), Column("Usage", True)),
        event_columns=(
            Column("Event"),
            Column("Customer"),
            Column("Value", True),
            Column("Happened"),
            Column("Received after"),
            Column("Result"),
        ),
        price_columns=(Column("Price"), Column("Status")),
        act=("deactivate", "Deactivate") if one.status == "active" else ("reactivate", "Reactivate"),
    )


def drawn(visit: Visit, one: Meter, view: dict[str, Any]) -> dict[str, Any]:
    """Return the chart, its table and the form that asks for another one."""
    asked, found = view["asked"], view["found"]
    last = (asked.until - timedelta(seconds=1)).date()
    chosen = {
        "from": asked.start.date().isoformat(),
        "until": last.isoformat(),
        "size": asked.size,
        "customer": view["customer"].id if view["customer"] else "",
        "by": view["by"],
    }
    names = [step_name(at, asked.size) for at in found.starts]
    series = [(label, values) for label, (_, values) in zip(view["labels"], found.series, strict=True)]
    used = any(any(values) for _, values in series)
    title = f"Usage of {one.display_name} by {asked.size}, in UTC"
    parts = [("", "Nothing"), *((("customer", "Customer"),) if not view["customer"] else ())]
    return {
        "chart": usage_chart.stacked(names, series, title) if used else None,
        "labels": view["labels"],
        "usage_columns": (Column("UTC"), *(Column(label, True) for label in view["labels"])),
        "usage": lines_of(found, asked.size, visit.now),
        "totals": [written(sum(values, Decimal(0))) for _, values in series],
        "adds": one.default_aggregation["formula"] != "last",
        "chosen": chosen,
        "parts": [*parts, *((name, name) for name in view["names"])],
        "here": visit.to(f"/meters/{one.id}"),
        "export": visit.to(f"/meters/{one.id}/usage.csv", **chosen) if visit.may("exports.read") else None,
    }


def rank_row(place: Place, known: Mapping[str, Customer], id: str, value: Decimal) -> list[Cell]:
    return [customer_cell(place, known, id), Cell(written(value), "amount")]


def customer_cell(place: Place, known: Mapping[str, Customer], id: str) -> Cell:
    return Cell(customers.name_of(known[id]) if id in known else id, link=place.visit.to(f"/customers/{id}"))


def event_row(place: Place, known: Mapping[str, Customer], one: Received) -> list[Cell]:
    late = max(one.created - one.at, timedelta(0))
    return [
        Cell(one.identifier, below=", ".join(f"{name} {text}" for name, text in sorted(one.payload.items()))),
        customer_cell(place, known, one.customer),
        Cell(written(one.value), "amount"),
        Cell(layout.when(one.at, place.zone)),
        Cell(lasting(late)),
        layout.badge(one.fate, FATES),
    ]


def lasting(late: timedelta) -> str:
    """Say how long something took, in its largest unit."""
    for length, word in (
        (timedelta(days=1), "day"),
        (timedelta(hours=1), "hour"),
        (timedelta(minutes=1), "minute"),
    ):
        if late >= length:
            number = late // length
            return f"{number:,} {word}" + ("s" if number != 1 else "")
    return "less than a minute"


def priced(tx: Tx, place: Place, one: Meter) -> list[list[Cell]]:
    """Return the prices that bill a meter."""
    found = rows.select(
        tx,
        Price,
        "recurring ->> 'meter' = %(id)s and not inline",
        f"order by created desc limit {PRICES}",
        id=one.id,
    )
    products = rows.find_many(tx, Product, {each.product for each in found})
    return [
        [
            Cell(
                products[each.product].name if each.product in products else each.product,
                link=place.visit.to(f"/prices/{each.id}"),
                below=subscriptions.price_text(each),
            ),
            Cell("Active", "badge", tone="good") if each.active else Cell("Archived", "badge"),
        ]
        for each in found
    ]


def pairs(place: Place, one: Meter) -> list[tuple[str, Cell]]:
    return [
        ("Id", facts.id_of(one.id)),
        ("Event", Cell(one.event_name)),
        ("Usage is", Cell(dict(FORMULAS)[one.default_aggregation["formula"]])),
        ("Of several events", Cell(dict(WINDOWS)[one.event_time_window or ""])),
        ("Customer in", Cell(one.customer_mapping["event_payload_key"])),
        ("Value in", Cell(one.value_settings["event_payload_key"])),
        ("Created", Cell(layout.when(one.created, place.zone))),
    ]


def exported(visit: Visit, id: str) -> flask.Response:
    """Send the same usage as a file; a text that a spreadsheet would calculate is marked as one."""
    with visit.desk.db.transaction(visit.tenant) as tx:
        one = rows.find(tx, Meter, id)
        view = explore(tx, one, typed(), visit.now)
        visit.note(tx, "exports.read", id)
    text, found = io.StringIO(), view["found"]
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["start", "meter", *([reports.harmless(view["by"])] if view["by"] else []), "usage"])
    for label, (_, values) in zip(view["labels"], found.series, strict=True):
        for at, value in zip(found.starts, values, strict=True):
            named = [reports.harmless(label)] if view["by"] else []
            writer.writerow([at.isoformat(), reports.harmless(one.display_name), *named, f"{value:f}"])
    name = {"Content-Disposition": 'attachment; filename="usage.csv"'}
    return flask.Response(text.getvalue(), mimetype="text/csv", headers={**frame.HEADERS, **name})


# ------------------------------------------------------------------------------------- make and change


def asked(visit: Visit, problem: str | None = None, form: Mapping[str, str] | None = None) -> flask.Response:
    entries = (
        Entry("display_name", "Name", most=250),
        Entry("event_name", "Name of its events", hint="As programs send it, such as bytes_sent.", most=100),
        Entry("formula", "Usage is", "choice", FORMULAS, value="sum"),
        Entry("window", "Of several events", "choice", WINDOWS),
        Entry("customer_key", "Where an event names the customer", value="stripe_customer_id", most=100),
        Entry("value_key", "Where an event has its value", value="value", most=100),
    )
    about = "Event name and formula never change afterwards."
    return simple_form.page(
        visit, Form("New meter", entries, "Create the meter", "/meters", about), form, problem
    )


def created(visit: Visit, form: Mapping[str, str]) -> flask.Response:
    """Create a meter."""

    def create(tx: Tx) -> str:
        sent: dict[str, Any] = {
            "display_name": form.get("display_name", "").strip(),
            "event_name": form.get("event_name", "").strip(),
            "default_aggregation": {"formula": form.get("formula") or "sum"},
            "customer_mapping": {"event_payload_key": form.get("customer_key", "").strip(), "type": "by_id"},
            "value_settings": {"event_payload_key": form.get("value_key", "").strip()},
        }
        if form.get("window"):
            sent["event_time_window"] = form["window"]
        made = meters.create(tx, cast(Meter, operation.draft(tx, Meter, sent)))
        visit.note(tx, "meters.create", made.id, event=made.event_name)
        return made.id

    return simple_form.done(
        visit,
        "/meters/new",
        form,
        create,
        lambda problem: asked(visit, problem, form),
        lambda id: f"/meters/{id}" if id else "/meters",
    )


def acted(visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Deactivate or reactivate a meter, or give it another name."""
    act = form.get("act", "")
    try:
        with visit.desk.db.transaction(visit.tenant) as tx:
            one = rows.lock(tx, Meter, id)
            visit.note(tx, f"meters.{act}"[:50], id, event=one.event_name)
            if act == "rename":
                name = form.get("display_name", "").strip()
                meters.update(tx, one, operation.changes(tx, one, {"display_name": name}))
            elif act == "deactivate":
                meters.deactivate(tx, one)
            elif act == "reactivate":
                meters.reactivate(tx, one)
            else:
                raise Refused("There is no such act.")
    except Refused as error:
        return shown(visit, id, error.message)
    return frame.see(visit.to(f"/meters/{id}"))
