"""Lead customers to a page of the gateway's, where they enter a method, and take them back from there."""

from typing import Any

import flask

from billow.api import rows
from billow.core.errors import Refused, Unavailable
from billow.flows.checkout import method_collections
from billow.flows.checkout.method_collections import Taken, Wanted
from billow.flows.outside.outside import Outside
from billow.flows.outside.seller import seller_of
from billow.flows.papers import links
from billow.pages import frame, sealed
from billow.pages.words import Words, words_of
from billow.resources.checkout_session import CheckoutSession
from billow.resources.method_collection import MethodCollection
from billow.store.perform import perform
from billow.store.tx import Database, Tx

ADDRESS = "/g/<account>/<mode>/<collection>/<seal>"


def add(app: flask.Flask, db: Database, outside: Outside) -> None:
    """Add the pages that lead to the gateway and back. What their addresses say besides is not read."""

    def out(tenant: str, id: str, address: str) -> flask.Response:
        with db.transaction(tenant) as tx:
            found = rows.find(tx, MethodCollection, id)
            if found.state != "open" or found.url is None:
                return frame.see(method_collections.page_of(tx, found))
            return led_to(tx, found.url, "elsewhere", "elsewhere_text")

    def back(tenant: str, id: str, address: str) -> flask.Response:
        words = preferred()
        try:
            taken: Taken = perform(lambda: db.transaction(tenant), taking, id)
        except Unavailable:
            here = f"{address}/back"
            more = {"link": (words("refresh"), here), "refresh": f"5;url={here}"}
            with db.transaction(tenant) as tx:
                return said(tx, "info", "busy", words("busy_text"), **more)
        except Refused as refused:
            taken = Taken(MethodCollection(), declined=refused.message)
        with db.transaction(tenant) as tx:
            found = rows.find(tx, MethodCollection, id)
            page = next_page(tx, found, taken)
            declined = taken.declined or (found.error if found.state == "failed" else None)
            if declined:
                text, link = words("declined_text", reason=declined), (words("try_again"), page)
                return said(tx, "bad", "declined", text, link=link)
            if found.state == "open" and found.url and not taken.waits:
                link = (words("go_on"), address)
                return said(tx, "info", "not_entered", words("not_entered_text"), link=link)
        return frame.see(page)

    for path, name, view in ((ADDRESS, "gateway page", out), (f"{ADDRESS}/back", "gateway return", back)):
        app.add_url_rule(
            path,
            name,
            sealed.page(outside, "method collection", view),
            methods=["GET"],
            provide_automatic_options=False,
        )


def taking(tx: Tx, id: str) -> Any:
    _, taken = yield from method_collections.take(tx, id)
    return taken


def next_page(tx: Tx, found: MethodCollection, taken: Taken) -> str:
    """Return the page that follows: the bank's question, what was bought or saved, or the page that asked."""
    page = method_collections.page_of(tx, found)
    if taken.awaits:
        return links.authentication(tx, taken.awaits)
    if found.page == "method" and found.state == "taken" and not taken.declined:
        return f"{page}?done=1"
    if found.page == "checkout" and rows.find(tx, CheckoutSession, found.about).status == "complete":
        return f"{page}/done"
    return page


def lead(db: Database, tenant: str, wanted: Wanted, page: str) -> flask.Response:
    """Open the gateway's page and lead there; say so where it does not answer."""
    words = preferred()
    try:
        return frame.see(perform(lambda: db.transaction(tenant), method_collections.begin, wanted))
    except Unavailable:
        text, status = words("no_answer"), 503
    except Refused as refused:
        text, status = words("declined_text", reason=refused.message), 422
    link = (words("try_again"), page)
    with db.transaction(tenant) as tx:
        return said(tx, "bad", "declined", text, link=link, status=status)


def led_to(tx: Tx, url: str, key: str, text: str, *, at_once: bool = True) -> flask.Response:
    """Show a page that leads to an address elsewhere.

    A form of ours may not end there: browsers follow no redirect of a form to another site (`form-action`).
    """
    words = preferred()
    link, refresh = (words("go_on"), url), f"0;url={url}" if at_once else None
    return said(tx, "info", key, words(text), link=link, refresh=refresh)


def said(tx: Tx, kind: str, key: str, text: str, **more: Any) -> flask.Response:
    """Show a page of the seller's with one thing to say."""
    given = {"link": None, "refresh": None, "status": 200, **more}
    return frame.page(
        "message.html",
        preferred().language,
        key=key,
        kind=kind,
        seller=seller_of(tx).name,
        **frame.branded(tx),
        test=not tx.livemode,
        texts=[text],
        **given,
    )


def preferred() -> Words:
    """Return the words of the language that the browser prefers."""
    return words_of(frame.language_of_browser())
