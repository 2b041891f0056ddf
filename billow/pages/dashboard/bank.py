"""Show the queue of bank payments that pay nothing yet, all entries, and statements; upload one."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import flask

from billow.api import rows
from billow.core.bank.suggestions import Open, Suggestion
from billow.flows.bank import import_statement as importing
from billow.flows.bank import queue, suggestions
from billow.flows.operators import audit_log
from billow.pages import frame
from billow.pages.dashboard import customers_named, facts, layout
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column, List, Place, Tab
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.bank_entry import BankEntry
from billow.resources.bank_statement import BankStatement
from billow.store.tx import Tx

RIGHT, WRITING = "bank.read", "bank.write"
PARTS = (("/bank", "Queue"), ("/bank/entries", "All payments"), ("/bank/statements", "Statements"))
TONES = {
    "queued": "warn",
    "applied": "good",
    "ignored": "",
    "reversed": "bad",
    "imported": "good",
    "set_aside": "bad",
}
ON_A_PAGE = 50
SAID = 120
"""How many letters of what a payment says are shown in a list."""
WHY = {
    "number": "it names the invoice",
    "amount": "the same amount",
    "sum": "together the same amount",
    "account": "an account of this customer",
    "name": "the same name",
}
RULES = {
    "end_to_end": "by our id",
    "structured_reference": "by its reference",
    "reference_in_text": "by a reference in its text",
    "amount_and_account": "by account and amount",
    "by_hand": "by hand",
    "reversal": "takes back another one",
    "return": "a return",
    "direct_debit": "a direct debit",
    "payout": "a payout",
}
"""The rules of matching, in words."""
LARGEST_NAME = 200


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/bank", RIGHT, waiting)
    add_list(app, desk, LIST)
    screen(app, desk, "/bank/statements", RIGHT, statements, writes=uploaded, writing=WRITING)


def payer(place: Place, one: BankEntry) -> Cell:
    """Return who paid, with the end of the account; it leads to the payment's screen."""
    tail = f"account ending {one.iban[-4:]}" if one.iban else ""
    return Cell(
        one.name or one.bank_reference or one.id, link=place.visit.to(f"/bank/entries/{one.id}"), below=tail
    )


def said(one: BankEntry) -> Cell:
    text = one.structured or one.text or one.end_to_end or ""
    return long(text if len(text) <= SAID else f"{text[:SAID]}\N{HORIZONTAL ELLIPSIS}")


def long(text: str | None) -> Cell:
    """Return a text that may be broken anywhere: what people type into transfers has no blanks at times."""
    return Cell(begun(text), "long") if text else NOTHING


def begun(text: str | None) -> str:
    """Begin a reason with a capital letter, and keep the rest as it is."""
    return text[:1].upper() + text[1:] if text else ""


# ------------------------------------------------------------------------------------- the queue


def waiting(visit: Visit) -> flask.Response:
    """Show what is not known to pay anything, the oldest first, with what it may be for."""
    with visit.reads() as tx:
        place = facts.place_of(visit, tx)
        found = queue.waiting(tx)
        sums = Counter[str]()
        for one in found:
            sums[one.currency] += one.unapplied
        lines = [queued(tx, place, one) for one in found[:ON_A_PAGE]]
    count = f"{len(found)}{'+' if len(found) == queue.MOST else ''}"
    totals = [layout.amount(amount, currency).text for currency, amount in sorted(sums.items())]
    return layout.page(
        visit,
        "bank_queue.html",
        "Bank",
        parts=layout.parts(visit, PARTS),
        number=" · ".join([count, *totals]) if found else "",
        columns=(
            Column("Payer"),
            Column("Booked"),
            Column("Left", True),
            Column("Says"),
            Column("Why it waits"),
            Column("May be for"),
        ),
        lines=lines,
        more=max(0, len(found) - ON_A_PAGE),
        imports=visit.to("/bank/statements") if visit.may(WRITING) else None,
    )


def queued(tx: Tx, place: Place, one: BankEntry) -> list[Cell]:
    part = one.unapplied != one.amount
    return [
        payer(place, one),
        Cell(one.booked_on, "day"),
        Cell(
            layout.amount(one.unapplied, one.currency).text,
            "amount",
            below=f"of {layout.amount(one.amount, one.currency).text}" if part else "",
        ),
        said(one),
        long(one.reason),
        likely(*suggestions.of_entry(tx, one)) if one.unapplied > 0 else NOTHING,
    ]


