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
    focus_file,
    home,
    invoices,
    money_acts,
    payments,
    payouts,
    people_page,
    products,
    quotes,
    reports_page,
    search,
    subscriptions,
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
        focus_file,
        subscriptions,
        quotes,
        invoices,
        credit_notes,
        payments,
        money_acts,
        disputes,
        payouts,
        products,
        coupons,
        reports_page,
        events,
        webhooks,
        approvals_page,
        people_page,
        audit_page,
        search,
    ):
        one.add(app, desk)
