"""Show the months of the books; close one after looking at what is open in it, and open one again."""

from collections.abc import Mapping

import flask

from billow.core.errors import Refused, require
from billow.flows.approvals import approvals
from billow.flows.outside import books, closing
from billow.ledger.chart import CHART
from billow.pages import frame
from billow.pages.dashboard import layout, ledger
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.lists import Column
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.store.perform import perform
from billow.store.tx import Tx

WRITING = "periods.write"
TONES = {"closed": "good", "closed softly": "info"}
CHECKS = {
    "jobs": ("Billing has run", "Jobs of billing are due or were given up", "/runs"),
    "drafts": ("No draft is left", "Drafts were not finalized", "/invoices?tab=draft"),
    "bank": ("The bank queue is empty", "Payments in the bank queue", "/bank"),
    "rates": ("Rates are there for every currency", "Currencies without a rate", None),
}
"""What is looked at before a month is closed: where nothing is open, where something is, and its screen."""
LONGEST = 500


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/ledger/periods", ledger.RIGHT, shown)
    screen(app, desk, "/ledger/periods/<name>", ledger.RIGHT, month, writes=acted, writing=WRITING)


def shown(visit: Visit) -> flask.Response:
    with visit.reads() as tx:
        found = books.periods_of(tx)
    lines = [
        [
            Cell(f"{first:%B %Y}", link=visit.to(f"/ledger/periods/{name}")),
            Cell(f"{first:%d} to {last:%d %b %Y}"),
            layout.badge(state, TONES),
        ]
        for name, first, last, state in reversed(found)
    ]
    return layout.page(
        visit,
        "periods.html",
        "Accounting periods",
        parts=ledger.parts(visit),
        columns=(Column("Month"), Column("Days"), Column("State")),
        lines=lines,
    )


def month(visit: Visit, name: str, problem: str | None = None) -> flask.Response:
    """Show a month with what is open in it, and the forms that its state allows."""
    with visit.reads() as tx:
        found = next((one for one in books.periods_of(tx) if one[0] == name), None)
        if found is None:
            raise Refused("There is no such month in the books.", status=404)
        made = closing.checks(tx, name)
        left = closing.left_on(tx, name)
        today = books.today(tx)
        second = approvals.somebody_else(tx, visit.session.operator.id, WRITING)
    _, first, last, state = found
    writes = visit.may(WRITING)
    return layout.page(
        visit,
        "period.html",
        f"{first:%B %Y}",
        422 if problem else 200,
        name=name,
        badge=layout.badge(state, TONES),
        problem=problem,
        checks=[check(visit, one) for one in made],
        is_ready=not any(one.open for one in made),
        columns=(Column("Account"), Column("Balance", True)),
        left=[
            [
                Cell(
                    CHART[one.account].title,
                    link=visit.to(f"/ledger/accounts/{one.account}", currency=one.currency, at=name),
                ),
                layout.amount(one.balance, one.currency),
            ]
            for one in left
        ],
        closes=writes and state == "open" and last < today,
        closes_hard=writes and state != "closed" and last < today,
        opens=writes and state == "closed softly",
        over=last < today,
        second=second,
    )


def check(visit: Visit, one: closing.Check) -> dict[str, object]:
    done, left, path = CHECKS[one.key]
    text = left + (f": {one.about}" if one.about else f": {one.open:,}")
    return {
        "text": text if one.open else done,
        "done": not one.open,
        "link": f"{visit.home}{path}" if path and one.open else None,
    }


def acted(visit: Visit, form: Mapping[str, str], name: str) -> flask.Response:
    try:
        asked = perform(lambda: visit.desk.db.transaction(visit.tenant), carry_out, visit, form, name)
    except Refused as error:
        return month(visit, name, error.message)
    return frame.see(visit.to("/approvals" if asked == "asked" else f"/ledger/periods/{name}"))


def carry_out(tx: Tx, visit: Visit, form: Mapping[str, str], name: str) -> str | None:
    """Close a month or open it again; opening waits for a second person, where there is one."""
    act, anyway = form.get("act", ""), form.get("anyway") == "yes"
    if act in ("close", "close_hard"):
        hard = act == "close_hard"
        require(
            not hard or form.get("again", "").strip() == name,
            f"Enter {name} to close it for good: nothing opens it again.",
        )
        closing.close(tx, name, hard=hard, anyway=anyway)
        visit.note(tx, f"periods.{act}", name, anyway=anyway)
        return None
    require(act == "reopen", "There is no such act.")
    reason = form.get("reason", "").strip()[:LONGEST]
    require(reason, "Say why the month is opened again.")
    me = visit.session.operator.id
    if approvals.somebody_else(tx, me, WRITING):
        approvals.ask_to_reopen(tx, name, reason, me)
        visit.note(tx, "periods.ask_reopen", name, reason=reason)
        return "asked"
    books.reopen(tx, name)
    visit.note(tx, "periods.reopen", name, reason=reason)
    return None
