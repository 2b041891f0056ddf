"""Start a subscription for a customer: first what it leads to is shown, then one button does it."""

from collections.abc import Mapping
from typing import Any

import flask

from billow.api import rows
from billow.api.fields import seconds
from billow.api.params import made
from billow.core.errors import Refused, require
from billow.flows.previews import outcomes
from billow.flows.subscription_terms.items import OfferedItem
from billow.flows.subscription_terms.params import Subscribe
from billow.flows.subscriptions import create
from billow.pages import frame
from billow.pages.dashboard import (
    credit_by_terms,
    customers,
    facts,
    layout,
    outcome_view,
    sent_once,
    subscription_acts,
    subscription_choices,
    subscription_plans,
)
from billow.pages.dashboard.lists import Place
from billow.pages.dashboard.visit import Desk, Visit, screen, typed
from billow.resources.customer import Customer
from billow.store import clocks
from billow.store.perform import Steps, perform
from billow.store.tx import Tx

PATH = "/customers/<id>/subscribe"
ROWS = ("1", "2", "3")
COLLECTION = (("charge_automatically", "Charge it automatically"), ("send_invoice", "Mail an invoice"))
IF_UNPAID = (
    ("error_if_incomplete", "Nothing is started"),
    ("allow_incomplete", "It waits a day for its first payment"),
)


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, PATH, subscription_acts.RIGHT, shown, writes=acted)


def shown(
    visit: Visit, id: str, problem: str | None = None, form: Mapping[str, str] | None = None
) -> flask.Response:
    """Show the form, and with what is filled in also what it leads to."""
    given = form if form is not None else typed()
    with visit.previews() as tx:
        customer = rows.lock(tx, Customer, id)
        tx = clocks.enter(tx, customer.test_clock)
        require(not customer.deleted, "The customer was deleted.")
        place = facts.place_of(visit, tx)
        preview, problem = previewed(tx, place, customer, given, problem)
        prices = subscription_choices.prices(tx, customer.currency)
        band = facts.clock_of(tx, visit, customer.test_clock)
        at = layout.when(tx.now, place.zone)
    return layout.page(
        visit,
        "subscription_new.html",
        f"New subscription: {customers.name_of(customer)}",
        422 if form is not None and problem else 200,
        act="subscribe",
        at=at,
        back=visit.to(f"/customers/{id}"),
        button="Start it",
        clock=band,
        collection=COLLECTION,
        form=sent_once.number(),
        given=given,
        here=visit.to(f"/customers/{id}/subscribe"),
        hidden=[(key, text) for key, text in given.items() if key not in subscription_acts.FRESH and text],
        preview=preview,
        prices=prices,
        problem=problem,
        numbers=ROWS,
        unpaid=IF_UNPAID,
    )


def previewed(
    tx: Tx, place: Place, customer: Customer, given: Mapping[str, str], problem: str | None
) -> tuple[dict[str, Any] | None, str | None]:
    """Return what the panel shows, where something is filled in, and what is wrong with it."""
    if not given.get("show"):
        return None, problem
    try:
        credit_by_terms.check_code(tx, place.visit, given.get("code", "").strip())
        outcome = outcomes.of_new(tx, customer, read(tx, customer, given))
    except Refused as refused:
        return None, problem or refused.message
    return {**outcome_view.values(place, outcome), "since": seconds(tx.now)}, problem


def read(tx: Tx, customer: Customer, form: Mapping[str, str]) -> Subscribe:
    """Read the subscription that a form wants."""
    items = []
    for row in ROWS:
        price, quantity = form.get(f"price-{row}", ""), form.get(f"quantity-{row}", "").strip()
        if price:
            metered = subscription_plans.is_metered(tx, price)
            more = {} if metered or not quantity else {"quantity": subscription_choices.quantity(quantity)}
            items.append(made(OfferedItem, price=price, **more))
    require(items, "Choose a price.")
    collection = subscription_choices.chosen(form, "collection", COLLECTION, "charge_automatically")
    params: dict[str, Any] = {"collection_method": collection}
    if collection == "send_invoice":
        params["days_until_due"] = subscription_choices.count(form.get("days", ""), "Days to pay", 3650)
    params["payment_behavior"] = subscription_choices.chosen(form, "unpaid", IF_UNPAID, "error_if_incomplete")
    if form.get("trial", "").strip():
        params["trial_period_days"] = subscription_choices.count(form["trial"], "Days of trial", 730)
    if form.get("code", "").strip():
        params["discounts"] = [subscription_choices.term(tx, form["code"].strip(), customer.id)]
    if customer.currency:
        params["currency"] = customer.currency
    return made(Subscribe, customer=customer.id, items=items, **params)


def acted(visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Start what was shown; a refusal is shown on the form."""
    try:
        answer = perform(lambda: visit.desk.db.transaction(visit.tenant), begin, visit, id, form)
    except Refused as error:
        answer = error
    if isinstance(answer, Refused):
        return shown(visit, id, answer.message, form)
    return frame.see(visit.to(f"/subscriptions/{answer.id}" if answer else f"/customers/{id}"))


def begin(tx: Tx, visit: Visit, id: str, form: Mapping[str, str]) -> Steps | None:
    if sent_once.is_repeated(tx, f"/customers/{id}/subscribe", form):
        return None
    customer = rows.lock(tx, Customer, id)
    tx = clocks.enter(tx, customer.test_clock)
    subscription_choices.since(tx, form)
    credit_by_terms.check_code(tx, visit, form.get("code", "").strip())
    wanted = read(tx, customer, form)
    if outcomes.of_new(tx, customer, wanted).mark != form.get("mark"):
        raise Refused("By now it would cost something else than what was shown. Look at it again.")
    reason = form.get("reason", "").strip()[: subscription_choices.LONGEST_REASON]
    told: dict[str, Any] = {"prices": [one.price for one in wanted.items]}
    visit.note(tx, "subscriptions.create", id, **told, **({"reason": reason} if reason else {}))
    return create.subscribe(tx, wanted)
