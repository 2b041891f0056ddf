"""Show the test clocks and what is on them; make, advance and delete them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import flask

from billow.api import operation, rows
from billow.api.fields import instant, seconds
from billow.api.params import made
from billow.core import calendar
from billow.core.errors import Refused, needed, require
from billow.flows.platform import deletion, test_clocks
from billow.pages.dashboard import customers, facts, layout, sent_once, simple_form, subscriptions
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.lists import Column, List, Place
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.simple_form import Entry, Form
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources import test_clock as clocks
from billow.resources.customer import Customer
from billow.resources.subscription import Subscription
from billow.resources.test_clock import TestClock
from billow.store.tx import Tx

RIGHT = "clocks.write"
TONES = {"ready": "good", "advancing": "info", "internal_failure": "bad"}
MOST, NEXT = 50, 20
STEPS = {"day": ("day", 1), "week": ("week", 1), "month": ("month", 1)}


def row(place: Place, numbers: Any, one: TestClock) -> list[Cell]:
    return [
        Cell(
            one.name or one.id,
            link=place.visit.to(f"/test-clocks/{one.id}"),
            below=one.id if one.name else "",
        ),
        layout.badge(one.status, TONES),
        Cell(layout.when(one.frozen_time, place.zone)),
        Cell(f"{numbers.get(one.id, 0):,}", "amount"),
        layout.day(one.created, place.zone),
    ]


def counted(tx: Tx, found: Any) -> dict[str, int]:
    """Count the customers on each clock."""
    return dict(
        tx.tuples(
            "select test_clock, count(*) from customers"
            " where test_clock = any(%(ids)s) and not deleted group by test_clock",
            ids=[one.id for one in found],
        )
    )


LIST = List(
    noun=TestClock,
    path="/test-clocks",
    title="Test clocks",
    one="clock",
    about="Name or id",
    columns=(
        Column("Clock"),
        Column("Status"),
        Column("Its time"),
        Column("Customers", True),
        Column("Created"),
    ),
    row=row,
    load=counted,
    found="id = %(text)s or name ilike %(like)s",
    narrowed=(),
    right="clocks.read",
    new=("/test-clocks/new", "New clock", RIGHT),
)


def add(app: flask.Flask, desk: Desk) -> None:
    add_list(app, desk, LIST)
    screen(app, desk, "/test-clocks/new", RIGHT, asked, writes=created)
    screen(app, desk, "/test-clocks/<id>", "clocks.read", shown, writes=acted, writing=RIGHT)


def asked(visit: Visit, problem: str | None = None, form: Mapping[str, str] | None = None) -> flask.Response:
    today = visit.now.strftime("%Y-%m-%d 00:00")
    entries = (
        Entry("name", "Name", most=300),
        Entry("at", "Its time, in UTC", hint="As in 2027-01-31 12:00.", value=today, most=20),
    )
    about = "It stands still until it is advanced. Customers are put on it when they are created."
    wanted = Form("New test clock", entries, "Create the clock", "/test-clocks", about)
    return simple_form.page(visit, wanted, form, problem)


def instant_of(text: str) -> datetime:
    """Read an instant in UTC that somebody typed: a day, with or without a time."""
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=UTC)
    except ValueError:
        raise Refused("A time is written as in 2027-01-31 12:00.") from None


def created(visit: Visit, form: Mapping[str, str]) -> flask.Response:
    """Create a test clock."""

    def create(tx: Tx) -> str:
        name = form.get("name", "").strip()
        sent = {
            "frozen_time": str(seconds(instant_of(form.get("at", "")))),
            **({"name": name} if name else {}),
        }
        clock = clocks.create(tx, cast(TestClock, operation.draft(tx, TestClock, sent)))
        visit.note(tx, "clocks.create", clock.id, name=name)
        return clock.id

    return simple_form.done(
        visit,
        "/test-clocks/new",
        form,
        create,
        lambda problem: asked(visit, problem, form),
        lambda id: f"/test-clocks/{id}" if id else "/test-clocks",
    )


def shown(visit: Visit, id: str, problem: str | None = None) -> flask.Response:
    """Show a clock: its time, what happens next on it, and who is on it."""
    with visit.reads() as tx:
        one = rows.find(tx, TestClock, id)
        place = facts.place_of(visit, tx)
        who = rows.select(
            tx, Customer, "test_clock = %(id)s and not deleted", f"order by created desc limit {MOST}", id=id
        )
        held = rows.select(
            tx, Subscription, "test_clock = %(id)s", f"order by created desc limit {MOST}", id=id
        )
        loaded = subscriptions.load(tx, held)
        values = {
            "who": [[Cell(customers.name_of(each), link=visit.to(f"/customers/{each.id}"))] for each in who],
            "held": [subscriptions.row(place, loaded, each) for each in held],
            "ahead": [
                [
                    Cell(layout.when(at, place.zone)),
                    Cell(kind.replace("_", " ").replace(".", ": ")),
                    Cell(ref, "id"),
                ]
                for kind, ref, at in test_clocks.ahead(tx, one, NEXT)
            ],
            "farthest": test_clocks.limit(tx, one),
            "clock": facts.clock_of(tx, visit, id),
        }
    target = (one.status_details.get("advancing") or {}).get("target_frozen_time")
    return layout.page(
        visit,
        "test_clock.html",
        one.name or one.id,
        422 if problem else 200,
        **values,
        badge=layout.badge(one.status, TONES),
        here=visit.to(f"/test-clocks/{id}"),
        now=layout.when(one.frozen_time, place.zone),
        number=sent_once.number(),
        pairs=[
            ("Id", facts.id_of(one.id)),
            ("Created", Cell(layout.when(one.created, place.zone))),
            ("Deleted by itself", Cell(layout.when(one.deletes_after, place.zone))),
        ],
        problem=problem,
        ready=one.status == "ready",
        target=layout.when(instant(target), place.zone) if target else None,
        who_columns=(Column("Customer"),),
        held_columns=subscriptions.LIST.columns,
        ahead_columns=(Column("When"), Column("What"), Column("About")),
        writes=visit.may(RIGHT),
    )


def acted(visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Advance a clock by a step, to an instant, or to what happens next; or delete it with what is on it."""
    act = form.get("act", "")

    def do(tx: Tx) -> str:
        one = rows.lock(tx, TestClock, id)
        if act == "delete":
            require(form.get("sure"), "Tick that you are sure.")
            visit.note(tx, "clocks.delete", id, name=one.name)
            deletion.delete_clock(tx, one)
            return "/test-clocks"
        target = target_of(tx, one, form)
        visit.note(tx, "clocks.advance", id, to=target.isoformat())
        test_clocks.advance(tx, one, made(test_clocks.Advance, frozen_time=target))
        return f"/test-clocks/{id}"

    return simple_form.done(
        visit,
        f"/test-clocks/{id}",
        form,
        do,
        lambda problem: shown(visit, id, problem),
        lambda path: path or "/test-clocks",
    )


def target_of(tx: Tx, one: TestClock, form: Mapping[str, str]) -> datetime:
    """Return until when a clock is to be advanced."""
    act = form.get("act", "")
    if act in STEPS:
        return calendar.boundary(one.frozen_time, *STEPS[act], 1)
    if act == "next":
        due = test_clocks.ahead(tx, one, 1)
        if not due:
            raise Refused("Nothing happens on this clock by itself.")
        at = needed(due[0][2], "an instant").replace(microsecond=0)
        return max(at, one.frozen_time + timedelta(seconds=1))
    if act != "advance":
        raise Refused("There is no such act.")
    return instant_of(form.get("to", ""))
