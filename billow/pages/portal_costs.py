"""Serve what a customer's plans cost so far, what they will come to, and the alerts on it."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import flask
from babel.numbers import format_decimal

from billow.core import money
from billow.core.errors import Refused
from billow.flows.previews import cost_alerts, running_costs
from billow.flows.previews.running_costs import Cost, Line
from billow.pages import checkout_view, frame, portal_layout
from billow.pages.portal_entry import Entry
from billow.pages.words import Words
from billow.store.tx import Database, Tx


def shown(tx: Tx, entry: Entry, problem: str | None = None, given: str = "") -> flask.Response:
    """Show the next invoice of each subscription as of now, and the alerts."""
    costs = running_costs.costs_of(tx, entry.customer.id)
    words = entry.words
    alerts = cost_alerts.of_customer(tx, entry.customer.id)
    return portal_layout.page(
        tx,
        entry,
        "portal_costs.html",
        "costs",
        422 if problem else 200,
        alerts=[
            {
                "amount": frame.money(one.amount, one.currency, words),
                "id": one.id,
                "told": one.told_until is not None and one.told_until > tx.now,
            }
            for one in alerts
        ],
        can_add=len(alerts) < cost_alerts.MOST,
        costs=[summary(tx, entry, one) for one in costs],
        currency=currency_of(entry, costs).upper(),
        email=entry.customer.email,
        given=given,
        problem=problem,
    )


def summaries(tx: Tx, entry: Entry) -> list[dict[str, Any]]:
    """Return what the front page says of costs."""
    return [summary(tx, entry, one) for one in running_costs.costs_of(tx, entry.customer.id)]


def summary(tx: Tx, entry: Entry, cost: Cost) -> dict[str, Any]:
    """Return the cost of a subscription in words."""
    words = entry.words

    def said(amount: int) -> str:
        return frame.money(amount, cost.currency, words)

    metered = any(line.metered for line in cost.lines)
    sums = [(words("subtotal"), said(cost.subtotal))] if cost.subtotal != cost.total else []
    credited = cost.subtotal - cost.discount + cost.tax - cost.total
    sums += [(words("discount"), said(-cost.discount))] if cost.discount else []
    sums += [(words("credits_name"), said(-credited))] if credited else []
    sums += [(words("tax"), said(cost.tax))] if cost.tax else []
    sums += [(words("total"), said(cost.total))]
    sums += [(words("costs_due"), said(cost.due))] if cost.due != cost.total else []
    return {
        "date": checkout_view.day(tx, cost.at, words),
        "expected": said(cost.expected) if metered and cost.expected is not None else None,
        "lines": [(text_of(line, words), said(line.amount)) for line in cost.lines],
        "metered": metered,
        "name": portal_layout.name_of(tx, cost.subscription),
        "sums": sums,
        "total": said(cost.total),
        "usage": said(cost.usage),
    }


def text_of(line: Line, words: Words) -> str:
    """Name a line in any language: how many of what."""
    if not line.quantity:
        return line.name
    return f"{format_decimal(line.quantity, locale=words.region)} × {line.name}"


def currency_of(entry: Entry, costs: list[Cost]) -> str:
    """Return the currency of a new alert: that of the costs, or the customer's."""
    return costs[0].currency if costs else entry.customer.currency or "usd"


def sent(db: Database, tenant: str, entry: Entry, form: Mapping[str, str]) -> flask.Response:
    """Add an alert, or remove one; what is wrong with an amount is said beside it."""
    given = form.get("amount", "").strip()[:30]
    with db.transaction(tenant) as tx:
        if form.get("action") == "alert_remove":
            cost_alerts.remove(tx, entry.customer.id, form.get("about", ""))
            return frame.see(portal_layout.link(entry, show="costs"))
        currency = currency_of(entry, running_costs.costs_of(tx, entry.customer.id))
        amount = amount_of(given, currency)
        if amount is None:
            return shown(tx, entry, entry.words("alert_wrong"), given)
        try:
            cost_alerts.add(tx, entry.customer.id, amount, currency)
        except Refused:
            return shown(tx, entry, entry.words("alert_wrong"), given)
    return frame.see(portal_layout.link(entry, show="costs"))


def amount_of(text: str, currency: str) -> int | None:
    """Read an amount as people write it, in minor units; None for what is none.

    >>> amount_of("100", "eur"), amount_of("99,5", "eur"), amount_of("1.005", "eur"), amount_of("-1", "eur")
    (10000, 9950, None, None)
    """
    try:
        value = Decimal(text.replace("\N{NO-BREAK SPACE}", "").replace(" ", "").replace(",", "."))
    except InvalidOperation:
        return None
    if not value.is_finite() or value <= 0 or value > 10**9:
        return None
    minor = value * 10 ** money.minor_digits(currency)
    return int(minor) if minor == int(minor) and int(minor) <= cost_alerts.LARGEST else None
