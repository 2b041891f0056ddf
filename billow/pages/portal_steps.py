"""Serve the steps of the billing portal: questions before what cannot be undone, and sessions' flows."""

from decimal import Decimal
from typing import Any
from urllib.parse import quote

import flask

from billow.api import rows
from billow.core import lifecycle, pricing
from billow.flows.billing import priced_items
from billow.flows.outside.seller import seller_of
from billow.flows.papers import method_links
from billow.flows.portal import choices, pauses
from billow.flows.portal.choices import Plan
from billow.pages import checkout_view, frame, portal_change, portal_details, portal_layout
from billow.pages.portal_entry import Entry
from billow.pages.words import Words
from billow.resources import coupon as coupons
from billow.resources.coupon import Coupon
from billow.resources.feedback_option import FeedbackOption
from billow.resources.payment_method import PaymentMethod
from billow.resources.price import Price
from billow.resources.product import Product
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.resources.wallet import Wallet
from billow.store.tx import Tx


def of_flow(tx: Tx, entry: Entry) -> flask.Response | None:
    """Open the flow that a session leads to; None where the portal itself is shown."""
    flow = entry.session.flow or {}
    type = flow.get("type", "")
    about = (flow.get(type) or {}).get("subscription", "")
    if type == "payment_method_update":
        return frame.see(method_address(tx, entry))
    if type == "subscription_update_confirm":
        return confirmed(tx, entry, about, choices.given(tx, entry.session), flow=True)
    if type == "customer_update":
        return portal_details.shown(tx, entry, flow=True)
    if type in ("subscription_cancel", "subscription_pause", "subscription_update"):
        return asked(tx, entry, type.removeprefix("subscription_"), about, flow=True)
    return None


def method_address(tx: Tx, entry: Entry) -> str:
    """Return the page that adds a card, and comes back to this session."""
    return f"{method_links.update_method(tx, entry.customer.id)}?portal={quote(entry.address)}"


def asked(
    tx: Tx, entry: Entry, ask: str, about: str, *, flow: bool = False, problem: str | None = None
) -> flask.Response:
    """Show a question: to cancel or pause, remove a card, top a wallet up, or which plan to change to."""
    if ask == "details":
        return portal_details.shown(tx, entry)
    shown = {
        "cancel": canceled,
        "pause": paused,
        "remove": removed,
        "resume": resumed,
        "top_up": topped_up,
        "update": changed,
    }.get(ask)
    if shown is None:
        return frame.see(entry.home)
    values = shown(tx, entry, about)
    return step(tx, entry, about, values, flow=flow, problem=problem) if values else frame.see(entry.home)


def step(
    tx: Tx, entry: Entry, about: str, values: dict[str, Any], *, flow: bool, problem: str | None = None
) -> flask.Response:
    given = {**BLANK, **values}
    if flow:
        given["sent"] = {**given["sent"], "flow": "1"}
    return frame.page(
        "portal_step.html",
        entry.words.language,
        422 if problem else 200,
        about=about,
        address=entry.address,
        back=(entry.session.return_url if flow else None) or entry.home,
        problem=problem,
        seller=seller_of(tx).name,
        test=not tx.livemode,
        token=frame.token_of(entry.outside, entry.address),
        **given,
    )


BLANK: dict[str, Any] = {
    "choices": [], "code": False, "offer": None, "quantity": None, "reasons": None, "sent": {}, "texts": [],
}  # fmt: skip
"""What a step shows besides its question, where it says nothing else."""


def legal_links(entry: Entry) -> list[tuple[str, str]]:
    """Return the links to the seller's terms and privacy policy, as the configuration says them."""
    profile, words = entry.configuration.business_profile, entry.words
    named = [
        (words("portal_terms"), profile["terms_of_service_url"]),
        (words("portal_privacy"), profile["privacy_policy_url"]),
    ]
    return [(text, url) for text, url in named if url]


def own(tx: Tx, entry: Entry, id: str) -> Subscription | None:
    """Return a subscription of the customer that has not ended."""
    found = rows.find_many(tx, Subscription, [id]).get(id)
    if found is None or found.customer != entry.customer.id or found.status in lifecycle.ENDED:
        return None
    return found


