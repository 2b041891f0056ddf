"""Serve the pages on which customers ask for a link into the billing portal, and enter by it."""

import flask

from billow.api import rows
from billow.core.errors import Refused
from billow.core.mail_addresses import is_address
from billow.flows.outside.outside import Outside
from billow.flows.outside.seller import seller_of
from billow.flows.portal import logins
from billow.pages import elsewhere, frame, sealed
from billow.pages.forms import Form
from billow.resources.customer import Customer
from billow.resources.portal_session import PortalSession
from billow.store.tx import TENANT, Database, Tx

PAGE = "/login/<account>/<mode>/<configuration>"
LINK = "/l/<account>/<mode>/<login>/<seal>"


def add(app: flask.Flask, db: Database, outside: Outside) -> None:
    """Add the pages. Whether an address is known, no answer tells."""

    def ask(account: str, mode: str, configuration: str) -> flask.Response:
        tenant, request = f"{account}/{mode}", flask.request
        if not TENANT.fullmatch(tenant) or "\x00" in configuration:
            return frame.gone()
        with db.transaction(tenant) as tx:
            if logins.page_of(tx, configuration) is None:
                return frame.gone(test=mode == "test")
            address = f"/login/{tenant}/{configuration}"
            form = Form(elsewhere.preferred(), request.form)
            if request.method == "GET":
                return asked(tx, outside, address, form)
            if not frame.is_ours(outside, address, request.form, request.headers):
                return frame.see(address)
            if logins.is_crowded(tx, origin()):
                return crowded(tx)
            given = form.email()
            if given is None or not is_address(given):
                return asked(tx, outside, address, form)
            logins.request(tx, configuration, given, origin())
            return sent(tx)

    def enter(tenant: str, id: str, address: str) -> flask.Response:
        request = flask.request
        with db.transaction(tenant) as tx:
            found = logins.find(tx, id)
            if found is None:
                return over(tx)
            if request.method == "GET":
                return landed(tx, outside, address, found)
            if not frame.is_ours(outside, address, request.form, request.headers):
                return frame.see(address)
            try:
                session = logins.enter(tx, id, request.form.get("customer", ""))
            except Refused:
                return frame.see(address)
            return frame.see(session.url) if session else over(tx)

    methods = ["GET", "POST"]
    app.add_url_rule(PAGE, "portal login", ask, methods=methods, provide_automatic_options=False)
    entering = sealed.page(outside, "portal login", enter)
    app.add_url_rule(LINK, "portal link", entering, methods=methods, provide_automatic_options=False)


def origin() -> str:
    return flask.request.remote_addr or "unknown"


def asked(tx: Tx, outside: Outside, address: str, form: Form) -> flask.Response:
    """Ask for the mail address."""
    return frame.page(
        "portal_login.html",
        form.words.language,
        422 if form.errors else 200,
        accounts=[],
        address=address,
        form=form,
        seller=seller_of(tx).name,
        test=not tx.livemode,
        token=frame.token_of(outside, address),
    )


def landed(tx: Tx, outside: Outside, address: str, found: logins.Login) -> flask.Response:
    """Ask for a press of a button, since programs that check mails open links and press nothing."""
    named = rows.find_many(tx, Customer, list(found.customers))
    several = [(id, f"{named[id].name or named[id].email} · {id}") for id in found.customers if id in named]
    return frame.page(
        "portal_login.html",
        elsewhere.preferred().language,
        accounts=several,
        address=address,
        form=None,
        seller=seller_of(tx).name,
        test=not tx.livemode,
        token=frame.token_of(outside, address),
    )


def sent(tx: Tx) -> flask.Response:
    """Say that a link is on its way if somebody is to get it."""
    return elsewhere.said(tx, "info", "login_sent", elsewhere.preferred()("login_sent_text"))


def crowded(tx: Tx) -> flask.Response:
    return elsewhere.said(tx, "bad", "login_wait", elsewhere.preferred()("login_wait_text"), status=429)


def over(tx: Tx) -> flask.Response:
    return elsewhere.said(tx, "bad", "login_over", elsewhere.preferred()("login_over_text"), status=404)


def expired(tx: Tx, outside: Outside, session: PortalSession, address: str) -> flask.Response:
    """Say that a session is over; one that says so mails its customer a link to another."""
    request = flask.request
    if not logins.is_recoverable(session, tx.wall):
        return frame.gone(session.locale, test=not tx.livemode)
    if request.method == "POST" and request.form.get("action") == "login":
        if not frame.is_ours(outside, address, request.form, request.headers):
            return frame.see(address)
        if logins.is_crowded(tx, origin()):
            return crowded(tx)
        logins.request_again(tx, session, origin())
        return sent(tx)
    return frame.page(
        "portal_login.html",
        elsewhere.preferred().language,
        404,
        accounts=None,
        address=address,
        form=None,
        seller=seller_of(tx).name,
        test=not tx.livemode,
        token=frame.token_of(outside, address),
    )
