"""Find anything from one box: an id, a number, a name, a mail address or an amount."""

import re
from decimal import Decimal
from typing import Any

import flask

from billow.api import rows
from billow.core.money import THREE_DECIMAL, ZERO_DECIMAL
from billow.pages import frame
from billow.pages.dashboard import customers, facts, invoices, layout
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.store.tx import Tx

SCREENS = {
    "cus_": "/customers",
    "sub_": "/subscriptions",
    "in_": "/invoices",
    "pi_": "/payments",
    "prod_": "/products",
    "evt_": "/events",
}
"""The screen of an object by the beginning of its id."""
MOST = 10


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/search", "customers.read", shown)


def shown(visit: Visit) -> flask.Response:
    text = flask.request.args.get("q", "").replace("\x00", "").strip()[:200]
    path = next((path for prefix, path in SCREENS.items() if text.startswith(prefix)), None)
    if path and re.fullmatch(r"[A-Za-z0-9_]+", text):
        return frame.see(visit.to(f"{path}/{text}"))
    with visit.reads() as tx:
        place = facts.place_of(visit, tx)
        found = found_customers(tx, text) if text else []
        billed = found_invoices(tx, text) if text else []
        values: dict[str, Any] = {
            "customers": [customers.row(place, customers.owed(tx, found), one) for one in found],
            "invoices": [invoices.row(place, None, one) for one in billed],
        }
    return layout.page(
        visit,
        "search.html",
        f"Search: {text}" if text else "Search",
        customer_columns=customers.LIST.columns,
        invoice_columns=invoices.LIST.columns,
        **values,
    )


def pattern(text: str) -> str:
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def found_customers(tx: Tx, text: str) -> list[Customer]:
    return rows.select(
        tx,
        Customer,
        "(name ilike %(like)s or email ilike %(like)s) and not deleted",
        f"order by created desc limit {MOST}",
        like=pattern(text),
    )


def found_invoices(tx: Tx, text: str) -> list[Invoice]:
    """Find invoices by number, or by an amount as it is written, in any currency: 1,234.50 or ¥500."""
    amount = re.fullmatch(r"\D{0,4}(\d[\d,]{0,15}(?:\.\d{1,3})?)\D{0,4}", text)
    value = Decimal(amount[1].replace(",", "")) if amount else None
    return rows.select(
        tx,
        Invoice,
        "number ilike %(like)s or total = %(value)s::numeric * case when currency = any(%(whole)s) then 1"
        " when currency = any(%(thousandths)s) then 1000 else 100 end",
        f"order by created desc limit {MOST}",
        like=pattern(text),
        value=value,
        whole=sorted(ZERO_DECIMAL),
        thousandths=sorted(THREE_DECIMAL),
    )
