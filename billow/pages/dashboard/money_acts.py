"""Give money back on a screen of its own: a refund, a credit note, a void invoice, a loss."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import flask

from billow.api import rows
from billow.core.errors import Refused
from billow.core.money import minor_units
from billow.flows.approvals import approvals, money_acts
from billow.flows.approvals.money_acts import Wanted
from billow.flows.payments import refunds
from billow.pages import frame
from billow.pages.dashboard import form_numbers, layout
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources.charge import Charge
from billow.resources.credit_note import REASONS
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.store.perform import Steps, perform
from billow.store.tx import Tx

WORDS = {
    "refund": ("Refund", "The money goes back to where it came from. It cannot be taken back."),
    "credit": (
        "Credit note",
        "It lowers what is still to pay first. What was paid before goes where you say. The paper is mailed.",
    ),
    "void": ("Void", "Nothing is owed any more, and the number stays used. It cannot be taken back."),
    "write_off": (
        "Write off",
        "It is posted as a loss. The customer can still pay it, which takes that back.",
    ),
}
"""What each act is called, and what it does."""
PATHS = {
    "refund": "/payments/<id>/refund",
    "credit": "/invoices/<id>/credit",
    "void": "/invoices/<id>/void",
    "write_off": "/invoices/<id>/write-off",
}
REFUND_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
WAYS = (
    ("refund_amount", "Back to the customer"),
    ("credit_amount", "To the customer's balance"),
    ("out_of_band_amount", "It was given back outside of billow"),
)


def add(app: flask.Flask, desk: Desk) -> None:
    for act, path in PATHS.items():
        screen(app, desk, path, approvals.RIGHT, partial(shown, act), writes=partial(acted, act))


def address(act: str, id: str) -> str:
    """Return the path of the screen of an act on an object."""
    return PATHS[act].replace("<id>", id)


def shown(
    act: str, visit: Visit, id: str, problem: str | None = None, form: Mapping[str, str] | None = None
) -> flask.Response:
    with visit.desk.db.transaction(visit.tenant, reads=True) as tx:
        name, currency, most = subject(tx, act, id)
        limit, home = approvals.limit_of(tx)
    whole = act in ("void", "write_off")
    title, about = WORDS[act]
    return layout.page(
        visit,
        "money_act.html",
        f"{title}: {name}",
        422 if problem else 200,
        act=act,
        about=about,
        back=visit.to(f"/{'payments' if act == 'refund' else 'invoices'}/{id}"),
        most=layout.amount(most, currency),
        currency=currency.upper(),
        asks_amount=not whole,
        value=layout.in_main_unit(most, currency),
        reasons=() if whole else REFUND_REASONS if act == "refund" else REASONS,
        ways=WAYS if act == "credit" else (),
        button=title,
        given=form or {},
        form=form_numbers.new(),
        limit=layout.amount(limit, home).text if limit is not None else None,
        problem=problem,
    )


def subject(tx: Tx, act: str, id: str) -> tuple[str, str, int]:
    """Return what an act is on, in words, its currency and the most that it can be."""
    if act == "refund":
        intent = rows.find(tx, PaymentIntent, id)
        charge = rows.find(tx, Charge, intent.latest_charge) if intent.latest_charge else None
        left = refunds.refundable_amount(tx, charge) if charge else 0
        return intent.description or f"payment {intent.id}", intent.currency, left
    invoice = rows.find(tx, Invoice, id)
    name = f"invoice {invoice.number or invoice.id}"
    if act == "credit":
        most = invoice.total - (
            invoice.pre_payment_credit_notes_amount + invoice.post_payment_credit_notes_amount
        )
        return name, invoice.currency, most
    return name, invoice.currency, invoice.amount_due - invoice.amount_paid


def acted(act: str, visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Do it, or ask a second person where the amount is above the limit; a refusal is shown on the form."""
    try:
        answer = perform(lambda: visit.desk.db.transaction(visit.tenant), begin, visit, act, id, form)
    except Refused as error:
        answer = error
    if isinstance(answer, Refused):
        return shown(act, visit, id, answer.message, form)
    if answer == "asked":
        return frame.see(visit.to("/approvals"))
    return frame.see(visit.to(f"/{'payments' if act == 'refund' else 'invoices'}/{id}"))


def begin(tx: Tx, visit: Visit, act: str, id: str, form: Mapping[str, str]) -> Steps | str | None:
    if form_numbers.is_repeated(tx, address(act, id), form):
        return None
    wanted = read(tx, act, id, form)
    told: dict[str, Any] = {"amount": wanted.amount, "currency": wanted.currency, **wanted.terms}
    if approvals.is_needed(tx, wanted):
        approvals.ask(tx, wanted, visit.session.operator.id)
        visit.note(tx, f"credits.ask_{act}", id, **told)
        return "asked"
    visit.note(tx, f"credits.{act}", id, **told)
    return money_acts.carry_out(tx, wanted)


def read(tx: Tx, act: str, id: str, form: Mapping[str, str]) -> Wanted:
    """Read what a form wants, or refuse it."""
    _, currency, most = subject(tx, act, id)
    terms = {name: form[name][:500] for name in ("reason", "memo", "way") if form.get(name)}
    known = (*REFUND_REASONS, *REASONS)
    if terms.get("reason", known[0]) not in known:
        raise Refused("There is no such reason.")
    if act in ("void", "write_off"):
        return money_acts.wanted(tx, act, id, None, terms)
    try:
        amount = minor_units(form.get("amount", ""), currency)
    except ValueError as error:
        raise Refused(str(error)) from None
    if not 0 < amount <= most:
        raise Refused(f"The amount is more than nothing, and at most {layout.amount(most, currency).text}.")
    return money_acts.wanted(tx, act, id, amount, terms)
