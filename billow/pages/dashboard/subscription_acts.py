"""Change, end, pause and resume a subscription: first what it leads to is shown, then one button does it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import flask

from billow.api import rows
from billow.api.fields import seconds
from billow.core.errors import Refused, require
from billow.pages import frame
from billow.pages.dashboard import (
    credit_by_terms,
    discounts_named,
    facts,
    layout,
    outcome_view,
    sent_once,
    subscription_choices,
    subscription_plans,
    subscriptions,
)
from billow.pages.dashboard.lists import Place
from billow.pages.dashboard.subscription_plans import Sent
from billow.pages.dashboard.visit import Desk, Visit, screen, typed
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store import clocks
from billow.store.perform import perform
from billow.store.tx import Tx

RIGHT = "subscriptions.write"
WORDS = {
    "change": ("Change", "Change it"),
    "cancel": ("Cancel", "Cancel it"),
    "keep": ("Do not end", "Let it go on"),
    "pause": ("Pause", "Pause it"),
    "resume": ("Resume", "Resume it"),
}
"""Of each act the title of its screen, and of the button that does it."""


def add(app: flask.Flask, desk: Desk) -> None:
    for act in WORDS:
        screen(
            app, desk, f"/subscriptions/<id>/{act}", RIGHT, partial(shown, act), writes=partial(acted, act)
        )


def shown(
    act: str, visit: Visit, id: str, problem: str | None = None, form: Mapping[str, str] | None = None
) -> flask.Response:
    """Show the form of an act; with what is filled in, also what it leads to."""
    given = form if form is not None else typed()
    with visit.previews() as tx:
        one = rows.lock(tx, Subscription, id)
        tx = clocks.enter(tx, one.test_clock)
        require(
            act in subscriptions.possible_acts(one), "This cannot be done in the state of the subscription."
        )
        place = facts.place_of(visit, tx)
        loaded = subscriptions.load(tx, [one])
        preview, problem = previewed(tx, place, act, one, given, problem)
        name = subscriptions.described(loaded, one) or one.id
        values: dict[str, Any] = {"fields": fields(tx, place, one, loaded), "open": open_amounts(tx, one)}
        values["clock"] = facts.clock_of(tx, visit, one.test_clock)
        at = layout.when(tx.now, place.zone)
    return layout.page(
        visit,
        "subscription_act.html",
        f"{WORDS[act][0]}: {name}",
        422 if form is not None and problem else 200,
        act=act,
        at=at,
        back=visit.to(f"/subscriptions/{id}"),
        button=WORDS[act][1],
        form=sent_once.number(),
        given=given,
        here=visit.to(f"/subscriptions/{id}/{act}"),
        hidden=[(key, text) for key, text in given.items() if key not in FRESH and text],
        preview=preview,
        problem=problem,
        **values,
    )


FRESH = ("token", "form", "since", "mark", "act")
"""Fields that every form that is shown has anew."""


def previewed(
    tx: Tx, place: Place, act: str, one: Subscription, given: Mapping[str, str], problem: str | None
) -> tuple[dict[str, Any] | None, str | None]:
    """Return what the panel shows, where something is filled in, and what is wrong with it."""
    if not given.get("show"):
        return None, problem
    now = tx.now.replace(microsecond=0)
    try:
        credit_by_terms.check_code(tx, place.visit, given.get("code", "").strip())
        plan = subscription_plans.read(tx, act, one, Sent(given, now, place.zone))
        outcome = plan.outcome(tx, one)
        credit_by_terms.check(tx, place.visit, one, plan, outcome)
    except Refused as refused:
        return None, problem or refused.message
    return {**outcome_view.values(place, outcome), "since": seconds(now)}, problem


def fields(tx: Tx, place: Place, one: Subscription, loaded: subscriptions.Loaded) -> dict[str, Any]:
    """Return what the forms can choose from."""
    items = loaded.items.get(one.id, [])
    return {
        "items": [
            {"id": item.id, "name": loaded.name_of(item), "price": item.price, "quantity": quantity_of(item)}
            for item in items
        ],
        "prices": subscription_choices.prices(tx, one.currency, [item.price for item in items]),
        "discounts": discounts_named.of(tx, one.discounts),
        "status": one.status,
        "automatic": one.collection_method == "charge_automatically",
        "added": subscription_plans.ADDED,
        "prorations": subscription_choices.PRORATIONS,
        "ends": subscription_plans.ENDS,
        "unused": subscription_plans.UNUSED,
        "pauses": subscription_plans.PAUSES,
        "periods": subscription_plans.PERIODS,
        "unpaid": subscription_plans.IF_UNPAID,
        "feedbacks": subscription_plans.FEEDBACKS,
        "zone": place.zone,
        "ends_at": layout.when(one.cancel_at, place.zone) if one.cancel_at else None,
    }


def quantity_of(item: SubscriptionItem) -> str:
    return "" if item.quantity is None else str(item.quantity)


def open_amounts(tx: Tx, one: Subscription) -> str | None:
    """Return what is open of a subscription's invoices: that is collected whatever becomes of it."""
    found = rows.select(tx, Invoice, "subscription = %(id)s and status = 'open'", id=one.id)
    left = sum(each.amount_due - each.amount_paid for each in found)
    return layout.amount(left, one.currency).text if left else None


def acted(act: str, visit: Visit, form: Mapping[str, str], id: str) -> flask.Response:
    """Do what was shown, unless it would lead to something else by now; a refusal is shown on the form."""
    try:
        answer = perform(lambda: visit.desk.db.transaction(visit.tenant), begin, visit, act, id, form)
    except Refused as error:
        answer = error
    if isinstance(answer, Refused):
        return shown(act, visit, id, answer.message, form)
    return frame.see(visit.to(f"/subscriptions/{id}"))


def begin(tx: Tx, visit: Visit, act: str, id: str, form: Mapping[str, str]) -> Any:
    if sent_once.is_repeated(tx, f"/subscriptions/{id}/{act}", form):
        return None
    one = rows.lock(tx, Subscription, id)
    tx = clocks.enter(tx, one.test_clock)
    sent = Sent(form, subscription_choices.since(tx, form), facts.place_of(visit, tx).zone)
    credit_by_terms.check_code(tx, visit, sent.get("code"))
    plan = subscription_plans.read(tx, act, one, sent)
    outcome = plan.outcome(tx, one)
    if outcome.mark != form.get("mark"):
        raise Refused("By now it would cost something else than what was shown. Look at it again.")
    credit_by_terms.check(tx, visit, one, plan, outcome)
    reason = sent.get("reason")[: subscription_choices.LONGEST_REASON]
    told = {**plan.told, **({"reason": reason} if reason else {})}
    visit.note(tx, f"subscriptions.{act}", id, customer=one.customer, **told)
    return plan.carry_out(tx, one)
