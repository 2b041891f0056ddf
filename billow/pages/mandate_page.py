"""Show what a mandate allows, to anyone who has its address."""

from datetime import UTC, datetime

import flask

from billow.api import rows
from billow.flows.outside.books import zone_of
from billow.flows.outside.outside import Outside
from billow.flows.outside.seller import seller_of
from billow.pages import checkout_view, frame, sealed
from billow.pages.hosted_invoice import language_of
from billow.pages.words import words_of
from billow.resources.customer import Customer
from billow.resources.mandate import Mandate
from billow.resources.payment_method import PaymentMethod, hash_of
from billow.store.tx import Database

ADDRESS = "/d/<account>/<mode>/<mandate>/<seal>"


def add(app: flask.Flask, db: Database, outside: Outside) -> None:
    """Add the page of a mandate, in the language of its customer."""

    def view(tenant: str, id: str, address: str) -> flask.Response:
        with db.transaction(tenant) as tx:
            mandate = rows.find(tx, Mandate, id)
            method = rows.find(tx, PaymentMethod, mandate.payment_method)
            customers = rows.find_many(tx, Customer, [method.customer or ""])
            seller, zone = seller_of(tx).name, zone_of(tx)
        words = words_of(next((language_of(one) for one in customers.values()), None))
        own = mandate.payment_method_details[method.type]
        given = datetime.fromtimestamp(mandate.customer_acceptance["accepted_at"], UTC)
        text = words(
            "mandate_given",
            name=seller,
            last4=hash_of(method).get("last4") or "…",
            reference=own.get("reference") or mandate.id,
            date=checkout_view.day_in(given, words, zone),
        )
        over = [] if mandate.status == "active" else [words("mandate_over")]
        return frame.page(
            "message.html",
            words.language,
            key="mandate_page",
            kind="info" if over else "good",
            link=None,
            refresh=None,
            seller=seller,
            **frame.branded(tx),
            test=tenant.endswith("/test"),
            texts=[text, *over],
        )

    app.add_url_rule(ADDRESS, "mandate", sealed.page(outside, "mandate", view))
