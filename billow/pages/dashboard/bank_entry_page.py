"""Show one bank payment, and decide what it pays: invoices, a balance, nothing of a customer's, or undo."""

from collections.abc import Mapping, Sequence
from typing import Any

import flask

from billow.api import rows
from billow.core.bank import suggestions as core
from billow.core.bank.matching import Part
from billow.core.bank.suggestions import Open, Suggestion
from billow.core.errors import Refused, require
from billow.core.money import minor_units
from billow.flows.bank import queue, suggestions
from billow.pages.dashboard import bank, customers_named, facts, layout, sent_once
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.lists import Column, Place
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.bank_application import BankApplication
from billow.resources.bank_entry import BankEntry
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.store.perform import perform
from billow.store.tx import Tx

PART = "part_"
"""What the names of the fields with an invoice's part begin with."""
UNDONE = ("reversal", "return", "direct_debit", "payout")
"""The rules of entries that nobody takes back by hand."""
MOST_CANDIDATES = 20


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/bank/entries/<id>", bank.RIGHT, shown, writes=acted, writing=bank.WRITING)


def shown(
    visit: Visit, id: str, problem: str | None = None, form: Mapping[str, str] | None = None
) -> flask.Response:
    text = flask.request.args.get("q", "").replace("\x00", "").strip()
    with visit.reads() as tx:
        place = facts.place_of(visit, tx)
        entry = rows.find(tx, BankEntry, id)
        waits = entry.state == "queued" and entry.unapplied > 0
        found, opens = suggestions.of_entry(tx, entry) if waits else ([], [])
        more = suggestions.found_by(tx, entry, text) if waits and text else []
        used = rows.select(tx, BankApplication, "entry = %(id)s", "order by created, id", id=id)
        known = rows.find_many(tx, Invoice, [one.invoice for one in used if one.invoice])
        names = customers_named.of(tx, [*used, entry])
        holder = rows.find_many(tx, Customer, [entry.customer or ""]).get(entry.customer or "")
    writes = visit.may(bank.WRITING)
    candidates = {one.id: one for one in [*more, *opens]} if waits else {}
    return layout.page(
        visit,
        "bank_entry.html",
        entry.name or entry.bank_reference or entry.id,
        422 if problem else 200,
        badge=layout.badge(entry.state, bank.TONES),
        problem=problem,
        pairs=pairs(place, entry, names),
        said=highlighted(visit, entry, opens),
        why=bank.begun(entry.reason) if entry.state in ("queued", "ignored") else None,
        suggested=[suggested(visit, entry, one, opens) for one in found],
        candidates=[candidate(visit, entry, one) for one in list(candidates.values())[:MOST_CANDIDATES]],
        columns=(Column("Used for"), Column("Amount", True), Column("When"), Column("")),
        used=[application(place, entry, one, known, names) for one in used],
        waits=writes and waits,
        may_ignore=entry.unapplied == entry.amount,
        undoes=writes and can_be_undone(entry),
        holder=customers_named.name(names, entry.customer) if holder else "",
        currency=entry.currency.upper(),
        left=layout.amount(entry.unapplied, entry.currency),
        query=text,
        nothing_found=bool(text) and not more,
        here=visit.to(f"/bank/entries/{id}"),
        form=sent_once.number(),
        given=form or {},
    )


def can_be_undone(entry: BankEntry) -> bool:
    if entry.reversed_by or entry.rule in UNDONE:
        return False
    used = entry.state in ("applied", "queued") and entry.unapplied < entry.amount
    return entry.state == "ignored" or (used and entry.amount > 0)


def pairs(place: Place, entry: BankEntry, names: Mapping[str, Any]) -> list[tuple[str, Cell]]:
    customer = customers_named.name(names, entry.customer)
    return [
        ("Amount", layout.amount(entry.amount, entry.currency)),
        ("Left", layout.amount(entry.unapplied, entry.currency)),
        ("Booked on", Cell(entry.booked_on)),
        ("Payer's account", facts.text(entry.iban)),
        (
            "Customer",
            Cell(customer, link=place.visit.to(f"/customers/{entry.customer}"))
            if entry.customer
            else NOTHING,
        ),
        ("How it was found", facts.text(bank.RULES.get(entry.rule or "", entry.rule))),
        ("Our account", facts.text(entry.account)),
        ("Bank's reference", facts.text(entry.bank_reference)),
        ("Its own id", facts.text(entry.end_to_end)),
        ("Why it came back", facts.text(entry.return_reason)),
        ("Payment", facts.id_of(entry.id)),
    ]


def highlighted(visit: Visit, entry: BankEntry, opens: Sequence[Open]) -> list[dict[str, Any]]:
    """Return what a payment says, cut at the numbers of open invoices, which lead to them."""
    numbers = {number.upper(): one.id for one in opens for number in one.numbers}
    return [
        {"text": text, "link": visit.to(f"/invoices/{id}") if id else None}
        for text, id in core.marked(suggestions.said_by(entry), numbers)
    ]


