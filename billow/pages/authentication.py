"""Serve the page on which a customer confirms to the bank: a payment, an invoice, or a method to save."""

from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import flask

from billow.api import rows
from billow.core.errors import Unavailable
from billow.flows.checkout import confirmations
from billow.flows.outside.outside import Outside
from billow.flows.outside.seller import seller_of
from billow.flows.papers import links
from billow.flows.payments import actions
from billow.flows.payments.actions import Intent
from billow.pages import elsewhere, frame, sealed
from billow.pages.elsewhere import preferred
from billow.pages.words import Words
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.store.perform import perform
from billow.store.tx import Database, Tx

ADDRESS = "/a/<account>/<mode>/<intent>/<seal>"


def add(app: flask.Flask, db: Database, outside: Outside) -> None:
    """Add the page. It reads the state from what is stored, never from what its address says."""

    def back(tenant: str, id: str, address: str) -> flask.Response:
        """Take a customer back from the bank's page: the gateway says what was answered there."""

        def look(tx: Tx) -> Any:
            tx, intent = yield from actions.complete(tx, id)
            return go_on(tx, outside, intent)

        try:
            answer: flask.Response = perform(lambda: db.transaction(tenant), look)
        except Unavailable:
            words, here = preferred(), f"{address}/back"
            more = {"link": (words("refresh"), here), "refresh": f"5;url={here}"}
            with db.transaction(tenant) as tx:
                return elsewhere.said(tx, "info", "busy", words("busy_text"), **more)
        return answer

    def view(tenant: str, id: str, address: str) -> flask.Response:
        request = flask.request
        with db.transaction(tenant) as tx:
            intent = actions.find(tx, id)
            if intent.status != "requires_action":
                return leave(tx, outside, intent)
            if request.method == "GET":
                url = confirmations.elsewhere(tx, id)
                if url:
                    return elsewhere.led_to(tx, url, "confirm", "elsewhere_bank")
                return asked(tx, outside, intent, address)
        if not frame.is_ours(outside, address, request.form, request.headers):
            return frame.see(address)
        passed = request.form.get("answer") == "yes"

        def confirm(tx: Tx) -> Any:
            tx = yield from confirmations.confirm(tx, id, passed)
            return leave(tx, outside, actions.find(tx, id))

        answer: flask.Response = perform(lambda: db.transaction(tenant), confirm)
        return answer

    for path, name, shown, methods in (
        (ADDRESS, "authentication", view, ["GET", "POST"]),
        (f"{ADDRESS}/back", "authentication return", back, ["GET"]),
    ):
        app.add_url_rule(
            path,
            name,
            sealed.page(outside, "action", shown),
            methods=methods,
            provide_automatic_options=False,
        )


def go_on(tx: Tx, outside: Outside, intent: Intent) -> flask.Response:
    """Lead on from the bank's page; one who has not answered there can go there once more."""
    url = confirmations.elsewhere(tx, intent.id) if intent.status == "requires_action" else None
    if url:
        more = {"at_once": False}
        return elsewhere.led_to(tx, url, "confirm", "elsewhere_bank", **more)
    session = confirmations.session_awaiting(tx, intent.id)
    if session is not None:
        return frame.see(f"{links.checkout(tx, session.id)}/confirm")
    return leave(tx, outside, intent)


def asked(tx: Tx, outside: Outside, intent: Intent, address: str) -> flask.Response:
    """Show what the bank asks."""
    words = preferred()
    return frame.page(
        "confirm.html",
        words.language,
        address=address,
        amount=amount_of(intent, words),
        seller=seller_of(tx).name,
        **frame.branded(tx),
        test=not tx.livemode,
        token=frame.token_of(outside, address),
    )


def amount_of(intent: Intent, words: Words) -> str | None:
    """Return what is charged; None where a method is only saved."""
    if isinstance(intent, PaymentIntent):
        return frame.money(intent.amount, intent.currency, words)
    return None


def leave(tx: Tx, outside: Outside, intent: Intent) -> flask.Response:
    """Go back to the invoice, or to where the intent says; the state is in the address for convenience."""
    if isinstance(intent, PaymentIntent) and intent.invoice:
        return frame.see(links.url_of(tx, rows.find(tx, Invoice, intent.invoice).id))
    words, target = preferred(), return_address(intent)
    done = intent.status in SUCCEEDED
    amount = amount_of(intent, words)
    text = words("complete_paid", amount=amount, seller=seller_of(tx).name)
    return frame.page(
        "message.html",
        words.language,
        key="complete" if done else "declined",
        kind="good" if done else "bad",
        link=(words("continue_to", name=seller_of(tx).name), target) if target else None,
        refresh=f"0;url={target}" if target else None,
        seller=seller_of(tx).name,
        **frame.branded(tx),
        test=not tx.livemode,
        texts=[text if amount else words("complete_saved")] if done else [],
    )


SUCCEEDED = ("processing", "requires_capture", "requires_confirmation", "succeeded")


def return_address(intent: Intent) -> str | None:
    """Return the address that the intent names, with what Stripe's libraries read from it."""
    if intent.return_url is None:
        return None
    state = {
        intent.object: intent.id,
        f"{intent.object}_client_secret": intent.client_secret,
        "redirect_status": "succeeded" if intent.status in SUCCEEDED else "failed",
    }
    parts = urlsplit(intent.return_url)
    query = "&".join(part for part in (parts.query, urlencode(state)) if part)
    return urlunsplit(parts._replace(query=query))
