"""Show what billing did on each day, what is still to do and what failed, and run again what was given up."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import flask

from billow.core.errors import Refused, require
from billow.flows.operators import audit_log
from billow.flows.platform import runs
from billow.flows.platform.runs import Day, Failure
from billow.pages import frame
from billow.pages.dashboard import facts, layout
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column, Place
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.store import backlog
from billow.store.jobs import KINDS

RIGHT, WRITING = "customers.read", "runs.write"
PHASES = {"renew": "Renewals", "finalize": "Drafts to finalize", "collect": "Invoices to charge"}
COLUMNS = (
    Column("Day"),
    Column("Invoices made", True),
    Column("Finalized", True),
    Column("Paid", True),
    Column("Not paid", True),
    Column("Stuck", True),
    Column("Sum", True),
)
SUBJECTS = {
    "sub_": "/subscriptions",
    "in_": "/invoices",
    "cus_": "/customers",
    "pi_": "/payments",
    "po_": "/payouts",
}
"""The screens of what jobs are about, by the beginnings of their refs."""


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/runs", RIGHT, shown, writes=acted, writing=WRITING)
    screen(app, desk, "/runs/<name>", RIGHT, one_day)


def shown(visit: Visit, problem: str | None = None) -> flask.Response:
    with visit.reads() as tx:
        place = facts.place_of(visit, tx)
        found = runs.days(tx, place.zone)
        waits = runs.waiting(tx, tx.wall)
        stuck = runs.given_up(tx)
    return layout.page(
        visit,
        "runs.html",
        "Billing runs",
        422 if problem else 200,
        problem=problem,
        zone=place.zone,
        phases=[
            (PHASES[runs.PHASES[one.kind]], f"{one.due:,}", f"{one.given_up:,}" if one.given_up else "")
            for one in waits
        ],
        columns=COLUMNS,
        lines=[row(visit, one) for one in found],
        stuck_columns=(Column("Job"), Column("About"), Column("Due"), Column("Why")),
        stuck=[job(place, one) for one in stuck],
        kinds=sorted({one.kind for one in stuck}),
        counts={kind: sum(one.kind == kind for one in stuck) for kind in {one.kind for one in stuck}},
        writes=visit.may(WRITING),
    )


def row(visit: Visit, one: Day) -> list[Cell]:
    return [
        Cell(f"{one.day:%-d %b %Y}", link=visit.to(f"/runs/{one.day}")),
        *counted(one),
        layout.amount(one.amount, one.currency),
    ]


def counted(one: Day) -> list[Cell]:
    """Return the counts of a day; what failed stands out."""
    failed = [
        Cell(f"{each:,}", "badge", tone="bad") if each else Cell("0") for each in (one.failed, one.stuck)
    ]
    return [Cell(f"{one.made:,}"), Cell(f"{one.finalized:,}"), Cell(f"{one.paid:,}"), *failed]


def job(place: Place, one: backlog.Stuck) -> list[Cell]:
    path = next((path for start, path in SUBJECTS.items() if one.ref.startswith(start)), None)
    return [
        Cell(one.kind.replace(".", " ").replace("_", " ").capitalize(), below=f"{one.tries} tries"),
        Cell(one.ref, link=place.visit.to(f"{path}/{one.ref}") if path else None),
        Cell(layout.when(one.run_at, place.zone)),
        Cell(one.reason, "long") if one.reason else NOTHING,
    ]


def one_day(visit: Visit, name: str) -> flask.Response:
    """Show the run of a day: how far it is, its sums, and its failures with the customers."""
    try:
        day = date.fromisoformat(name)
        ends = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=2)
    except (ValueError, OverflowError):
        raise Refused("There is no such day.", status=404) from None
    with visit.reads() as tx:
        place = facts.place_of(visit, tx)
        found = runs.days(tx, place.zone, day)
        stuck, failed = runs.failures(tx, place.zone, day)
        today = tx.wall.astimezone(ZoneInfo(place.zone)).date() == day
        waits = runs.waiting(tx, min(tx.wall, ends)) if today else []
    made, over = sum(one.made for one in found), sum(one.finalized for one in found)
    left = sum(one.due for one in waits) + made - over
    columns = (
        Column("Customer"),
        Column("Invoice"),
        Column("Amount", True),
        Column("Why"),
        Column("Next try"),
    )
    return layout.page(
        visit,
        "run.html",
        f"Billing run of {day:%-d %B %Y}",
        done=over,
        made=made,
        left=left,
        columns=(Column("Currency"), *COLUMNS[1:]),
        lines=[
            [Cell(one.currency.upper()), *counted(one), layout.amount(one.amount, one.currency)]
            for one in found
        ],
        failures=[
            ("Could not be finalized", columns, [failure(place, one) for one in stuck]),
            ("Could not be charged", columns, [failure(place, one) for one in failed]),
        ],
    )


def failure(place: Place, one: Failure) -> list[Cell]:
    visit = place.visit
    return [
        Cell(one.name, link=visit.to(f"/customers/{one.customer}")),
        Cell(one.number or "Draft", link=visit.to(f"/invoices/{one.invoice}")),
        layout.amount(one.amount, one.currency),
        Cell(one.why, "long"),
        layout.day(one.again, place.zone),
    ]


def acted(visit: Visit, form: Mapping[str, str]) -> flask.Response:
    """Run the jobs of a kind again that were given up, of this account and mode only."""
    kind = form.get("kind", "")
    try:
        require(form.get("act") == "retry" and kind in KINDS, "There is no such act.")
    except Refused as error:
        return shown(visit, error.message)
    now = visit.now
    with visit.desk.db.connection() as conn, conn.transaction():
        count = backlog.retry(conn, now, kind, visit.tenant)
        audit_log.write(conn, visit.account, visit.act("runs.retry", kind, count=count), now)
    return frame.see(visit.to("/runs"))
