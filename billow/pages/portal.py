"""Serve the page that a session of the billing portal leads to: subscriptions, methods and invoices."""

from collections.abc import Callable, Mapping
from typing import Any

import flask

from billow.api import rows
from billow.core import lifecycle
from billow.core.errors import Refused, require
from billow.flows.outside.outside import Outside
from billow.flows.payments import kept_methods
from billow.flows.portal import choices, details, pauses, postponed
from billow.flows.portal.choices import Plan
from billow.flows.wallets import left, orders
from billow.pages import (
    checkout_view,
    frame,
    hosted_invoice,
    portal_costs,
    portal_credits,
    portal_details,
    portal_layout,
    portal_login,
    portal_papers,
    portal_steps,
    portal_usage,
    sealed,
)
from billow.pages.portal_entry import Entry
from billow.pages.words import Words, spoken, words_of
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_method import PaymentMethod
from billow.resources.portal_configuration import PortalConfiguration
from billow.resources.portal_session import PortalSession
from billow.resources.price import Price
from billow.resources.product import Product
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store import clocks
from billow.store.perform import perform
from billow.store.tx import Database, Tx

ADDRESS = "/p/<account>/<mode>/<session>/<seal>"
TONES = {"active": "good", "trialing": "info", "past_due": "bad", "unpaid": "bad", "paused": ""}
MOST = 24
"""How many invoices the page lists."""


def add(app: flask.Flask, db: Database, outside: Outside) -> None:
    """Add the page. A session that is over is answered like no such address."""

    def entry_of(tx: Tx, id: str, address: str) -> Entry | None:
        session = rows.find(tx, PortalSession, id)
        if session.expires_at <= tx.wall:
            return None
        customer = rows.find(tx, Customer, session.customer)
        configuration = rows.find(tx, PortalConfiguration, session.configuration)
        language = spoken([session.locale or "auto"])
        words = words_of(language or hosted_invoice.language_of(customer))
        return Entry(outside, session, configuration, customer, words, address)

    def view(tenant: str, id: str, address: str) -> flask.Response:
        request = flask.request
        with db.transaction(tenant) as tx:
            entry = entry_of(tx, id, address)
            if entry is None:
                return portal_login.expired(tx, outside, rows.find(tx, PortalSession, id), address)
            tx = clocks.enter(tx, entry.customer.test_clock)
            if request.method == "GET":
                return opened(tx, entry, request.args)
        if not frame.is_ours(outside, address, request.form, request.headers):
            return frame.see(entry.home)
        return sent(db, tenant, entry, request.form)

    app.add_url_rule(
        ADDRESS,
        "portal",
        sealed.page(outside, "portal session", view),
        methods=["GET", "POST"],
        provide_automatic_options=False,
    )


SCREENS: dict[str, Callable[[Tx, Entry, Mapping[str, str]], flask.Response]] = {
    "costs": lambda tx, entry, args: portal_costs.shown(tx, entry),
    "credits": lambda tx, entry, args: portal_credits.shown(tx, entry),
    "papers": lambda tx, entry, args: portal_papers.shown(tx, entry),
    "usage": portal_usage.shown,
}
"""The screens besides the first one, by what the address says to show."""


def opened(tx: Tx, entry: Entry, args: Mapping[str, str]) -> flask.Response:
    """Show a question, what follows after a flow, the flow that the session leads to, or the portal."""
    screen = SCREENS.get(args.get("show", ""))
    if screen:
        return screen(tx, entry, args)
    if args.get("ask"):
        return portal_steps.asked(tx, entry, args["ask"], args.get("about", ""))
    if args.get("done"):
        return portal_steps.finished(tx, entry)
    flow = portal_steps.of_flow(tx, entry) if entry.session.flow and not args.get("home") else None
    return flow or shown(tx, entry)


