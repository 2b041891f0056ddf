"""Show what waits for a second person, and what was decided; agree, refuse, and set the limit."""

from collections.abc import Mapping

import flask

from billow.core.errors import Refused
from billow.core.money import minor_units
from billow.core.roles import having
from billow.flows.approvals import approvals
from billow.flows.approvals.approvals import Approval
from billow.pages import frame
from billow.pages.dashboard import facts, layout, money_acts
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column, Place
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.store.perform import Steps, perform
from billow.store.tx import Tx

MOST = 100
"""How many decided ones are shown; the audit log has all of them."""
TONES = {"done": "good", "refused": "bad", "waiting": "info"}


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/approvals", "approvals.read", shown, writes=acted, writing=approvals.RIGHT)


def shown(visit: Visit, problem: str | None = None) -> flask.Response:
    with visit.desk.db.transaction(visit.tenant, reads=True) as tx:
        waiting, decided = approvals.waiting(tx), approvals.decided(tx, MOST)
        limit, home = approvals.limit_of(tx)
        place = facts.place_of(visit, tx)
    return layout.page(
        visit,
        "approvals.html",
        "Approvals",
        422 if problem else 200,
        waiting=[asked(place, one) for one in waiting],
        columns=(
            Column("What"),
            Column("Amount", True),
            Column("Asked by"),
            Column("Status"),
            Column("Decided by"),
            Column("When"),
        ),
        decided=[row(place, one) for one in decided],
        limit=layout.in_main_unit(limit, home) if limit is not None else "",
        limit_said=layout.amount(limit, home).text if limit is not None else None,
        currency=home.upper(),
        sets_limit=visit.may("operators.write"),
        problem=problem,
    )


def what(place: Place, one: Approval) -> Cell:
    """Name an act, with a link to what it is on."""
    if one.act == approvals.LIMIT:
        return Cell("Another limit", below=one.problem or "")
    if one.act == approvals.REOPEN:
        link = place.visit.to(f"/ledger/periods/{one.about}")
        return Cell(f"Open {one.about} again", link=link, below=one.problem or "")
    return Cell(money_acts.WORDS[one.act][0], link=link_of(place, one), below=one.problem or "")


def amount(one: Approval) -> Cell:
    if one.act == approvals.LIMIT and not one.terms["limit"]:
        return Cell("None")
    if one.act == approvals.REOPEN:
        return NOTHING
    return layout.amount(one.amount, one.currency)


def link_of(place: Place, one: Approval) -> str:
    return place.visit.to(f"/{'payments' if one.act == 'refund' else 'invoices'}/{one.about}")


def asked(place: Place, one: Approval) -> dict[str, object]:
    """Return what waits: one's own is withdrawn, and what others ask for is agreed to or refused."""
    visit = place.visit
    return {
        "id": one.id,
        "what": what(place, one),
        "amount": amount(one),
        "who": one.asked_name,
        "when": layout.when(one.created, place.zone),
        "terms": [
            (name.capitalize(), facts.text(said(text)))
            for name, text in one.terms.items()
            if one.act != approvals.LIMIT
        ],
        "mine": one.asked_by == visit.session.operator.id,
        "decides": visit.may(approvals.RIGHTS.get(one.act, approvals.RIGHT)),
    }


def said(text: str) -> str:
    return text.replace("_", " ")


def row(place: Place, one: Approval) -> list[Cell]:
    return [
        what(place, one),
        amount(one),
        Cell(one.asked_name),
        layout.badge(one.status, TONES),
        Cell(one.decided_name) if one.decided_name else NOTHING,
        Cell(layout.when(one.decided_at, place.zone)),
    ]


def acted(visit: Visit, form: Mapping[str, str]) -> flask.Response:
    """Decide what waits, or set the limit; what is refused is said on the screen."""
    try:
        answer = perform(lambda: visit.desk.db.transaction(visit.tenant), carry_out, visit, form)
    except Refused as error:
        answer = error
    if isinstance(answer, Refused):
        return shown(visit, answer.message)
    return frame.see(visit.to("/approvals"))


def carry_out(tx: Tx, visit: Visit, form: Mapping[str, str]) -> Steps | None:
    """Do one of the acts of the screen, and write it into the audit log with it."""
    act, id, me = form.get("act", ""), form.get("about", ""), visit.session.operator.id
    if act == "limit":
        set_limit(tx, visit, form.get("limit", "").strip())
        return None
    right = approvals.right_to(tx, id)
    if not visit.may(right):
        raise Refused(f"This is for: {', '.join(having(right))}.")
    if act == "agree":
        visit.note(tx, "approvals.agree", id)
        return approvals.agree(tx, id, me)
    if act != "refuse":
        raise Refused("There is no such act.")
    found = approvals.refuse(tx, id, me, form.get("why", "")[:500])
    visit.note(tx, "approvals.refuse", id, of=found.about, act=found.act)
    return None


def set_limit(tx: Tx, visit: Visit, text: str) -> None:
    """Set the amount above which a second person is asked; nothing asks nobody.

    What lets more pass waits for a second person, where there is one.
    """
    if not visit.may("operators.write"):
        raise Refused("An owner or an admin sets the limit.")
    _, home = approvals.limit_of(tx)
    try:
        limit = minor_units(text, home) if text else None
    except ValueError as error:
        raise Refused(str(error)) from None
    me = visit.session.operator.id
    if approvals.loosens(tx, limit) and approvals.somebody_else(tx, me):
        approvals.ask_for_limit(tx, limit, me)
        visit.note(tx, "approvals.ask_limit", None, limit=limit, currency=home)
        return
    approvals.set_limit(tx, limit)
    visit.note(tx, "approvals.limit", None, limit=limit, currency=home)
