"""Let people in: by password and one-time code, by an invitation, and out again."""

from collections.abc import Mapping
from typing import Any

import flask
from markupsafe import Markup

from billow.core.errors import Refused
from billow.flows.operators import factor_setup, invitations, passwords, people, second_factor, sessions
from billow.flows.operators.invitations import Invitation
from billow.flows.operators.sessions import Session, Turned
from billow.pages import frame
from billow.pages.dashboard import layout, visit
from billow.pages.dashboard.visit import ROOT, SIGN_IN, Desk
from billow.providers.documents import qr

WRONG = "The mail address or the password is wrong."
WRONG_CODE = "This is not the code of this moment. Each code counts once."
WELCOME = f"{ROOT}/welcome"


def add(app: flask.Flask, desk: Desk) -> None:
    """Add the screens that need no session yet."""

    def route(path: str, name: str, view: visit.Screen) -> None:
        app.add_url_rule(path, name, view, methods=["GET", "POST"], provide_automatic_options=False)

    route(ROOT, "dashboard", lambda: go_home(desk))
    route(SIGN_IN, "sign in", lambda: sign_in(desk))
    route(f"{ROOT}/code", "one-time code", lambda: code(desk))
    route(f"{ROOT}/factor", "second factor", lambda: factor(desk))
    route(f"{ROOT}/sign-out", "sign out", lambda: sign_out(desk))
    route(f"{WELCOME}/<token>", "welcome", lambda token: welcome(desk, token))


def go_home(desk: Desk) -> flask.Response:
    """Lead to the first account of who is signed in."""
    held = visit.found(desk)
    if held is None:
        return frame.see(SIGN_IN)
    return frame.see(home_of(desk, held))


def home_of(desk: Desk, held: Session, wanted: str | None = None) -> str:
    """Return where somebody goes after signing in: the screen asked for if it is ours, or their account."""
    if not held.confirmed:
        return f"{ROOT}/code"
    if wanted and wanted.startswith(f"{ROOT}/") and "\\" not in wanted and "//" not in wanted:
        return wanted
    with desk.db.connection() as conn:
        accounts = people.accounts_of(conn, held.operator.id)
    return f"{ROOT}/{accounts[0][0]}/test" if accounts else SIGN_IN


def form_of(
    desk: Desk, template: str, title: str, address: str, status: int = 200, **values: object
) -> flask.Response:
    token = frame.token_of(desk.outside, address)
    return layout.rendered(template, status, title=title, token=token, address=address, **values)


def sign_in(desk: Desk) -> flask.Response:
    """Ask for mail address and password. Whatever is wrong, the answer is the same."""
    request = flask.request
    wanted = request.values.get("to")
    shown: dict[str, Any] = {"to": wanted or "", "email": request.form.get("email", "")}
    if request.method == "GET":
        return form_of(desk, "sign_in.html", "Sign in", SIGN_IN, problem=None, **shown)
    if not visit.is_ours(desk, SIGN_IN):
        return frame.see(SIGN_IN)
    answer = sessions.sign_in(desk.db, shown["email"], request.form.get("password", ""), visit.browser())
    if isinstance(answer, Turned):
        return turned(desk, answer, "sign_in.html", "Sign in", SIGN_IN, WRONG, **shown)
    id, held = answer
    to = f"{ROOT}/code" if not held.confirmed else home_of(desk, held, wanted)
    return visit.keep(desk, frame.see(to), id)


def turned(
    desk: Desk, answer: Turned, template: str, title: str, address: str, wrong: str, **values: object
) -> flask.Response:
    """Show a form again with what was wrong; who is too fast is told for how long to wait."""
    waits = f"Too many tries. Wait {answer.seconds} seconds and try again."
    status, problem = (429, waits) if answer.why == "wait" else (422, wrong)
    said = form_of(desk, template, title, address, status, problem=problem, **values)
    if answer.seconds:
        said.headers["Retry-After"] = str(answer.seconds)
    return said


def code(desk: Desk) -> flask.Response:
    """Ask for the one-time code of who has given the password."""
    held, address = visit.found(desk), f"{ROOT}/code"
    if held is None:
        return frame.see(SIGN_IN)
    if held.confirmed:
        return frame.see(home_of(desk, held))
    sealed = f"session {held.digest}"
    if flask.request.method == "GET":
        return form_of(desk, "code.html", "One-time code", sealed, problem=None)
    if not visit.is_ours(desk, sealed):
        return frame.see(address)
    key, given = desk.outside.secret, flask.request.form.get("code", "")
    answer = sessions.confirm(desk.db, key, held, given, visit.browser())
    if isinstance(answer, Turned):
        return turned(desk, answer, "code.html", "One-time code", sealed, WRONG_CODE)
    id, held = answer
    return visit.keep(desk, frame.see(home_of(desk, held)), id)


