"""Let signed-in people onto the screens of the dashboard: their session, their role, and forms of ours."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import flask
import psycopg

from billow.api.front import COOKIE, TLS_COOKIE
from billow.core import roles
from billow.core.errors import Refused
from billow.flows.operators import audit_log, people, sessions
from billow.flows.operators.audit_log import Act
from billow.flows.operators.sessions import Browser, Session
from billow.flows.outside.outside import Outside
from billow.pages import frame
from billow.pages.dashboard import layout
from billow.store.ids import new_id
from billow.store.turns import REQUEST, Bounds
from billow.store.tx import TENANT, Database, Tx

log = logging.getLogger("billow.dashboard")
ROOT = "/dashboard"
SIGN_IN = f"{ROOT}/sign-in"


@dataclass(frozen=True, slots=True)
class Desk:
    """What every screen needs: the database, the outside, and whether browsers reach us by TLS."""

    db: Database

    @property
    def outside(self) -> Outside:
        found: Outside = self.db.outside
        return found

    @property
    def secure(self) -> bool:
        return self.outside.base_url.startswith("https:")

    @property
    def cookie(self) -> str:
        """Return the name of the cookie; a browser takes `__Host-` only by TLS and for this host alone."""
        return TLS_COOKIE if self.secure else COOKIE


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is signed in, to a screen of an account in a mode."""

    desk: Desk
    session: Session
    account: str
    mode: str
    role: str
    accounts: list[tuple[str, str]]
    browser: Browser

    @property
    def tenant(self) -> str:
        return f"{self.account}/{self.mode}"

    @property
    def home(self) -> str:
        return f"{ROOT}/{self.account}/{self.mode}"

    @property
    def token(self) -> str:
        """Return the token of this session's forms."""
        return frame.token_of(self.desk.outside, f"session {self.session.digest}")

    def to(self, path: str = "", **query: Any) -> str:
        """Return the address of another screen; query params that are None are left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return f"{self.home}{path}" + (f"?{urlencode(given)}" if given else "")

    def may(self, right: str) -> bool:
        return roles.may(self.role, right, self.mode)

    def reads(self, bounds: Bounds = REQUEST) -> AbstractContextManager[Tx]:
        """Begin a transaction that only reads; a screen waits no longer than a request, a file may."""
        return self.desk.db.snapshot(self.tenant, bounds)

    def previews(self) -> AbstractContextManager[Tx]:
        """Begin a transaction that shows what an act would lead to; it waits no longer than a request."""
        return self.desk.db.transaction(self.tenant, bounds=REQUEST)

    def act(self, action: str, about: str | None = None, **details: Any) -> Act:
        """Return an act of this person for the audit log."""
        return Act(
            action,
            self.session.operator.name,
            self.browser.address,
            self.session.operator.id,
            about,
            {"mode": self.mode, **details},
        )

    def note(self, tx: Tx, action: str, about: str | None = None, **details: Any) -> None:
        """Write an act into the audit log, in the transaction that does it."""
        audit_log.write(tx.conn, self.account, self.act(action, about, **details), tx.wall)

    @property
    def now(self) -> datetime:
        return self.desk.db.wall()


Screen = Callable[..., flask.Response]
"""Answers a visit; named parts of the path come as keyword arguments."""
SCREENS: dict[str, tuple[str, str]] = {}
"""The right that each screen asks for, by its rule, and whether it is read or written: tests walk them."""


def browser() -> Browser:
    request = flask.request
    return Browser(request.remote_addr or "unknown", request.user_agent.string or "unknown")


def typed() -> dict[str, str]:
    """Return what an address asks for besides its path, without characters that no text can have."""
    return {name: text.replace("\x00", "") for name, text in flask.request.args.items()}


def found(desk: Desk) -> Session | None:
    """Return the session of the browser that asks."""
    id = flask.request.cookies.get(desk.cookie)
    if not id:
        return None
    with desk.db.connection() as conn:
        return sessions.find(conn, id, desk.db.wall())


def keep(desk: Desk, answer: flask.Response, id: str) -> flask.Response:
    """Put a session's id into the browser: no script reads it, and no other site's form sends it along."""
    answer.set_cookie(desk.cookie, id, secure=desk.secure, httponly=True, samesite="Lax", path="/")
    return answer


def forget(desk: Desk, answer: flask.Response) -> flask.Response:
    answer.delete_cookie(desk.cookie, secure=desk.secure, httponly=True, samesite="Lax", path="/")
    return answer


def is_ours(desk: Desk, address: str) -> bool:
    """Check that a form comes from our own page: its token, and what the browser says of where it was."""
    request = flask.request
    origin = request.headers.get("Origin")
    silent = request.headers.get("Sec-Fetch-Site") is None
    if silent and origin is not None and origin.rstrip("/") != request.host_url.rstrip("/"):
        return False
    return frame.is_ours(desk.outside, address, request.form, request.headers)


def entered(desk: Desk, account: str, mode: str) -> Visit | flask.Response:
    """Return the visit of a signed-in person to an account, or where to go instead."""
    held = found(desk)
    if held is None:
        back = flask.request.full_path.rstrip("?") if flask.request.method == "GET" else None
        return frame.see(SIGN_IN + (f"?{urlencode({'to': back})}" if back else ""))
    if not held.confirmed:
        return frame.see(f"{ROOT}/code")
    with desk.db.connection() as conn:
        role = (
            people.role_in(conn, held.operator.id, account) if TENANT.fullmatch(f"{account}/{mode}") else None
        )
        accounts = people.accounts_of(conn, held.operator.id)
    if role is None:
        return layout.said("There is nothing here", ["The address is wrong, or it is not for you."], 404)
    return Visit(desk, held, account, mode, role, accounts, browser())


def not_for(right: str, mode: str) -> flask.Response:
    """Say who has the right that somebody lacks."""
    who = ", ".join(one.replace("_", "-") for one in roles.having(right, mode))
    whose = (
        f"This is for: {who}. An owner can give you a role." if who else f"Nobody has this in {mode} mode."
    )
    return layout.said("Not for your role", [whose], 403)


UNKNOWN = "It is not known whether it was done: look before you try again."


def too_long(path: str, posted: bool) -> flask.Response:
    """Say that the database was given no more time, and who has more."""
    log.warning("dashboard request for %s took too long", path)
    less = "Ask for fewer days, or use billow report on the command line, which has more time."
    return layout.said("This takes too long", [UNKNOWN if posted else less], 503)


def screen(
    app: flask.Flask,
    desk: Desk,
    path: str,
    right: str,
    view: Screen,
    *,
    writes: Screen | None = None,
    writing: str | None = None,
) -> None:
    """Add a screen below an account and mode; `writes` answers its forms, for those who have `writing`.

    `right` names the right that opens it, or several with spaces between them, of which each is needed.
    """

    def answered(account: str, mode: str, **named: str) -> flask.Response:
        visit = entered(desk, account, mode)
        if not isinstance(visit, Visit):
            return visit
        posted = flask.request.method == "POST"
        wanted = writing if posted and writing else right
        missing = next((one for one in wanted.split() if not visit.may(one)), None)
        if missing:
            return not_for(missing, mode)
        if any("\x00" in value for value in named.values()):
            return layout.said("There is nothing here", ["The address is wrong."], 404)
        try:
            if not posted:
                return view(visit, **named)
            if writes is None or not is_ours(desk, f"session {visit.session.digest}"):
                return layout.said(
                    "Nothing was done",
                    ["The form was too old, or not sent from our page. Go back and reload."],
                    403,
                )
            if any("\x00" in text for text in flask.request.form.values()):
                return layout.said("Nothing was done", ["A text contains a NUL character."], 400)
            return writes(visit, flask.request.form, **named)
        except Refused as error:
            status = 404 if error.status == 404 else 400
            title = "There is nothing here" if status == 404 else "Nothing was done"
            return layout.said(title, [error.message], status)
        except psycopg.errors.QueryCanceled:
            return too_long(path, posted)
        except Exception:  # whatever it is, somebody is told, and the log says what it was
            number = new_id("req_")
            log.exception("dashboard request %s failed", number)
            done = UNKNOWN if posted else "Nothing was changed."
            return layout.said("Something went wrong", [done, f"The log says why, at {number}."], 500)

    SCREENS[path] = (right, writing or right if writes else "")
    app.add_url_rule(
        f"{ROOT}/<account>/<any(test, live):mode>{path}",
        f"dashboard {path or '/'}",
        answered,
        methods=["GET", "POST"] if writes else ["GET"],
        provide_automatic_options=False,
    )