def canceled(tx: Tx, entry: Entry, about: str) -> dict[str, Any] | None:
    """Ask whether to cancel, with the day on which the subscription then ends."""
    feature, words = entry.configuration.features["subscription_cancel"], entry.words
    found = own(tx, entry, about)
    if found is None or not feature["enabled"]:
        return None
    items = rows.below(tx, SubscriptionItem, "subscription", [found.id])[found.id]
    ends = checkout_view.day(tx, min(one.current_period_end for one in items), words)
    at_once = feature["mode"] == "immediately"
    return {
        "action": "cancel",
        "button": words("portal_cancel_yes"),
        "heading": words("portal_cancel_ask", name=portal_layout.names(tx, items)),
        "offer": offer(tx, entry, about),
        "reasons": asked_reasons(tx, feature, words),
        "texts": [words("portal_cancel_now") if at_once else words("portal_cancel_end", date=ends)],
    }


def asked_reasons(tx: Tx, feature: dict[str, Any], words: Words) -> list[tuple[str, str]] | None:
    """Return the reasons that a customer can choose from, first those in the seller's own words.

    None where the configuration asks for none.
    """
    asked = feature["cancellation_reason"]
    if not asked["enabled"]:
        return None
    own = asked["feedback_options"] or []
    found = rows.find_many(tx, FeedbackOption, own)
    active = [(id, found[id].description) for id in own if id in found and found[id].status == "active"]
    return [*active, *((one, words(f"feedback_{one}")) for one in asked["options"] or [])]


def offer(tx: Tx, entry: Entry, about: str) -> str | None:
    """Say what a customer gets who stays; None where the flow offers nothing that can be redeemed."""
    flow = (entry.session.flow or {}).get("subscription_cancel") or {}
    found = rows.find_many(tx, Coupon, [choices.offer_of(entry.session) or ""])
    if flow.get("subscription") != about or not found:
        return None
    [coupon] = found.values()
    if coupon.deleted or not coupons.is_valid(coupon, tx.now):
        return None
    words = entry.words
    off = (
        frame.percent(coupon.percent_off, words)
        if coupon.percent_off is not None
        else frame.money(coupon.amount_off or 0, coupon.currency or "", words)
    )
    months = words.counted("month", coupon.duration_in_months or 1)
    named = {"months": months} if coupon.duration == "repeating" else {}
    return words(f"portal_offer_{coupon.duration}", off=off, **named)


def paused(tx: Tx, entry: Entry, about: str) -> dict[str, Any] | None:
    """Ask whether to pause a subscription, and for how long where the configuration limits that."""
    found, words = own(tx, entry, about), entry.words
    if found is None or not pauses.may_pause(entry.configuration, found):
        return None
    lengths = pauses.intervals(entry.configuration)
    return {
        "action": "pause",
        "button": words("portal_pause"),
        "choices": [
            {
                "amount": "",
                "chosen": place == 0,
                "field": "choice",
                "id": str(place),
                "name": words("portal_pause_for", interval=words.counted(*length)),
            }
            for place, length in enumerate(lengths)
        ],
        "heading": words("portal_pause_ask", name=portal_layout.name_of(tx, found.id)),
        "texts": [words("portal_pause_text")],
    }


def resumed(tx: Tx, entry: Entry, about: str) -> dict[str, Any] | None:
    """Ask whether to resume a paused subscription."""
    found, words = own(tx, entry, about), entry.words
    enabled = entry.configuration.features["subscription_pause"]["enabled"]
    if found is None or found.status != "paused" or not enabled:
        return None
    return {
        "action": "resume",
        "button": words("portal_resume"),
        "heading": words("portal_resume_ask", name=portal_layout.name_of(tx, found.id)),
        "texts": [words("portal_resume_text")],
    }


def removed(tx: Tx, entry: Entry, about: str) -> dict[str, Any] | None:
    """Ask whether to remove a card; the one that pays is replaced first."""
    found = rows.find_many(tx, PaymentMethod, [about]).get(about)
    default = entry.customer.invoice_settings["default_payment_method"]
    if found is None or found.customer != entry.customer.id or about == default:
        return None
    words = entry.words
    if found.card is not None:
        card = checkout_view.card_shown(found)
        name = words("card_ending", brand=card["brand"], last4=card["last4"])
    else:
        name = words("method_debit", last4=(found.details or {}).get("last4", ""))
    return {
        "action": "remove",
        "button": words("remove"),
        "heading": words("portal_remove_ask", name=name),
        "texts": [words("portal_remove_text")],
    }


def wallets_of(tx: Tx, entry: Entry) -> list[Wallet]:
    """Return the wallets of the customer that are not closed, the oldest first."""
    active = "customer = %(id)s and status = 'active'"
    return rows.select(tx, Wallet, active, "order by created, id", id=entry.customer.id)


