"""Show the invoices, and one of them with the reason of each amount; finalize, send and charge it."""

from collections.abc import Mapping
from typing import Any

import flask

from billow.api import rows
from billow.core.errors import Refused, require
from billow.core.money import decimal_text
from billow.flows.approvals import approvals
from billow.flows.invoices import drafts
from billow.flows.invoices.explain import explain
from billow.flows.mails import outbox
from billow.flows.payments import pay_invoice
from billow.pages import frame
from billow.pages.dashboard import facts, layout, mails_page, money_acts
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column, List, Place, Tab
from billow.pages.dashboard.lists import add as add_list
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.credit_note import CreditNote
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.store import clocks
from billow.store.perform import Steps, perform
from billow.store.tx import Tx

MOST_MAILS = 50
TONES = {"open": "info", "paid": "good", "uncollectible": "bad"}
LATE = "status = 'open' and due_date < %(now)s"


def open_of(one: Invoice) -> int:
    """Return what of an invoice is not paid."""
    return max(0, one.amount_due - one.amount_paid)


def state(place: Place, one: Invoice) -> Cell:
    """Return the status of an invoice as people say it: an open one may be late, or be tried again."""
    now = place.visit.now
    if one.status == "open" and one.due_date and one.due_date < now and not one.test_clock:
        return Cell("Overdue", "badge", tone="bad")
    if one.status == "open" and one.next_payment_attempt and one.attempt_count:
        return Cell("Retrying", "badge", tone="warn")
    return layout.badge(one.status, TONES)


def row(place: Place, _: Any, one: Invoice) -> list[Cell]:
    remaining = open_of(one) if one.status == "open" else None
    return [
        Cell(
            one.number or "Draft",
            link=place.visit.to(f"/invoices/{one.id}"),
            below=one.customer_name or one.customer_email or one.customer,
        ),
        state(place, one),
        layout.amount(one.total, one.currency),
        layout.amount(remaining, one.currency),
        layout.day(one.due_date, place.zone),
        layout.day(one.created, place.zone),
    ]


LIST = List(
    noun=Invoice,
    path="/invoices",
    title="Invoices",
    one="invoice",
    about="Number, id, or the customer's name or mail address",
    columns=(
        Column("Invoice"),
        Column("Status"),
        Column("Total", True),
        Column("Open", True),
        Column("Due"),
        Column("Created"),
    ),
    row=row,
    load=lambda tx, found: None,
    tabs=(
        Tab("draft", "Drafts", "status = 'draft'"),
        Tab("open", "Open", "status = 'open'"),
        Tab("late", "Overdue", LATE),
        Tab("failing", "Payment failed", "status = 'open' and attempt_count > 0"),
        Tab("paid", "Paid", "status = 'paid'"),
        Tab("void", "Void", "status = 'void'"),
        Tab("uncollectible", "Uncollectible", "status = 'uncollectible'"),
    ),
    found=(
        "id = %(text)s or number ilike %(like)s or customer_name ilike %(like)s"
        " or customer_email ilike %(like)s or customer = %(text)s"
    ),
    narrowed=("customer", "subscription"),
)


def add(app: flask.Flask, desk: Desk) -> None:
    add_list(app, desk, LIST)
    screen(app, desk, "/invoices/<id>", "customers.read", shown, writes=acted, writing="invoices.send")


def shown(visit: Visit, id: str, problem: str | None = None, status: int = 200) -> flask.Response:
    with visit.desk.db.transaction(visit.tenant) as tx:
        one = rows.find(tx, Invoice, id)
        place = facts.place_of(visit, tx)
        lines = rows.select(tx, InvoiceLine, "invoice = %(id)s", id=id)
        notes = rows.select(tx, CreditNote, "invoice = %(id)s", id=id)
        noted = [note.id for note in notes]
        values = {
            "lines": [line_row(place, line) for line in lines],
            "sums": sums(one),
            "explained": explain(tx, one),
            "mails": [mails_page.row(place, each) for each in outbox.listed(tx, MOST_MAILS, [id, *noted])],
            "notes": [note_row(place, note) for note in notes],
            "story": facts.story(tx, place, [id]),
            "pairs": pairs(place, one),
            "metadata": facts.metadata(one),
            "clock": facts.clock_of(tx, visit, one.test_clock),
            "why": why(place, one),
        }
    return layout.page(
        visit,
        "invoice.html",
        f"Invoice {one.number}" if one.number else "Draft invoice",
        status,
        invoice=one,
        badge=state(place, one),
        acts=acts_of(visit, one),
        ways=ways_of(visit, one),
        problem=problem,
        line_columns=(
            Column("Description"),
            Column("Period"),
            Column("Quantity", True),
            Column("Amount", True),
            Column("Tax", True),
        ),
        mail_columns=mails_page.COLUMNS,
        note_columns=(Column("Credit note"), Column("Status"), Column("Total", True), Column("Created")),
        **values,
    )


def line_row(place: Place, line: InvoiceLine) -> list[Cell]:
    start, end = (layout.when(at, place.zone, day=True) for at in (line.period_start, line.period_end))
    tax = sum(one["amount"] for one in line.taxes)
    return [
        Cell(line.description or line.id),
        Cell(f"{start} to {end}" if line.period_start != line.period_end else start),
        Cell(decimal_text(line.quantity_decimal), "amount") if line.quantity_decimal is not None else NOTHING,
        layout.amount(line.amount, line.currency),
        layout.amount(tax, line.currency) if line.taxes else NOTHING,
    ]