def factor(desk: Desk) -> flask.Response:
    """Set up a one-time code: show the secret as a QR code, and the recovery codes once it works."""
    held, key = visit.found(desk), desk.outside.secret
    if held is None or not held.confirmed:
        return frame.see(SIGN_IN)
    if held.operator.factor_since:
        return layout.said(
            "You use one-time codes", ["Every sign-in asks for one. An owner can invite you anew."]
        )
    sealed, problem = f"session {held.digest}", None
    if flask.request.method == "POST" and visit.is_ours(desk, sealed):
        try:
            codes = factor_setup.confirm(
                desk.db, held, key, flask.request.form.get("code", ""), visit.browser()
            )
            return layout.rendered("recovery_codes.html", title="Recovery codes", codes=codes, home=ROOT)
        except Refused as error:
            problem = error.message
    with desk.db.connection() as conn:
        secret = factor_setup.start(conn, held, key)
    uri = second_factor.address(key, secret, held.operator.email, "billow")
    plain = second_factor.opened(key, secret)
    drawn = Markup(qr.svg(uri))  # noqa: S704  (drawn by us, from a text of ours)
    status = 422 if problem else 200
    return form_of(
        desk, "factor.html", "One-time codes", sealed, status, problem=problem, qr=drawn, secret=plain
    )


def sign_out(desk: Desk) -> flask.Response:
    """End the session, by a form of one of our screens."""
    held = visit.found(desk)
    if held and flask.request.method == "POST" and visit.is_ours(desk, f"session {held.digest}"):
        with desk.db.connection() as conn, conn.transaction():
            sessions.end(conn, held, visit.browser(), desk.db.wall())
    return visit.forget(desk, frame.see(SIGN_IN))


def welcome(desk: Desk, token: str) -> flask.Response:
    """Take an invitation: name, mail address and a password."""
    request, now = flask.request, desk.db.wall()
    address = f"{WELCOME}/{token}"
    with desk.db.connection() as conn, conn.transaction():
        found = invitations.find(conn, token, now)
    if found is None:
        return layout.said("This link is over", ["Ask for another invitation, or sign in."], 404)
    known = {"email": found.email or request.form.get("email", ""), "name": request.form.get("name", "")}
    shown: dict[str, Any] = {
        **known,
        "fixed": found.email is not None,
        "resets": found.resets,
        "role": found.role,
    }
    if request.method == "GET" or not visit.is_ours(desk, address):
        return form_of(desk, "welcome.html", "Welcome", address, problem=None, wrong=None, **shown)
    try:
        id, held = joined(desk, token, found, known, request.form)
    except Refused as error:
        return form_of(
            desk, "welcome.html", "Welcome", address, 422, problem=error.message, wrong=error.param, **shown
        )
    return visit.keep(desk, frame.see(home_of(desk, held)), id)


def joined(
    desk: Desk, token: str, found: Invitation, known: Mapping[str, str], form: Mapping[str, str]
) -> tuple[str, Session]:
    """Make the operator and sign them in. The password is hashed before the transaction."""
    password = form.get("password", "")
    invitations.check_password(known["email"], known["name"], password, form.get("again", ""))
    email = known["email"].strip().lower()
    kept, from_here, now = passwords.hashed(password), visit.browser(), desk.db.wall()
    with desk.db.connection() as conn:
        before = people.by_email(conn, email)
    if before and not found.resets and not passwords.matches(before.password, password):
        raise Refused("You have a password here already: enter that one.", param="password")
    with desk.db.connection() as conn, conn.transaction():
        still = invitations.find(conn, token, now)
        if still is None:
            raise Refused("This link is over.")
        if still.resets and before:
            id = invitations.reset(conn, still, before, kept, from_here.address, now)
        else:
            id = invitations.accept(conn, still, email, known["name"], kept, from_here.address, now)
        operator = people.by_id(conn, id)
        if operator is None:
            raise Refused("This link is over.")
        return sessions.begin(conn, operator, from_here, now, confirmed=operator.factor_since is None)
