"""Serve the page on which a customer confirms a payment to the bank, for invoices and payment intents."""

from typing import Any
from urllib.parse import urlencode

import flask

from billow.api import rows
from billow.flows.checkout import confirmations
from billow.flows.outside.outside import Outside
from billow.flows.papers import links
from billow.flows.payments import actions
from billow.pages import frame, sealed
from billow.pages.words import Words, words_of
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.store.perform import perform
from billow.store.tx import Database, Tx

ADDRESS = "/a/<account>/<mode>/<intent>/<seal>"


def add(app: flask.Flask, db: Database, outside: Outside) -> None:
    """Add the page. It reads the state from what is stored, never from what its address says."""

    def view(tenant: str, id: str, address: str) -> flask.Response:
        request = flask.request
        with db.transaction(tenant) as tx:
            intent = actions.find(tx, id)
            if intent.status != "requires_action":
                return leave(tx, outside, intent)
            words = words_of(request.accept_languages.best_match(["en", "sv", "de", "fr"]))
            if request.method == "GET":
                return frame.page(
                    "confirm.html",
                    words.language,
                    address=address,
                    amount=amount_of(intent, words),
                    seller=outside.seller_name,
                    test=not tx.livemode,
                    token=frame.token_of(outside, address),
                )
        if not frame.is_ours(outside, address, request.form, request.headers):
            return frame.see(address)
        passed = request.form.get("answer") == "yes"

        def confirm(tx: Tx) -> Any:
            tx = yield from confirmations.confirm(tx, id, passed)
            return leave(tx, outside, actions.find(tx, id))

        answer: flask.Response = perform(lambda: db.transaction(tenant), confirm)
        return answer

    app.add_url_rule(
        ADDRESS,
        "authentication",
        sealed.page(outside, "action", view),
        methods=["GET", "POST"],
        provide_automatic_options=False,
    )


def amount_of(intent: actions.Intent, words: Words) -> str | None:
    """Return the amount that is confirmed; none where a method is only saved."""
    return frame.money(intent.amount, intent.currency, words) if isinstance(intent, PaymentIntent) else None


def leave(tx: Tx, outside: Outside, intent: actions.Intent) -> flask.Response:
    """Go back to the invoice, or to where the intent says; the state is in the address for convenience."""
    if isinstance(intent, PaymentIntent) and intent.invoice:
        return frame.see(links.url_of(tx, rows.find(tx, Invoice, intent.invoice).id))
    words = words_of(flask.request.accept_languages.best_match(["en", "sv", "de", "fr"]))
    succeeded = intent.status in ("succeeded", "processing", "requires_capture", "requires_confirmation")
    target = intent.return_url
    if target:
        state = {
            intent.noun: intent.id,
            f"{intent.noun}_client_secret": intent.client_secret,
            "redirect_status": "succeeded" if succeeded else "failed",
        }
        target = f"{target}{'&' if '?' in target else '?'}{urlencode(state)}"
    amount = amount_of(intent, words)
    said = (
        words("complete_paid", amount=amount, seller=outside.seller_name)
        if amount
        else words("complete_saved")
    )
    return frame.page(
        "message.html",
        words.language,
        key="complete" if succeeded else "declined",
        kind="good" if succeeded else "bad",
        link=(words("continue_to", name=outside.seller_name), target) if target else None,
        refresh=f"0;url={target}" if target else None,
        seller=outside.seller_name,
        test=not tx.livemode,
        texts=[said] if succeeded else [],
    )
