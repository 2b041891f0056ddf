"""Serve the page that a session of the billing portal leads to: subscriptions, methods and invoices."""

from contextlib import suppress
from typing import Any

import flask

from billow.api import rows
from billow.core import lifecycle
from billow.core.errors import Refused
from billow.flows.outside.outside import Outside
from billow.flows.outside.seller import seller_of
from billow.flows.papers import method_links
from billow.flows.portal import choices
from billow.pages import checkout_view, frame, hosted_invoice, sealed
from billow.pages.words import Words, words_of
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.portal_configuration import PortalConfiguration
from billow.resources.portal_session import PortalSession
from billow.resources.price import Price
from billow.resources.product import Product
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store import clocks
from billow.store.perform import perform
from billow.store.tx import Database, Tx

ADDRESS = "/p/<account>/<mode>/<session>/<seal>"
TONES = {"active": "good", "trialing": "info", "past_due": "bad", "unpaid": "bad", "paused": ""}
MOST = 24
"""How many invoices the page lists."""


def add(app: flask.Flask, db: Database, outside: Outside) -> None:
    """Add the page. A session that is over is answered like no such address."""

    def view(tenant: str, id: str, address: str) -> flask.Response:
        request = flask.request
        with db.transaction(tenant) as tx:
            session = rows.find(tx, PortalSession, id)
            if session.expires_at <= tx.wall:
                return frame.gone(session.locale, test=not tx.livemode)
            configuration = rows.find(tx, PortalConfiguration, session.configuration)
            customer = rows.find(tx, Customer, session.customer)
            tx = clocks.enter(tx, customer.test_clock)
            if request.method == "GET":
                language = session.locale if session.locale not in (None, "auto") else None
                words = words_of(language or hosted_invoice.language_of(customer))
                return shown(tx, outside, session, configuration, customer, words, address)
        if frame.is_ours(outside, address, request.form, request.headers):
            chosen = (request.form.get("subscription", ""), request.form.get("action", ""))
            about = (customer.id, configuration.id, *chosen)
            with suppress(Refused):  # what is no longer possible is no longer there on the page
                perform(lambda: db.transaction(tenant), choices.change, *about)
        return frame.see(address)

    app.add_url_rule(
        ADDRESS,
        "portal",
        sealed.page(outside, "portal session", view),
        methods=["GET", "POST"],
        provide_automatic_options=False,
    )


def shown(
    tx: Tx,
    outside: Outside,
    session: PortalSession,
    configuration: PortalConfiguration,
    customer: Customer,
    words: Words,
    address: str,
) -> flask.Response:
    """Show what the configuration allows; what it does not allow is not there."""
    features = configuration.features
    cancels = features["subscription_cancel"]["enabled"]
    return frame.page(
        "portal.html",
        words.language,
        add_method=method_links.update_method(tx, customer.id),
        address=address,
        back=session.return_url,
        default=customer.invoice_settings["default_payment_method"],
        invoices=invoices(tx, customer, words) if features["invoice_history"]["enabled"] else None,
        methods=hosted_invoice.saved(tx, customer.id)
        if features["payment_method_update"]["enabled"]
        else None,
        seller=seller_of(tx).name,
        subscriptions=[one_shown(tx, one, words, cancels=cancels) for one in current(tx, customer)],
        test=not tx.livemode,
        token=frame.token_of(outside, address),
    )


def current(tx: Tx, customer: Customer) -> list[Subscription]:
    return rows.select(
        tx,
        Subscription,
        "customer = %(id)s and status <> all(%(ended)s) and not provisional",
        id=customer.id,
        ended=list(lifecycle.ENDED),
    )


def one_shown(tx: Tx, one: Subscription, words: Words, *, cancels: bool) -> dict[str, Any]:
    """Return a subscription as it is shown: what it is, and when it renews or ends."""
    items = rows.below(tx, SubscriptionItem, "subscription", [one.id])[one.id]
    prices = rows.find_many(tx, Price, [item.price for item in items])
    products = rows.find_many(tx, Product, [price.product for price in prices.values()])
    ends = min(item.current_period_end for item in items)
    stops = one.cancel_at_period_end or one.cancel_at is not None
    at = checkout_view.day(one.cancel_at or ends, words)
    return {
        "about": words("portal_ends" if stops else "portal_renews", date=at),
        "can": ("keep" if one.cancel_at_period_end else "" if stops else "cancel") if cancels else "",
        "id": one.id,
        "name": ", ".join(product.name for product in products.values()),
        "status": words(f"status_{one.status}"),
        "tone": TONES.get(one.status, ""),
    }


def invoices(tx: Tx, customer: Customer, words: Words) -> list[dict[str, Any]]:
    """Return the invoices of a customer, the newest first, each with its page."""
    found = rows.select(
        tx,
        Invoice,
        "customer = %(id)s and status <> 'draft'",
        "order by created desc, id desc limit %(most)s",
        id=customer.id,
        most=MOST,
    )
    return [
        {
            "amount": frame.money(one.total, one.currency, words),
            "date": checkout_view.day(one.finalized_at or one.created, words),
            "number": one.number,
            "status": words(f"status_{one.status}"),
            "tone": {"paid": "good", "open": "info"}.get(one.status, ""),
            "url": one.hosted_invoice_url,
        }
        for one in found
    ]
