"""Serve the page to which mails about failed payments lead: add a card, and pay what is open with it."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, unquote

import flask

from billow.api import rows
from billow.core.errors import Refused, Unavailable
from billow.flows.checkout import decline_limit, invoice_payments
from billow.flows.checkout.invoice_payments import Paid
from billow.flows.checkout.method_collections import Wanted
from billow.flows.checkout.purchase import Payer
from billow.flows.outside.outside import Outside
from billow.flows.outside.seller import seller_of
from billow.flows.papers import links, method_links
from billow.pages import elsewhere, entry, frame, sealed
from billow.pages.forms import Form
from billow.pages.hosted_invoice import language_of
from billow.pages.words import Words, words_of
from billow.resources import payment_method_configuration as configurations
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.portal_configuration import PortalConfiguration
from billow.resources.portal_session import PortalSession
from billow.store.perform import perform
from billow.store.tx import Database, Tx

PORTAL = re.compile(r"/p/([^/]+/[^/]+)/([^/]+)/([^/?]+)")
ADDRESS = "/m/<account>/<mode>/<about>/<seal>"


def add(app: flask.Flask, db: Database, outside: Outside) -> None:
    """Add the page. It can add a method and pay what it lists, and nothing else: it needs no sign-in."""

    def view(tenant: str, about: str, address: str) -> flask.Response:
        customer, _, invoice = about.partition(".")
        request = flask.request
        with db.transaction(tenant) as tx:
            payer = rows.find(tx, Customer, customer)
            words = words_of(language_of(payer))
            due = invoice_payments.due_of(tx, customer, invoice)
            back = portal_of(outside, tenant, request.args.get("portal", ""))
            address = f"{address}?portal={quote(back)}" if back else address
            if request.args.get("done"):
                return done(tx, outside, words, invoice)
            form = Form(words, request.form)
            if decline_limit.is_reached(tx, payer):
                return frame.too_often(tx, words)
            if request.method == "GET":
                return shown(tx, outside, address, form, due)
            if not frame.is_ours(outside, address, request.form, request.headers):
                return frame.see(address)
            takes = entry.of(tx, types=types_of(tx, back))
            chosen = takes.chosen(form.given.get("method"))
            card = form.card(tx.now) if chosen == "card" else None
            iban = form.iban() if chosen == "sepa_debit" else None
            if form.errors or chosen is None:
                return shown(tx, outside, address, form, due)
        if chosen == "elsewhere":
            more = {"invoices": [one.id for one in due]}
            wanted = Wanted("method", about, takes.elsewhere, None, Payer(), more)
            return elsewhere.lead(db, tenant, wanted, address)
        said = entry.accepted()
        entered = Payer(name=form.holder(), email=payer.email, card=card, iban=iban, accepted=said)

        def update(tx: Tx) -> Any:
            return invoice_payments.update_method(tx, customer, [one.id for one in due], entered)

        try:
            result: Paid = perform(lambda: db.transaction(tenant), update)
        except Unavailable:
            result = Paid()
        except Refused as refused:
            result = Paid(declined=refused.message)
        with db.transaction(tenant) as tx:
            if result.awaits:
                return frame.see(links.authentication(tx, result.awaits))
            if not result.declined:
                return frame.see(f"{back or address}?done=1")
            form.declined = form.words.decline(result.reason, result.declined)
            return shown(tx, outside, address, form, invoice_payments.due_of(tx, customer, invoice))

    app.add_url_rule(
        ADDRESS,
        "method update",
        sealed.page(outside, method_links.KIND, view),
        methods=["GET", "POST"],
        provide_automatic_options=False,
    )


def portal_in(address: str) -> str | None:
    """Return the address of the portal's session that the address of this page names, which was checked."""
    _, _, back = address.partition("?portal=")
    return unquote(back) or None


def portal_of(outside: Outside, tenant: str, address: str) -> str | None:
    """Return the address of the session of the portal that the customer came from, if it is one of ours."""
    found = PORTAL.fullmatch(address)
    if not found or found[1] != tenant:
        return None
    return address if links.is_sealed(outside, tenant, found[2], found[3], "portal session") else None


def types_of(tx: Tx, back: str | None) -> Sequence[str]:
    """Return the types of methods that the page takes: cards, or what the portal that it is of offers.

    The portal's configuration names a configuration of payment methods; else the account's default counts.
    """
    found = PORTAL.fullmatch(back or "")
    if not found:
        return entry.CARDS
    session = rows.find(tx, PortalSession, found[2])
    feature = rows.find(tx, PortalConfiguration, session.configuration).features["payment_method_update"]
    named = feature["payment_method_configuration"]
    offers = configurations.find(tx, named) if named else configurations.the_default(tx)
    return configurations.types_on(offers)


def shown(tx: Tx, outside: Outside, address: str, form: Form, due: list[Invoice]) -> flask.Response:
    """Show the form, with what it will charge before anything is entered."""
    words = form.words
    charges = [
        words(
            "method_text",
            amount=frame.money(one.amount_due - one.amount_paid, one.currency, words),
            number=one.number or one.id,
        )
        for one in due
    ]
    owed = invoice_payments.shown_amount(due)
    amounts = " + ".join(frame.money(amount, currency, words) for currency, amount in owed.items())
    button = words("pay_amount", amount=amounts) if due else words("save_method")
    return frame.page(
        "method_page.html",
        words.language,
        422 if form.errors or form.declined else 200,
        address=address,
        button=button,
        charges=charges,
        entry=entry.of(tx, types=types_of(tx, portal_in(address))),
        form=form,
        seller=seller_of(tx).name,
        **frame.branded(tx),
        test=not tx.livemode,
        token=frame.token_of(outside, address),
    )


def done(tx: Tx, outside: Outside, words: Words, invoice: str) -> flask.Response:
    """Say what became of it, from what is stored and not from the address."""
    found = rows.find_many(tx, Invoice, [invoice]).get(invoice)
    texts = []
    if found is not None and found.status == "paid":
        texts = [words("method_done_paid", number=found.number or found.id)]
    elif found is not None and found.status == "open":
        texts = [words("busy_text")]
    return frame.page(
        "message.html",
        words.language,
        key="method_done",
        kind="good",
        link=None,
        refresh=None,
        seller=seller_of(tx).name,
        **frame.branded(tx),
        test=not tx.livemode,
        texts=texts,
    )