def sent(db: Database, tenant: str, entry: Entry, form: Mapping[str, str]) -> flask.Response:
    """Carry out what was chosen; what is no longer possible is no longer there on the page."""
    action, about, flow = form.get("action", ""), form.get("about", ""), bool(form.get("flow"))
    if action == "choose":
        with db.transaction(tenant) as tx:
            return choose(tx, entry, about, form, flow=flow)
    if action in ("alert", "alert_remove"):
        return portal_costs.sent(db, tenant, entry, form)
    if action == "details":
        return portal_details.sent(db, tenant, entry, form)
    try:
        answer = perform(lambda: db.transaction(tenant), carry_out, entry, action, about, form)
    except Refused as error:
        answer = error
    if isinstance(answer, Refused):  # it is returned where what was done before the refusal is kept
        refused = answer
        if action != "switch":
            return frame.see(entry.home)
        reason = refused.more.get("decline_code") or refused.code
        problem = entry.words.decline(reason if refused.status == 402 else None, refused.message)
        with db.transaction(tenant) as tx:
            plan = plan_of(tx, entry, about, form)
            return portal_steps.confirmed(tx, entry, about, plan, flow=flow, problem=problem)
    return frame.see(f"{entry.address}?done=1" if flow else entry.home)


def choose(tx: Tx, entry: Entry, about: str, form: Mapping[str, str], *, flow: bool) -> flask.Response:
    """Show what the plan that was chosen costs, and ask to confirm it."""
    try:
        plan = plan_of(tx, entry, about, form)
    except Refused as refused:
        if refused.param != "code":
            return frame.see(entry.home)
        problem = entry.words("bad_code")
        return portal_steps.asked(tx, entry, "update", about, flow=flow, problem=problem)
    return portal_steps.confirmed(tx, entry, about, plan, flow=flow)


def plan_of(tx: Tx, entry: Entry, about: str, form: Mapping[str, str]) -> Plan:
    """Return the plan that is confirmed: the one of the session's flow, or the one that was chosen."""
    if form.get("flow") and (entry.session.flow or {}).get("type") == "subscription_update_confirm":
        return choices.given(tx, entry.session)
    subscription = rows.find(tx, Subscription, about)
    require(subscription.customer == entry.customer.id, "The subscription is another customer's.")
    return choices.chosen(tx, subscription, entry.updates, form)


def carry_out(tx: Tx, entry: Entry, action: str, about: str, form: Mapping[str, str]) -> Any:
    """Carry out what was chosen of a subscription, the customer's details, a wallet or a payment method."""
    customer, configuration = entry.customer.id, entry.configuration.id
    if action in ("cancel", "keep"):
        return choices.change(tx, customer, configuration, about, form)
    if action == "stay":
        return choices.stay(tx, entry.session, about)
    if action == "pause":
        return pauses.pause(tx, customer, configuration, about, form.get("choice", ""))
    if action == "resume":
        return pauses.resume(tx, customer, configuration, about)
    if action == "switch":
        plan = plan_of(tx, entry, about, form)
        return choices.switch(tx, customer, entry.updates, plan.item.subscription, plan)
    if action == "top_up":
        return choices.top_up(tx, customer, about)
    method = choices.method_of(tx, customer, configuration, about)
    if action == "default":
        kept_methods.use_from_now_on(tx, method)
    elif action == "remove" and about != entry.customer.invoice_settings["default_payment_method"]:
        choices.remove(tx, hosted_invoice.entries_of(tx, method))
    return None


def shown(tx: Tx, entry: Entry) -> flask.Response:
    """Show what the configuration allows; what it does not allow is not there."""
    features, words, customer = entry.configuration.features, entry.words, entry.customer
    default = customer.invoice_settings["default_payment_method"]
    return portal_layout.page(
        tx,
        entry,
        "portal.html",
        "home",
        add_method=portal_steps.method_address(tx, entry),
        costs=portal_costs.summaries(tx, entry),
        costs_at=portal_layout.link(entry, show="costs"),
        default=default,
        details=portal_details.lines(tx, customer, words),
        details_open=bool(details.allowed(entry.configuration)),
        headline=entry.configuration.business_profile["headline"],
        links=portal_steps.legal_links(entry),
        invoices=invoices(tx, customer, words) if features["invoice_history"]["enabled"] else None,
        methods=[*hosted_invoice.saved(tx, customer.id, default), *debits(tx, customer.id)]
        if features["payment_method_update"]["enabled"]
        else None,
        papers_at=portal_layout.link(entry, show="papers"),
        subscriptions=[one_shown(tx, one, words, entry.configuration) for one in current(tx, customer)],
        wallets=wallets(tx, entry),
    )