def sums(one: Invoice) -> list[tuple[str, Cell]]:
    """Return how the total comes about, and what of it is open."""
    discount = sum(each["amount"] for each in one.total_discount_amounts or [])
    tax = sum(each["amount"] for each in one.total_taxes or [])
    found = [("Subtotal", one.subtotal)]
    found += [("Discounts", -discount)] if discount else []
    found += [("Tax", tax)] if one.total_taxes else []
    found.append(("Total", one.total))
    paid = one.amount_paid
    found += [("Paid", -paid)] if paid else []
    found += [("Open", open_of(one))] if one.status == "open" else []
    return [(name, layout.amount(value, one.currency)) for name, value in found]


def note_row(place: Place, note: CreditNote) -> list[Cell]:
    return [
        Cell(note.number, link=place.visit.to(f"/credit-notes/{note.id}")),
        layout.badge(note.status, {"issued": "good"}),
        layout.amount(note.total, note.currency),
        layout.day(note.created, place.zone),
    ]


def why(place: Place, one: Invoice) -> str | None:
    """Say why an invoice is not paid or not finalized, and what happens next by itself."""
    if one.status == "draft":
        error = one.last_finalization_error
        if error:
            return f"It could not be finalized: {error['message']}"
        if one.auto_advance and one.automatically_finalizes_at:
            return f"It is finalized by itself on {layout.when(one.automatically_finalizes_at, place.zone)}."
        return "It stays a draft until somebody finalizes it."
    if one.status != "open":
        return None
    if one.next_payment_attempt:
        return f"The payment is tried again on {layout.when(one.next_payment_attempt, place.zone)}."
    if one.collection_method == "send_invoice":
        return "It is not charged automatically: the customer pays by its page or by transfer."
    return "Nothing is tried by itself any more: charge it, or ask the customer to pay on its page."


def pairs(place: Place, one: Invoice) -> list[tuple[str, Cell]]:
    to = place.visit.to
    customer = Cell(
        one.customer_name or one.customer_email or one.customer, link=to(f"/customers/{one.customer}")
    )
    automatic = one.collection_method == "charge_automatically"
    subscription = (
        Cell(one.subscription, link=to(f"/subscriptions/{one.subscription}")) if one.subscription else NOTHING
    )
    return [
        ("Id", facts.id_of(one.id)),
        ("Customer", customer),
        ("Subscription", subscription),
        ("Because", facts.text(one.billing_reason.replace("_", " "))),
        ("Created", Cell(layout.when(one.created, place.zone))),
        ("Finalized", Cell(layout.when(one.finalized_at, place.zone))),
        ("Due", Cell(layout.when(one.due_date, place.zone))),
        ("Collection", Cell("Charged automatically" if automatic else "Invoice by mail")),
        ("Tries", Cell(str(one.attempt_count))),
        ("Test clock", facts.text(one.test_clock)),
    ]


# ------------------------------------------------------------------------------------- acts


def acts_of(visit: Visit, one: Invoice) -> list[tuple[str, str]]:
    """Return what this person can do with an invoice now: the name of the act and its button."""
    amount = layout.amount(open_of(one), one.currency).text
    found = []
    if one.status == "draft" and visit.may("invoices.charge"):
        found.append(("finalize", "Finalize"))
    if one.status == "draft" and one.billing_reason == "manual" and visit.may("invoices.write"):
        found.append(("delete", "Delete the draft"))
    if one.status == "open" and visit.may("invoices.send"):
        found.append(("send", "Mail it again" if one.collection_method == "send_invoice" else "Mail it"))
    if (
        one.status == "open"
        and one.collection_method == "charge_automatically"
        and visit.may("invoices.charge")
    ):
        found.append(("charge", f"Charge {amount}"))
    return found


def ways_of(visit: Visit, one: Invoice) -> list[tuple[str, str]]:
    """Return the screens that take an invoice back, as far as this person may: each address and its words."""
    possible = {
        "open": ("credit", "void", "write_off"),
        "paid": ("credit",),
        "uncollectible": ("credit", "void"),
    }
    acts = possible.get(one.status, ()) if visit.may(approvals.RIGHT) else ()
    return [(visit.to(money_acts.address(act, one.id)), money_acts.WORDS[act][0]) for act in acts]


def acted(visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Carry out an act and show the invoice as it is then; a refusal is shown on it."""
    name = form.get("act", "")
    try:
        answer = perform(lambda: visit.desk.db.transaction(visit.tenant), carry_out, visit, name, id)
    except Refused as error:
        answer = error
    if isinstance(answer, Refused):  # it is returned where what was done before it is kept
        return shown(visit, id, answer.message, 422)
    if answer is None:  # it was deleted
        return frame.see(visit.to("/invoices", tab="draft"))
    return frame.see(visit.to(f"/invoices/{id}"))


def carry_out(tx: Tx, visit: Visit, name: str, id: str) -> Steps:
    """Do one of the acts that this person can do now, and write it into the audit log with it."""
    one = rows.lock(tx, Invoice, id)
    require(name in dict(acts_of(visit, one)), "This can no longer be done: the invoice has changed.")
    visit.note(tx, f"invoices.{name}", id, number=one.number, amount=open_of(one), currency=one.currency)
    tx = clocks.enter(tx, one.test_clock)
    match name:
        case "finalize":
            return drafts.finalize_now(tx, one, drafts.Finalize())
        case "delete":
            drafts.delete(tx, one)
            return None
        case "send":
            return drafts.send(tx, one)
    return (yield from pay_invoice.pay(tx, one, pay_invoice.Pay()))
