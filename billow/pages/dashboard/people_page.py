"""Show who works here, invite people, and change or take away their roles."""

from collections.abc import Mapping

import flask

from billow.core import roles
from billow.core.errors import Refused
from billow.flows.operators import audit_log, invitations, people
from billow.pages import frame
from billow.pages.dashboard import layout
from billow.pages.dashboard.entrance import WELCOME
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.visit import Desk, Visit, screen


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/people", "operators.read", shown, writes=acted, writing="operators.write")


def shown(
    visit: Visit, problem: str | None = None, link: str | None = None, status: int = 200
) -> flask.Response:
    with visit.desk.db.connection() as conn:
        found = people.members(conn, visit.account)
    grants = roles.GRANTED_BY.get(visit.role, ())
    return layout.page(
        visit,
        "people.html",
        "People",
        status,
        members=[
            {
                "id": one.operator,
                "name": Cell(one.name, below=one.email),
                "role": one.role,
                "factor": one.has_second_factor,
                "mine": one.operator == visit.session.operator.id,
                "changes": visit.may("operators.write") and one.role in grants,
            }
            for one in found
        ],
        grants=grants if visit.may("operators.write") else (),
        problem=problem,
        link=link,
    )


def acted(visit: Visit, form: Mapping[str, str]) -> flask.Response:
    """Invite somebody, or change a role; the link of an invitation is shown once, to be passed on."""
    now, db = visit.now, visit.desk.db
    act, about, role = form.get("act", ""), form.get("about", ""), form.get("role", "")
    try:
        with db.connection() as conn, conn.transaction():
            if act == "invite":
                people.check_grant(visit.role, role)
                email = form.get("email", "")
                token = invitations.invite(conn, visit.account, role, email, now, invitations.LATER)
                audit_log.write(conn, visit.account, visit.act("operators.invite", email, role=role), now)
            else:
                wanted = role if act == "change" else None
                people.change_role(conn, visit.account, about, wanted, visit.role)
                done = visit.act(f"operators.{'change' if wanted else 'remove'}", about, role=wanted)
                audit_log.write(conn, visit.account, done, now)
    except Refused as error:
        return shown(visit, problem=error.message, status=422)
    if act == "invite":
        return shown(visit, link=f"{visit.desk.outside.base_url}{WELCOME}/{token}")
    return frame.see(visit.to("/people"))
