"""Create a coupon, and codes that customers type to redeem it."""

from collections.abc import Mapping
from typing import Any, cast

import flask

from billow.api import operation, rows
from billow.core.books.periods import last_day
from billow.core.errors import Refused, require
from billow.core.money import CURRENCIES, minor_units
from billow.flows.catalog import promotion_codes
from billow.flows.outside.seller import seller_of
from billow.pages.dashboard import list_filters, simple_form
from billow.pages.dashboard.coupons import worth
from billow.pages.dashboard.price_editor import RIGHT
from billow.pages.dashboard.simple_form import Entry, Form
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.resources import coupon as coupons
from billow.resources.coupon import Coupon
from billow.resources.promotion_code import PromotionCode
from billow.store.tx import Tx

DURATIONS = (("once", "Once"), ("repeating", "For some months"), ("forever", "As long as the subscription"))


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/coupons/new", RIGHT, asked, writes=created)
    screen(app, desk, "/coupons/<id>/code", RIGHT, code_asked, writes=code_created)


def asked(visit: Visit, problem: str | None = None, form: Mapping[str, str] | None = None) -> flask.Response:
    fields = [
        Entry("name", "Name, as on invoices", most=40),
        Entry("percent", "Percent off", kind="number", hint="This, or an amount."),
        Entry("amount", "Amount off", kind="number"),
        Entry("currency", "Currency of the amount", most=3),
        Entry("duration", "How long", kind="choice", options=DURATIONS, value="once"),
        Entry("months", "Months, where it is for some", kind="number"),
        Entry("most", "How often at most, of all customers", kind="number"),
        Entry("until", "Redeemed until the end of", kind="day"),
        Entry("id", "Id", hint="Made up where it is empty. It never changes.", most=200),
    ]
    about = "What it takes off never changes; its name can."
    return simple_form.page(
        visit, Form("New coupon", fields, "Create the coupon", "/coupons", about), form, problem
    )


def sent_of(form: Mapping[str, str], zone: str) -> dict[str, Any]:
    """Return the parameters of a coupon that a form says."""
    typed = {name: text.strip() for name, text in form.items()}
    sent: dict[str, Any] = {name: typed[name] for name in ("name", "id") if typed.get(name)}
    sent["duration"] = typed.get("duration", "")
    numbers = {"percent": "percent_off", "months": "duration_in_months", "most": "max_redemptions"}
    sent |= {param: typed[name] for name, param in numbers.items() if typed.get(name)}
    if typed.get("amount"):
        currency = typed.get("currency", "").lower()
        require(currency in CURRENCIES, "Choose a currency of the amount, such as EUR.")
        sent |= {"amount_off": str(amount_of(typed["amount"], currency)), "currency": currency}
    if typed.get("until"):
        sent["redeem_by"] = str(end_of(typed["until"], zone))
    return sent


def amount_of(text: str, currency: str) -> int:
    try:
        return minor_units(text, currency)
    except ValueError as error:
        raise Refused(str(error)) from None


def end_of(text: str, zone: str) -> int:
    """Return the last second of a day in a time zone, as Unix time."""
    return int(list_filters.begins(last_day(text), zone, days=1).timestamp()) - 1


def created(visit: Visit, form: Mapping[str, str]) -> flask.Response:
    """Create a coupon; subscriptions and checkouts take it from then on."""

    def create(tx: Tx) -> str:
        sent = sent_of(form, seller_of(tx).time_zone)
        made = coupons.create(tx, cast(Coupon, operation.draft(tx, Coupon, sent)))
        visit.note(tx, "coupons.create", made.id, worth=worth(made))
        return made.id

    return simple_form.done(
        visit,
        "/coupons/new",
        form,
        create,
        lambda problem: asked(visit, problem, form),
        lambda id: f"/coupons/{id}" if id else "/coupons",
    )


def code_asked(
    visit: Visit, id: str, problem: str | None = None, form: Mapping[str, str] | None = None
) -> flask.Response:
    with visit.reads() as tx:
        one = rows.find(tx, Coupon, id)
    fields = [
        Entry("code", "Code", hint="Letters, digits and hyphens; made up where it is empty.", most=200),
        Entry("customer", "For one customer only, by its id"),
        Entry("most", "How often at most", kind="number"),
        Entry("until", "Until the end of", kind="day"),
        Entry("first", "For customers who have not paid anything yet", kind="tick"),
    ]
    about = f"{worth(one)}."
    title = f"New code: {one.name or one.id}"
    return simple_form.page(
        visit, Form(title, fields, "Create the code", f"/coupons/{id}", about), form, problem
    )


def code_created(visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Create a promotion code of a coupon."""

    def create(tx: Tx) -> str:
        sent: dict[str, Any] = {"promotion": {"type": "coupon", "coupon": id}}
        names = {"code": "code", "customer": "customer", "most": "max_redemptions"}
        sent |= {param: form[name].strip() for name, param in names.items() if form.get(name, "").strip()}
        if form.get("until"):
            sent["expires_at"] = str(end_of(form["until"], seller_of(tx).time_zone))
        if form.get("first"):
            sent["restrictions"] = {"first_time_transaction": "true"}
        draft = cast(PromotionCode, operation.draft(tx, PromotionCode, sent))
        made = promotion_codes.create_code(tx, draft)
        visit.note(tx, "promotion_codes.create", made.id, code=made.code, coupon=id)
        return id

    return simple_form.done(
        visit,
        f"/coupons/{id}/code",
        form,
        create,
        lambda problem: code_asked(visit, id, problem, form),
        lambda _: f"/coupons/{id}",
    )