def topped_up(tx: Tx, entry: Entry, about: str) -> dict[str, Any] | None:
    """Ask whether to buy what a wallet orders by itself."""
    found = next((one for one in wallets_of(tx, entry) if one.id == about and one.top_up), None)
    if found is None:
        return None
    return {
        "action": "top_up",
        "button": top_up_words(entry, found),
        "heading": found.name or entry.words("portal_wallets"),
        "texts": [entry.words("portal_top_up_text")],
    }


def top_up_words(entry: Entry, wallet: Wallet) -> str:
    """Say what the button buys: top up € 50.00."""
    amount = frame.money((wallet.top_up or {}).get("amount", 0), wallet.currency, entry.words)
    return entry.words("portal_top_up", amount=amount)


def changed(tx: Tx, entry: Entry, about: str) -> dict[str, Any] | None:
    """Ask which plan a subscription changes to, among those that the configuration offers."""
    found, words = own(tx, entry, about), entry.words
    item = choices.may_change(tx, found, entry.updates) if found else None
    if item is None:
        return None
    prices = choices.offered(tx, entry.updates, item)
    products = rows.find_many(tx, Product, [one.product for one in prices])
    now = rows.find(tx, Price, item.price)
    return {
        "action": "choose",
        "button": words("portal_continue"),
        "choices": [
            {
                "amount": recurring(one, 1, words),
                "chosen": one.id == item.price,
                "field": "price",
                "id": one.id,
                "name": products[one.product].name,
            }
            for one in prices
        ],
        "code": "promotion_code" in entry.updates["default_allowed_updates"],
        "heading": words("portal_change_of", name=portal_layout.names(tx, [item])),
        "quantity": item.quantity if choices.limits(entry.updates, now.product) else None,
    }


def recurring(price: Price, quantity: int, words: Words) -> str:
    """Say what a plan costs: € 20.00 per month."""
    rate = priced_items.rate_of(price, price.currency)
    amount = frame.money(pricing.amount(rate, Decimal(quantity)), price.currency, words)
    rhythm = price.recurring or {}
    interval = words.interval(rhythm["interval"], rhythm["interval_count"])
    return words("every", amount=amount, interval=interval)


def confirmed(
    tx: Tx, entry: Entry, about: str, plan: Plan, *, flow: bool = False, problem: str | None = None
) -> flask.Response:
    """Show what a change leads to, before it is made."""
    words, price = entry.words, rows.find(tx, Price, plan.price)
    product = rows.find(tx, Product, price.product, deleted=True)
    said, pays = portal_change.costs(tx, entry, plan)
    many = f"{plan.quantity} × " if (plan.quantity or 1) > 1 else ""
    values = {
        "action": "switch",
        "button": words("change_pay", amount=pays) if pays else words("confirm_yes_setup"),
        "heading": words("portal_confirm"),
        "sent": {
            "code": flask.request.form.get("code", ""),
            "price": plan.price,
            "quantity": "" if plan.quantity is None else str(plan.quantity),
        },
        "texts": [
            f"{many}{product.name}",
            *said,
            words("change_later", amount=recurring(price, plan.quantity or 1, words)),
            when(tx, entry, plan),
        ],
    }
    return step(tx, entry, about, values, flow=flow, problem=problem)


def when(tx: Tx, entry: Entry, plan: Plan) -> str:
    """Say when a change takes place, and how the rest of the period is charged."""
    words, subscription = entry.words, rows.find(tx, Subscription, plan.item.subscription)
    if choices.waits(tx, subscription, entry.updates, plan):
        return words("portal_scheduled", date=checkout_view.day(tx, plan.item.current_period_end, words))
    return words(f"portal_prorated_{entry.updates['proration_behavior']}")


def finished(tx: Tx, entry: Entry) -> flask.Response:
    """Go on after a flow as the session says: to the seller, to a confirmation, or to the portal."""
    after = (entry.session.flow or {}).get("after_completion") or {"type": "portal_homepage"}
    if after["type"] == "redirect":
        return frame.see(after["redirect"]["return_url"])
    if after["type"] == "portal_homepage":
        return frame.see(entry.home)
    words, seller = entry.words, seller_of(tx).name
    message = (after["hosted_confirmation"] or {}).get("custom_message")
    back = entry.session.return_url
    return frame.page(
        "message.html",
        words.language,
        key="portal_done",
        kind="good",
        link=(words("back_to", name=seller), back) if back else None,
        refresh=None,
        seller=seller,
        test=not tx.livemode,
        texts=[message] if message else [],
    )