def suggested(visit: Visit, entry: BankEntry, one: Suggestion, opens: Sequence[Open]) -> dict[str, Any]:
    """Return a suggestion with its invoices, the reasons, what is left, and the fields that apply it."""
    by_id = {each.id: each for each in opens}
    parts = [(by_id[id], amount) for id, amount in one.parts]
    return {
        "who": parts[0][0].name,
        "why": bank.reasons(one),
        "parts": [
            {
                "number": each.numbers[0] if each.numbers else each.id,
                "link": visit.to(f"/invoices/{each.id}"),
                "amount": layout.amount(amount, entry.currency),
                "short": layout.amount(each.remaining - amount, entry.currency).text
                if each.remaining > amount
                else None,
                "field": f"{PART}{each.id}",
                "value": layout.in_main_unit(amount, entry.currency),
            }
            for each, amount in parts
        ],
        "left": layout.amount(one.left, entry.currency).text if one.left else None,
    }


def candidate(visit: Visit, entry: BankEntry, one: Open) -> dict[str, Any]:
    return {
        "field": f"{PART}{one.id}",
        "label": f"{one.name}, {one.numbers[0] if one.numbers else one.id}",
        "open": layout.amount(one.remaining, entry.currency).text,
    }


def application(
    place: Place,
    entry: BankEntry,
    one: BankApplication,
    known: Mapping[str, Invoice],
    names: Mapping[str, Any],
) -> list[Cell]:
    """Return what a part of a payment was used for, and whether that was undone."""
    visit = place.visit
    if one.invoice and one.kind == "invoice":
        invoice = known.get(one.invoice)
        text, link = (invoice.number if invoice else None) or one.invoice, f"/invoices/{one.invoice}"
        below = customers_named.name(names, one.customer)
    elif one.kind == "balance":
        text, link = "Balance of the customer", f"/customers/{one.customer}"
        below = customers_named.name(names, one.customer)
    elif one.kind == "intent":
        text, link, below = "A payment without an invoice", f"/payments/{one.payment_intent}", ""
    elif one.kind == "refund":
        text, link, below = "Sent back to the customer", f"/customers/{one.customer}", one.refund or ""
    elif one.kind == "given_back":
        text, link, below = "Refunded to the cash balance", f"/customers/{one.customer}", one.refund or ""
    else:
        text, link, below = "A difference too small to keep", "", ""
    return [
        Cell(text, link=visit.to(link) if link else None, below=below),
        layout.amount(one.amount, entry.currency),
        Cell(layout.when(one.created, place.zone)),
        Cell("Taken back", "badge", tone="bad") if one.undone_at else Cell("Counts", "badge", tone="good"),
    ]


# ------------------------------------------------------------------------------------- acts


def acted(visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Do what a form says, once; what is refused is said on the screen, with what was entered."""
    try:
        perform(lambda: visit.desk.db.transaction(visit.tenant), carry_out, visit, form, id)
    except Refused as error:
        if error.status == 404 and error.param != "invoice":
            raise
        return shown(visit, id, error.message, form)
    return bank.back(visit, id)


def carry_out(tx: Tx, visit: Visit, form: Mapping[str, str], id: str) -> None:
    entry, act = rows.find(tx, BankEntry, id), form.get("act", "")
    if sent_once.is_repeated(tx, f"/bank/entries/{id}", form):
        return
    if act == "apply":
        parts = parts_of(form, entry.currency)
        keep = form.get("rest") == "balance"
        told = {one.invoice: one.amount for one in parts}
        visit.note(tx, "bank.apply", id, parts=told, keep=keep)
        queue.apply_to_invoices(tx, id, parts, keep=keep)
    elif act == "keep":
        customer = form.get("customer", "").strip() or entry.customer or ""
        require(
            customer.startswith("cus_"), "Name the customer by the id, as cus_123: it is on their screen."
        )
        visit.note(tx, "bank.keep", id, customer=customer)
        queue.apply_to_customer(tx, id, customer)
    elif act == "ignore":
        reason = form.get("reason", "").strip()[:500]
        visit.note(tx, "bank.ignore", id, reason=reason)
        queue.ignore(tx, id, reason)
    else:
        require(act == "undo", "There is no such act.")
        visit.note(tx, "bank.undo", id)
        queue.undo(tx, id)


def parts_of(form: Mapping[str, str], currency: str) -> list[Part]:
    """Read how much each invoice gets; empty fields are left out."""
    try:
        return [
            Part(name.removeprefix(PART), minor_units(text, currency))
            for name, text in form.items()
            if name.startswith(PART) and text.strip()
        ]
    except ValueError as error:
        raise Refused(str(error)) from None
