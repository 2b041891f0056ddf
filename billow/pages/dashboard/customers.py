"""Show the customers, and one of them: what they owe, what they pay for, and what happened."""

from collections.abc import Sequence
from typing import Any

import flask

from billow.api import rows
from billow.pages.dashboard import facts, invoices, layout, subscriptions
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column, List, Place, Tab
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_method import PaymentMethod
from billow.resources.subscription import Subscription
from billow.resources.tax_id import TaxId
from billow.store.tx import Tx

OWED = (
    "select customer, currency, sum(amount_due - amount_paid)::bigint as owed,"
    " coalesce(sum(amount_due - amount_paid) filter (where due_date < %(now)s), 0)::bigint as overdue"
    " from invoices where customer = any(%(ids)s) and status = 'open' group by customer, currency"
)
HAS_OPEN = "exists (select 1 from invoices i where i.customer = customers.id and i.status = 'open')"


def owed(tx: Tx, found: Sequence[Customer]) -> dict[str, list[dict[str, Any]]]:
    """Return what customers owe by currency, and how much of it is overdue."""
    by_customer: dict[str, list[dict[str, Any]]] = {}
    for row in tx.all(OWED, ids=[one.id for one in found], now=tx.now):
        by_customer.setdefault(row["customer"], []).append(row)
    return by_customer


def name_of(customer: Customer) -> str:
    return customer.name or customer.email or customer.id


def row(place: Place, owing: Any, one: Customer) -> list[Cell]:
    due = owing.get(one.id, [])
    first = layout.amount(due[0]["owed"], due[0]["currency"]) if due else NOTHING
    late = layout.amount(due[0]["overdue"], due[0]["currency"]) if due and due[0]["overdue"] else NOTHING
    return [
        Cell(
            name_of(one),
            link=place.visit.to(f"/customers/{one.id}"),
            below=(one.email if one.name else "") or "",
        ),
        first,
        late,
        Cell((one.currency or "").upper()) if one.currency else NOTHING,
        facts.text((one.address or {}).get("country")),
        layout.day(one.created, place.zone),
    ]


LIST = List(
    noun=Customer,
    path="/customers",
    title="Customers",
    one="customer",
    about="Name, mail address or id",
    columns=(
        Column("Customer"),
        Column("Open", True),
        Column("Overdue", True),
        Column("Currency"),
        Column("Country"),
        Column("Created"),
    ),
    row=row,
    load=owed,
    tabs=(Tab("open", "With open invoices", HAS_OPEN), Tab("late", "Delinquent", "delinquent")),
    found="name ilike %(like)s or email ilike %(like)s or id = %(text)s",
    narrowed=(),
    new=("/customers/new", "New customer", "customers.write"),
)


def add(app: flask.Flask, desk: Desk) -> None:
    add_list(app, desk, LIST)
    screen(app, desk, "/customers/<id>", "customers.read", shown)


WAYS = (
    ("edit", "Edit", "customers.write"),
    ("tax-number", "Tax numbers", "customers.write"),
    ("invoice", "New invoice", "invoices.write"),
    ("subscribe", "New subscription", "subscriptions.write"),
)
"""The screens that change a customer or bill it: the last part of the path, the button, and the right."""


def ways_of(visit: Visit, customer: Customer) -> list[tuple[str, str]]:
    """Return the addresses and words of what this person may do with a customer that is not deleted."""
    if customer.deleted:
        return []
    path = f"/customers/{customer.id}"
    return [(visit.to(f"{path}/{last}"), words) for last, words, right in WAYS if visit.may(right)]


