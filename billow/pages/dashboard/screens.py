"""Add all screens of the dashboard."""

import flask

from billow.pages.dashboard import (
    approvals_page,
    audit_page,
    bank,
    bank_entry_page,
    coupons,
    credit_notes,
    customers,
    disputes,
    entrance,
    events,
    home,
    invoices,
    ledger,
    money_acts,
    payments,
    payouts,
    people_page,
    periods_page,
    products,
    quotes,
    reports_page,
    runs_page,
    search,
    set_up_page,
    settings_page,
    subscriptions,
    views_page,
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
        quotes,
        invoices,
        runs_page,
        credit_notes,
        payments,
        money_acts,
        disputes,
        payouts,
        bank,
        bank_entry_page,
        products,
        coupons,
        reports_page,
        ledger,
        periods_page,
        events,
        webhooks,
        approvals_page,
        settings_page,
        set_up_page,
        people_page,
        audit_page,
        search,
        views_page,
    ):
        one.add(app, desk)