def debits(tx: Tx, customer: str) -> list[dict[str, Any]]:
    """Return the accounts of a customer that can be debited, the newest first."""
    where = "customer = %(id)s and type = 'sepa_debit' and not detached"
    found = rows.select(tx, PaymentMethod, where, "order by created desc, id desc limit 10", id=customer)
    return [{"id": one.id, "brand": "", "last4": (one.details or {}).get("last4", "")} for one in found]


def wallets(tx: Tx, entry: Entry) -> list[dict[str, Any]]:
    """Return the wallets of the customer that can be topped up, with what is left of them."""
    held = portal_steps.wallets_of(tx, entry)
    balances = left.balances(tx, held) if held else {}
    waiting = {one.wallet for one in rows.select(tx, Invoice, orders.OPEN, ids=[one.id for one in held])}
    return [
        {
            "can": one.top_up is not None and one.id not in waiting,
            "id": one.id,
            "left": frame.money(balances[one.id].left, one.currency, entry.words),
            "name": one.name or entry.words("portal_wallets"),
            "top_up": portal_steps.top_up_words(entry, one),
            "waits": one.id in waiting,
        }
        for one in held
    ]


def current(tx: Tx, customer: Customer) -> list[Subscription]:
    return rows.select(
        tx,
        Subscription,
        "customer = %(id)s and status <> all(%(ended)s) and not provisional",
        id=customer.id,
        ended=list(lifecycle.ENDED),
    )


def one_shown(tx: Tx, one: Subscription, words: Words, configuration: PortalConfiguration) -> dict[str, Any]:
    """Return a subscription as it is shown: what it is, when it renews or ends, and what can be done."""
    features = configuration.features
    items = rows.below(tx, SubscriptionItem, "subscription", [one.id])[one.id]
    prices = rows.find_many(tx, Price, [item.price for item in items])
    products = rows.find_many(tx, Product, [price.product for price in prices.values()])
    ends = min(item.current_period_end for item in items)
    stops = one.cancel_at_period_end or one.cancel_at is not None
    at = checkout_view.day(tx, one.cancel_at or ends, words)
    cancels = features["subscription_cancel"]["enabled"]
    at_once = features["subscription_cancel"]["mode"] == "immediately"
    about = words("portal_ends" if stops else "portal_renews", date=at)
    if one.status == "paused":
        until = one.resumes_at and checkout_view.day(tx, one.resumes_at, words)
        about = words("portal_paused_until", date=until) if until else words("portal_paused")
    planned = postponed.planned_at(tx, one)
    return {
        "about": about,
        "planned": words("portal_scheduled", date=checkout_view.day(tx, planned, words)) if planned else "",
        "pauses": pauses.may_pause(configuration, one),
        "resumes": one.status == "paused" and features["subscription_pause"]["enabled"],
        "can": ("keep" if one.cancel_at_period_end else "" if stops else "cancel") if cancels else "",
        "cancel": words("portal_cancel_yes" if at_once else "portal_cancel"),
        "changes": choices.may_change(tx, one, features["subscription_update"]) is not None,
        "id": one.id,
        "name": ", ".join(product.name for product in products.values()),
        "status": words(f"status_{one.status}"),
        "tone": TONES.get(one.status, ""),
    }


def invoices(tx: Tx, customer: Customer, words: Words) -> list[dict[str, Any]]:
    """Return the invoices of a customer, the newest first, each with its page."""
    found = rows.select(
        tx,
        Invoice,
        "customer = %(id)s and status <> 'draft'",
        "order by created desc, id desc limit %(most)s",
        id=customer.id,
        most=MOST,
    )
    return [
        {
            "amount": frame.money(one.total, one.currency, words),
            "date": checkout_view.day(tx, one.effective_at or one.finalized_at or one.created, words),
            "number": one.number,
            "status": words(f"status_{one.status}"),
            "tone": {"paid": "good", "open": "info"}.get(one.status, ""),
            "url": one.hosted_invoice_url,
        }
        for one in found
    ]
