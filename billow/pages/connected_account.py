"""Serve the page on which the holder of a connected account says who bills, and accepts the terms."""

from dataclasses import dataclass
from typing import Any

import flask

from billow.api import rows
from billow.flows.outside.outside import Outside
from billow.flows.outside.seller import seller_of
from billow.flows.platform import account_links, connected_accounts
from billow.pages import frame, sealed
from billow.pages.forms import Form, countries_of
from billow.pages.words import words_of
from billow.resources.connected_account import BUSINESSES, ConnectedAccount
from billow.store.tx import Database, Tx

ADDRESS = "/o/<account>/<mode>/<about>/<seal>"
LONGEST_NAME = 100


def add(app: flask.Flask, db: Database, outside: Outside) -> None:
    """Add the page. Its address is valid for minutes, and leads back to the platform."""

    def view(tenant: str, about: str, address: str) -> flask.Response:
        id, _, link = about.partition(".")
        request = flask.request
        with db.transaction(tenant) as tx:
            account = rows.lock(tx, ConnectedAccount, id)
            platform = seller_of(tx).name
            form = Form(words_of(frame.language_of_browser()), request.form)
            if not account_links.open_link(tx, account, link):
                return over(account, platform, form, test=not tx.livemode)
            account = rows.find(tx, ConnectedAccount, id)
            posted = request.method == "POST"
            if posted and not frame.is_ours(outside, address, request.form, request.headers):
                return frame.see(address)
            if posted and (changes := read(tx, form, account, request.remote_addr or "")) is not None:
                saved = connected_accounts.after(tx, account, changes)
                return done(saved, platform, form, test=not tx.livemode)
            values = form if posted else Form(form.words, entered(account))
            about_it = Shown(values, account, platform, address, not tx.livemode)
            return shown(about_it, frame.token_of(outside, address))

    app.add_url_rule(
        ADDRESS,
        "connected account",
        sealed.page(outside, "connected account", view),
        methods=["GET", "POST"],
        provide_automatic_options=False,
    )


def entered(account: ConnectedAccount) -> dict[str, str]:
    """Return what the form shows at first: what the account says of itself."""
    known = {
        "business_name": connected_accounts.name_of(account),
        "kind": account.business_type,
        "email": account.email,
        "phone": account.business_profile.get("support_phone"),
    }
    return {name: value for name, value in known.items() if value}


def read(tx: Tx, form: Form, account: ConnectedAccount, ip: str) -> dict[str, Any] | None:
    """Return what the holder changes; None where something is missing, which stands in the form."""
    words = form.words
    name, email, kind = form.needed("business_name", words("business_name")), form.email(), form.text("kind")
    form.labels |= {"kind": words("account_kind"), "terms": words("account_terms", seller="")}
    if kind not in BUSINESSES:
        form.wrong("kind", "required")
    accepted = account.tos_acceptance["date"] is not None
    if not accepted and form.text("terms") != "yes":
        form.wrong("terms", "account_accept")
    if form.errors or name is None:
        return None
    changes: dict[str, Any] = {
        "business_profile": {
            **account.business_profile,
            "name": name[:LONGEST_NAME],
            "support_phone": form.text("phone"),
        },
        "business_type": kind,
        "email": email,
    }
    if not accepted:
        changes["tos_acceptance"] = {**account.tos_acceptance, "date": int(tx.wall.timestamp()), "ip": ip}
    return changes


@dataclass(frozen=True, slots=True)
class Shown:
    """What the form is about, and at which address it stands."""

    form: Form
    account: ConnectedAccount
    platform: str
    address: str
    test: bool


def shown(view: Shown, token: str) -> flask.Response:
    form, account, words = view.form, view.account, view.form.words
    country = dict(countries_of(words)).get(account.country, account.country)
    return frame.page(
        "account_page.html",
        words.language,
        422 if form.errors else 200,
        accepted=account.tos_acceptance["date"] is not None,
        address=view.address,
        country=country,
        form=form,
        kinds=[(kind, words(f"account_{kind}")) for kind in BUSINESSES],
        ready=account.details_submitted,
        seller=view.platform,
        test=view.test,
        token=token,
    )


def done(account: ConnectedAccount, platform: str, form: Form, *, test: bool) -> flask.Response:
    """Say that the details are saved, and lead back to the platform."""
    back = (account.link or {}).get("return_url")
    return said(form, platform, "account_done", back, test=test)


def over(account: ConnectedAccount, platform: str, form: Form, *, test: bool) -> flask.Response:
    """Say that the address has expired, and lead to where the platform makes a new one."""
    again = (account.link or {}).get("refresh_url")
    return said(form, platform, "account_over", again, test=test)


def said(form: Form, platform: str, key: str, target: str | None, *, test: bool) -> flask.Response:
    """Say one thing; the browser then goes on to the platform by itself."""
    words, is_over = form.words, key == "account_over"
    return frame.page(
        "message.html",
        words.language,
        410 if is_over else 200,
        key=key,
        kind="bad" if is_over else "good",
        link=(words("account_back"), target) if target else None,
        refresh=f"1;url={target}" if target else None,
        seller=platform,
        test=test,
        texts=[words("account_over_text", seller=platform)] if is_over else [],
    )
