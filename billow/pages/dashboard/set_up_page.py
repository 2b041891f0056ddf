"""Lead through the set-up of an account: its steps with ticks, and what invoices and collection lack."""

from collections.abc import Mapping
from typing import Any

import flask

from billow.core.errors import Refused, Unavailable, Undeliverable, require
from billow.flows.platform import set_up
from billow.flows.platform.set_up import Step
from billow.pages import frame
from billow.pages.dashboard import layout
from billow.pages.dashboard.settings_page import RIGHT, WRITING
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.store.perform import Steps, perform
from billow.store.tx import Tx

WORDS = {
    "company": ("Say who sells", "Legal name, address and tax number: each invoice has to have them."),
    "tax": ("Say where you are taxed", "The head office and the registrations, or that you are exempt."),
    "numbers": ("Look at the numbers", "How invoices are numbered; a series that has begun goes on."),
    "bank": (
        "Name your bank account",
        "Customers pay by transfer to it, and statements are matched with it.",
    ),
    "gateways": (
        "Connect a gateway",
        "It takes cards and direct debits. Leave it out to be paid by bank only.",
    ),
    "mails": ("Try a mail", "Invoices and links leave by mail: one to yourself shows that they do."),
    "key": ("Get a test key", "Programs call billow with it. It is shown once."),
}
"""What each step is called, and what it is for."""
PATHS = {
    "company": "/settings/company",
    "tax": "/settings/tax",
    "numbers": "/settings/numbers",
    "bank": "/settings/bank",
    "gateways": "/settings/gateways",
    "key": "/keys/new",
}
LACKS = {
    "name": ("The legal name of the seller", "/settings/company"),
    "address": ("The address of the seller", "/settings/company"),
    "tax_id": (
        "A VAT number, or the exemption of a small enterprise with a company number",
        "/settings/company",
    ),
    "registration": ("A tax registration in force beside the VAT number", "/settings/tax"),
    "number": ("A tax number of the seller", "/settings/company"),
    "way": ("A gateway or a bank account that money comes to", "/settings/gateways"),
    "notices": ("The secret of the notices of the gateway", "/settings/gateways"),
    "mail": ("A mail that was sent: try one to yourself", "/setup"),
    "https": ("An address that begins with https (BILLOW_BASE_URL)", None),
}


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/setup", RIGHT, shown, writes=acted, writing=WRITING)


def shown(visit: Visit, problem: str | None = None) -> flask.Response:
    with visit.reads() as tx:
        found = set_up.steps(tx)
        legal, money = set_up.lacking(tx), set_up.uncollectible(tx)
        tested = set_up.noted(tx).get("mail_tested")
    return layout.page(
        visit,
        "setup.html",
        "Set-up",
        422 if problem else 200,
        steps=[step(visit, one) for one in found],
        over=sum(one.is_over for one in found),
        legal=[lack(visit, one) for one in legal],
        money=[lack(visit, one) for one in money],
        tested=tested,
        mail=visit.session.operator.email,
        writes=visit.may(WRITING),
        problem=problem,
    )


def step(visit: Visit, one: Step) -> dict[str, Any]:
    title, about = WORDS[one.key]
    path = PATHS.get(one.key)
    return {
        "key": one.key,
        "title": title,
        "about": about,
        "done": one.done,
        "left_out": one.left_out and not one.done,
        "link": visit.to(path) if path else None,
        "may_leave_out": one.key not in set_up.NEEDED,
    }


def lack(visit: Visit, one: str) -> dict[str, Any]:
    kind, _, of = one.partition(":")
    text, path = LACKS[kind]
    return {"text": f"{text} {of}".strip(), "link": visit.to(path) if path else None}


def acted(visit: Visit, form: Mapping[str, str]) -> flask.Response:
    """Leave a step out or take it up, send a test mail, or hide the list at home."""
    try:
        perform(lambda: visit.desk.db.transaction(visit.tenant), carry_out, visit, form)
    except (Refused, Undeliverable, Unavailable) as error:
        said = error.message if isinstance(error, Refused) else f"The mail was not accepted: {error}"
        return shown(visit, said)
    return frame.see(visit.to("" if form.get("act") == "dismiss" else "/setup"))


def carry_out(tx: Tx, visit: Visit, form: Mapping[str, str]) -> Steps | None:
    act, about = form.get("act", ""), form.get("about", "")
    if act == "mail":
        visit.note(tx, "setup.mail", visit.session.operator.email)
        return set_up.send_test_mail(tx, visit.session.operator.email)
    if act == "dismiss":
        set_up.note(tx, dismissed=True)
    else:
        require(act in ("leave_out", "take_up"), "There is no such act.")
        set_up.leave_out(tx, about, out=act == "leave_out")
    visit.note(tx, f"setup.{act}", about or None)
    return None


def checklist(visit: Visit, tx: Tx) -> list[dict[str, Any]]:
    """Return the steps that home shows until they are done, to those who can do them."""
    if not visit.may(WRITING) or set_up.is_over(tx):
        return []
    return [step(visit, one) for one in set_up.steps(tx)]
