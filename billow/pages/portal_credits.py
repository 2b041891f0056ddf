"""Serve what a customer has: money and credits that pay for later invoices, and what the plans include."""

from typing import Any

import flask

from billow.api import rows
from billow.core.errors import needed
from billow.pages import checkout_view, frame, portal_layout
from billow.pages.portal_entry import Entry
from billow.resources.active_entitlement import ActiveEntitlement
from billow.resources.credit_balance_transaction import CreditBalanceTransaction
from billow.resources.credit_grant import CreditGrant
from billow.resources.feature import Feature
from billow.store.tx import Tx

MOST = 30
"""How many movements the page lists."""


def shown(tx: Tx, entry: Entry) -> flask.Response:
    """Show the balance, the credits with their ends and movements, and the features of the plans."""
    customer, words = entry.customer, entry.words
    owed = customer.balance
    return portal_layout.page(
        tx,
        entry,
        "portal_credits.html",
        "credits",
        balance=frame.money(-owed, customer.currency or "usd", words) if owed < 0 else None,
        entitlements=entitlements(tx, customer.id),
        grants=grants(tx, entry),
        movements=movements(tx, entry),
        owed=frame.money(owed, customer.currency or "usd", words) if owed > 0 else None,
    )


def grants(tx: Tx, entry: Entry) -> list[dict[str, Any]]:
    """Return the credits that are left, those that end first at the top."""
    words = entry.words
    where = "customer = %(id)s and balance > 0 and voided_at is null"
    first = "order by expires_at nulls last, created"
    found = rows.select(tx, CreditGrant, where, first, id=entry.customer.id)
    kept = [one for one in found if one.expires_at is None or one.expires_at > tx.now]
    return [
        {
            "ends": checkout_view.day(tx, one.expires_at, words) if one.expires_at else None,
            "left": frame.money(one.balance, currency_of(one), words),
            "name": one.name or words("credits_name"),
            "of": frame.money(one.amount["monetary"]["value"], currency_of(one), words),
        }
        for one in kept
    ]


def currency_of(grant: CreditGrant) -> str:
    return str(grant.amount["monetary"]["currency"])


def movements(tx: Tx, entry: Entry) -> list[dict[str, Any]]:
    """Return what became of credits, the latest first."""
    words = entry.words
    found = rows.select(
        tx,
        CreditBalanceTransaction,
        "customer = %(id)s",
        "order by effective_at desc, id desc limit %(most)s",
        id=entry.customer.id,
        most=MOST,
    )
    shown = []
    for one in found:
        said = needed(one.credit or one.debit, "what a transaction says")
        currency = said["amount"]["monetary"]["currency"]
        shown.append(
            {
                "amount": frame.money(one.amount, currency, words),
                "date": checkout_view.day(tx, one.effective_at, words),
                "what": words(f"moved_{said['type']}"),
            }
        )
    return shown


def entitlements(tx: Tx, customer: str) -> list[str]:
    """Return the names of the features that the customer may use."""
    held = rows.select(tx, ActiveEntitlement, "customer = %(id)s", "order by lookup_key", id=customer)
    named = rows.find_many(tx, Feature, [one.feature for one in held])
    return [named[one.feature].name for one in held if one.feature in named]
