"""Add all screens of the dashboard."""

import flask

from billow.pages.dashboard import (
    approvals_page,
    audit_page,
    coupons,
    credit_notes,
    customers,
    disputes,
    entrance,
    events,
    home,
    invoices,
    keys,
    meters,
    money_acts,
    payments,
    payouts,
    people_page,
    price_editor,
    price_page,
    product_forms,
    products,
    quotes,
    reports_page,
    search,
    subscription_acts,
    subscription_new,
    subscriptions,
    test_clocks_page,
    webhooks,
)
from billow.pages.dashboard.visit import Desk
from billow.store.tx import Database


def add(app: flask.Flask, db: Database) -> None:
    """Add the dashboard to the pages that are served."""
    desk = Desk(db)
    for one in (
        entrance,
        home,
        customers,
        subscriptions,
        subscription_acts,
        subscription_new,
        quotes,
        invoices,
        credit_notes,
        payments,
        money_acts,
        disputes,
        payouts,
        products,
        product_forms,
        price_editor,
        price_page,
        meters,
        coupons,
        reports_page,
        keys,
        test_clocks_page,
        events,
        webhooks,
        approvals_page,
        people_page,
        audit_page,
        search,
    ):
        one.add(app, desk)
