"""Show the payments, and one of them: its attempts, its refunds and what the gateway said."""

from collections.abc import Sequence
from typing import Any

import flask

from billow.api import rows
from billow.flows.approvals import approvals
from billow.pages.dashboard import customers_named, facts, layout, money_acts
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column, List, Place, Tab
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.charge import Charge
from billow.resources.payment_intent import PaymentIntent
from billow.resources.refund import Refund
from billow.store.tx import Tx

TONES = {
    "succeeded": "good",
    "processing": "info",
    "requires_action": "warn",
    "requires_capture": "info",
    "requires_payment_method": "bad",
    "failed": "bad",
    "pending": "info",
}
WORDS = {
    "requires_payment_method": "Failed or waits for a method",
    "requires_action": "Waits for the customer",
    "requires_capture": "Held",
    "requires_confirmation": "Not confirmed",
}


def state(status: str) -> Cell:
    return Cell(WORDS.get(status, status.capitalize()), "badge", tone=TONES.get(status, ""))


def row(place: Place, named: Any, one: PaymentIntent) -> list[Cell]:
    customer = customers_named.name(named, one.customer)
    return [
        Cell(one.description or one.id, link=place.visit.to(f"/payments/{one.id}"), below=customer),
        state(one.status),
        layout.amount(one.amount, one.currency),
        layout.amount(one.amount_received, one.currency) if one.amount_received else NOTHING,
        Cell(layout.when(one.created, place.zone)),
    ]


LIST = List(
    noun=PaymentIntent,
    path="/payments",
    title="Payments",
    one="payment",
    about="Id, description, or the customer's name or mail address",
    columns=(
        Column("Payment"),
        Column("Status"),
        Column("Amount", True),
        Column("Received", True),
        Column("Created"),
    ),
    row=row,
    load=lambda tx, found: customers_named.of(tx, found),
    tabs=(
        Tab("succeeded", "Succeeded", "status = 'succeeded'"),
        Tab("failed", "Failed", "status = 'requires_payment_method' and last_payment_error is not null"),
        Tab("waiting", "Waiting", "status in ('requires_action', 'processing', 'requires_capture')"),
        Tab("canceled", "Canceled", "status = 'canceled'"),
    ),
    found=("id = %(text)s or description ilike %(like)s or " + customers_named.FOUND),
)


def add(app: flask.Flask, desk: Desk) -> None:
    add_list(app, desk, LIST)
    screen(app, desk, "/payments/<id>", "customers.read", shown)


def shown(visit: Visit, id: str) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, PaymentIntent, id)
        place, named = facts.place_of(visit, tx), customers_named.of(tx, [one])
        charges = rows.select(tx, Charge, "payment_intent = %(id)s", id=id)
        refunds = rows.select(tx, Refund, "payment_intent = %(id)s", id=id)
        values: dict[str, Any] = {
            "charges": [charge_row(place, each) for each in charges],
            "refunds": [refund_row(place, each) for each in refunds],
            "story": facts.story(
                tx, place, [id, *(each.id for each in charges), *(each.id for each in refunds)]
            ),
            "pairs": pairs(place, tx, customers_named.name(named, one.customer), one),
            "metadata": facts.metadata(one),
            "problem": (one.last_payment_error or {}).get("message"),
        }
    return layout.page(
        visit,
        "payment.html",
        f"Payment of {layout.amount(one.amount, one.currency).text}",
        badge=state(one.status),
        refund=visit.to(money_acts.address("refund", id))
        if visit.may(approvals.RIGHT) and one.amount_received
        else None,
        charge_columns=(
            Column("Charge"),
            Column("Status"),
            Column("Method"),
            Column("Amount", True),
            Column("Created"),
        ),
        refund_columns=(Column("Refund"), Column("Status"), Column("Amount", True), Column("Created")),
        **values,
    )


def charge_row(place: Place, one: Charge) -> list[Cell]:
    details = one.payment_method_details or {}
    kind = details.get("type") or ""
    method = details.get(kind) or {}
    said = " ".join(str(part) for part in (method.get("brand") or kind, method.get("last4")) if part)
    return [
        Cell(one.id, below=one.failure_message or ""),
        layout.badge(one.status, TONES),
        facts.text(said.replace("_", " ")),
        layout.amount(one.amount, one.currency),
        Cell(layout.when(one.created, place.zone)),
    ]


def refund_row(place: Place, one: Refund) -> list[Cell]:
    return [
        Cell(one.id, below=(one.reason or "").replace("_", " ")),
        layout.badge(one.status, TONES),
        layout.amount(one.amount, one.currency),
        Cell(layout.when(one.created, place.zone)),
    ]


def invoices_of(tx: Tx, intent: PaymentIntent) -> Sequence[tuple[str, str]]:
    """Return the invoices that a payment pays, with their numbers."""
    return tx.tuples(
        "select i.id, coalesce(i.number, i.id) from invoice_payments p join invoices i on i.id = p.invoice"
        " where p.payment_intent = %(id)s order by i.id",
        id=intent.id,
    )


def pairs(place: Place, tx: Tx, customer: str, one: PaymentIntent) -> list[tuple[str, Cell]]:
    to = place.visit.to
    billed = [("Invoice", Cell(number, link=to(f"/invoices/{id}"))) for id, number in invoices_of(tx, one)]
    who = Cell(customer, link=to(f"/customers/{one.customer}")) if one.customer else NOTHING
    return [
        ("Id", facts.id_of(one.id)),
        ("Customer", who),
        *billed,
        ("Received", layout.amount(one.amount_received, one.currency)),
        ("Capture", facts.text(one.capture_method)),
        ("Created", Cell(layout.when(one.created, place.zone))),
    ]