def shown(visit: Visit, id: str) -> flask.Response:
    with visit.reads() as tx:
        customer = rows.find(tx, Customer, id, deleted=True)
        place = facts.place_of(visit, tx)
        due = owed(tx, [customer]).get(customer.id, [])
        subscribed = rows.select(
            tx, Subscription, "customer = %(id)s", "order by created desc limit 10", id=id
        )
        billed = rows.select(tx, Invoice, "customer = %(id)s", "order by created desc limit 10", id=id)
        methods = rows.select(tx, PaymentMethod, "customer = %(id)s", "order by created desc limit 10", id=id)
        values: dict[str, Any] = {
            "tiles": tiles(due, customer),
            "why": why_not_charged(customer, due, methods),
            "subscriptions": [
                subscriptions.row(place, subscriptions.LIST.load(tx, subscribed), one) for one in subscribed
            ],
            "invoices": [invoices.row(place, None, one) for one in billed],
            "methods": [(said(one), one.id == default_of(customer)) for one in methods],
            "numbers": [number_row(one) for one in tax_numbers(tx, id)],
            "story": facts.story(tx, place, [id, *(one.id for one in (*subscribed, *billed))]),
            "pairs": pairs(place, customer),
            "metadata": facts.metadata(customer),
            "clock": facts.clock_of(tx, visit, customer.test_clock),
        }
    return layout.page(
        visit,
        "customer.html",
        name_of(customer),
        customer=customer,
        more=visit.to("/invoices", customer=id),
        ways=ways_of(visit, customer),
        focus=visit.to(f"/customers/{id}/focus.csv") if visit.may("exports.read") else None,
        subscription_columns=subscriptions.LIST.columns,
        invoice_columns=invoices.LIST.columns,
        **values,
    )


def tax_numbers(tx: Tx, customer: str) -> list[TaxId]:
    return rows.select(tx, TaxId, "customer = %(id)s", "order by created, id", id=customer)


def number_row(one: TaxId) -> tuple[str, Cell]:
    """Return a tax number, and what a register says of it where one can be asked."""
    status = (one.verification or {}).get("status")
    said = None if status == "unavailable" else status
    return one.value, layout.badge(said, {"verified": "good", "unverified": "bad", "pending": "info"})


def default_of(customer: Customer) -> str | None:
    found: str | None = (customer.invoice_settings or {}).get(
        "default_payment_method"
    ) or customer.default_source
    return found


def said(method: PaymentMethod) -> str:
    """Return what tells a payment method from others."""
    shown = getattr(method, method.type, None) or {}
    parts = [shown.get("brand") or method.type.replace("_", " "), shown.get("last4")]
    if shown.get("exp_month"):
        parts.append(f"until {shown['exp_month']:02}/{shown['exp_year']}")
    return " ".join(str(part) for part in parts if part)


def tiles(due: Sequence[dict[str, Any]], customer: Customer) -> list[tuple[str, Cell]]:
    """Return the figures on top; several currencies are never added up."""
    found = []
    for one in due:
        found.append(("Open", layout.amount(one["owed"], one["currency"])))
        if one["overdue"]:
            found.append(("Overdue", layout.amount(one["overdue"], one["currency"])))
    if customer.balance:
        title = "Credit balance" if customer.balance < 0 else "Added to the next invoice"
        found.append((title, layout.amount(abs(customer.balance), customer.currency or "usd")))
    return found or [("Open", Cell("Nothing"))]


def why_not_charged(
    customer: Customer, due: Sequence[dict[str, Any]], methods: Sequence[PaymentMethod]
) -> str | None:
    """Say why money that is due is not collected, where that is the customer's own settings."""
    if not due or default_of(customer):
        return None
    if methods:
        return "There is a payment method, but none is the default: automatic invoices are not charged."
    return "There is no payment method: automatic invoices wait for one."


def pairs(place: Place, customer: Customer) -> list[tuple[str, Cell]]:
    address = customer.address or {}
    lines = [address.get(name) for name in ("line1", "line2", "postal_code", "city", "state", "country")]
    return [
        ("Id", facts.id_of(customer.id)),
        ("Mail address", facts.text(customer.email)),
        ("Phone", facts.text(customer.phone)),
        ("Address", facts.text(", ".join(line for line in lines if line))),
        ("Language", facts.text(", ".join(customer.preferred_locales or []))),
        (
            "Tax",
            facts.text(
                {"exempt": "Exempt", "reverse": "Reverse charge"}.get(customer.tax_exempt or "", "Taxed")
            ),
        ),
        ("Currency", facts.text((customer.currency or "").upper())),
        ("Test clock", facts.text(customer.test_clock)),
        ("Created", Cell(layout.when(customer.created, place.zone))),
    ]