def likely(found: list[Suggestion], opens: list[Open]) -> Cell:
    """Return the first suggestion, by the numbers of its invoices, with the reasons for it."""
    if not found:
        return NOTHING
    names = {one.id: one for one in opens}
    first = found[0]
    numbers = " + ".join(names[id].numbers[0] if names[id].numbers else id for id, _ in first.parts)
    return Cell(f"{names[first.parts[0][0]].name}: {numbers}", below=reasons(first))


def reasons(one: Suggestion) -> str:
    return ", ".join(WHY[each] for each in one.why)


# ------------------------------------------------------------------------------------- all payments


def row(place: Place, names: Mapping[str, Any], one: BankEntry) -> list[Cell]:
    return [
        payer(place, one),
        Cell(one.booked_on, "day"),
        layout.badge(one.state, TONES),
        layout.amount(one.amount, one.currency),
        said(one),
        Cell(customers_named.name(names, one.customer), link=place.visit.to(f"/customers/{one.customer}"))
        if one.customer
        else NOTHING,
        long(one.reason or RULES.get(one.rule or "", one.rule)),
    ]


LIST = List(
    noun=BankEntry,
    path="/bank/entries",
    title="Bank payments",
    one="bank payment",
    about="Payer, account, reference or text",
    columns=(
        Column("Payer"),
        Column("Booked"),
        Column("State"),
        Column("Amount", True),
        Column("Says"),
        Column("Customer"),
        Column("How or why"),
    ),
    row=row,
    load=customers_named.of,
    tabs=(
        Tab("queued", "In the queue", "state = 'queued' and unapplied = amount"),
        Tab("part", "Partly applied", "state = 'queued' and unapplied <> amount"),
        Tab("applied", "Applied", "state = 'applied'"),
        Tab("ignored", "Set aside", "state = 'ignored'"),
        Tab("reversed", "Taken back", "state = 'reversed'"),
        Tab("outgoing", "Money out", "state = 'outgoing'"),
    ),
    found="id = %(text)s or name ilike %(like)s or iban = upper(replace(%(text)s, ' ', ''))"
    " or text ilike %(like)s or bank_reference = %(text)s or structured ilike %(like)s",
    right=RIGHT,
    parts=PARTS,
)


# ------------------------------------------------------------------------------------- statements


def statements(visit: Visit, problem: str | None = None, done: str | None = None) -> flask.Response:
    """Show the statements that were imported, and the files that were set aside, with the reason."""
    with visit.reads() as tx:
        place = facts.place_of(visit, tx)
        found = rows.select(tx, BankStatement, "true", "order by created desc, id desc limit 100")
    return layout.page(
        visit,
        "bank_statements.html",
        "Bank statements",
        422 if problem else 200,
        parts=layout.parts(visit, PARTS),
        columns=(
            Column("File"),
            Column("Account"),
            Column("State"),
            Column("Opening", True),
            Column("Closing", True),
            Column("Until"),
            Column("Imported"),
        ),
        lines=[
            [
                Cell(one.file, below=one.reason or one.name or ""),
                facts.text(one.account),
                layout.badge(one.state, TONES),
                layout.amount(one.opening, one.currency) if one.currency else NOTHING,
                layout.amount(one.closing, one.currency) if one.currency else NOTHING,
                facts.text(one.closed_on),
                Cell(layout.when(one.created, place.zone)),
            ]
            for one in found
        ],
        writes=visit.may(WRITING),
        problem=problem,
        done=done,
    )


def uploaded(visit: Visit, form: Mapping[str, str]) -> flask.Response:
    """Import a file, whole or not at all; the same file twice changes nothing."""
    given = flask.request.files.get("file")
    content = given.read() if given else b""
    if not given or not content:
        return statements(visit, problem="Choose a file: a statement in camt.053.")
    name = (given.filename or "statement").replace("\x00", "").rsplit("/", 1)[-1][-LARGEST_NAME:]
    made = importing.import_statement(visit.desk.db, visit.tenant, name, content)
    with visit.desk.db.connection() as conn, conn.transaction():
        about = {"entries": made.entries, "applied": made.applied, "set_aside": made.set_aside}
        audit_log.write(conn, visit.account, visit.act("bank.import", name, **about), visit.now)
    if made.set_aside:
        return statements(visit, problem=f"{name} is set aside; nothing of it was booked. {made.set_aside}")
    told = f"{made.entries:,} new payments, {made.repeated:,} known before: {made.applied:,} applied, "
    told += f"{made.queued:,} in the queue, {made.outgoing:,} money out."
    return statements(visit, done=told)


def back(visit: Visit, id: str) -> flask.Response:
    return frame.see(visit.to(f"/bank/entries/{id}"))
