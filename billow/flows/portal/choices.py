"""Carry out what a customer chooses in the billing portal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from billow.api import rows
from billow.api.params import made
from billow.core import lifecycle
from billow.core.errors import Refused, require
from billow.flows.billing.discounts import DiscountTerm
from billow.flows.customers import payment_methods
from billow.flows.portal import postponed
from billow.flows.subscription_changes import update
from billow.flows.subscription_changes.items import Anchor, ItemChange
from billow.flows.subscription_changes.params import Change
from billow.flows.subscriptions import cancel
from billow.flows.wallets import wallets
from billow.resources.payment_method import PaymentMethod
from billow.resources.portal_configuration import PortalConfiguration
from billow.resources.portal_session import PortalSession
from billow.resources.price import Price
from billow.resources.promotion_code import PromotionCode
from billow.resources.subscription import CancellationDetails, Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.resources.wallet import Wallet
from billow.store import clocks
from billow.store.perform import Steps
from billow.store.tx import Tx


def reasons(feature: dict[str, Any], form: Mapping[str, str]) -> dict[str, Any]:
    """Return why a customer cancels, as far as the configuration asks for it."""
    asked = feature["cancellation_reason"]
    if not asked["enabled"]:
        return {}
    comment = " ".join(form.get("comment", "").split())[:LONGEST_COMMENT]
    feedback, own = form.get("feedback", ""), asked["feedback_options"] or []
    chosen = {"feedback": feedback} if feedback in (asked["options"] or []) else {}
    if feedback in own:
        chosen = {"feedback_option": feedback}
    return {**chosen, **({"comment": comment} if comment else {})}


def change(tx: Tx, customer: str, configuration: str, subscription: str, form: Mapping[str, str]) -> Steps:
    """Cancel a subscription as the configuration says, or keep one that would end with its period."""
    feature = rows.find(tx, PortalConfiguration, configuration).features["subscription_cancel"]
    require(feature["enabled"], "The portal does not offer to cancel.")
    found = rows.lock(tx, Subscription, subscription)
    require(found.customer == customer, "The subscription is another customer's.")
    require(found.status not in lifecycle.ENDED, "The subscription has ended.")
    tx = clocks.enter(tx, found.test_clock)
    action, why = form.get("action"), reasons(feature, form)
    if action == "cancel" and feature["mode"] == "immediately":
        prorates = feature["proration_behavior"] != "none"
        invoiced = feature["proration_behavior"] == "always_invoice"
        return cancel.cancel_now(tx, found, invoice_now=invoiced, prorates=prorates, **why)
    ends = action == "cancel"
    details = {"cancellation_details": made(CancellationDetails, **why)} if ends and why else {}
    tx, changed = yield from update.carry_out(tx, found, made(Change, cancel_at_period_end=ends, **details))
    return changed


def offer_of(session: PortalSession) -> str | None:
    """Return the coupon that the flow of a session offers to customers who want to cancel."""
    flow = (session.flow or {}).get("subscription_cancel") or {}
    coupon: str | None = ((flow.get("retention") or {}).get("coupon_offer") or {}).get("coupon")
    return coupon


def stay(tx: Tx, session: PortalSession, subscription: str) -> Steps:
    """Give a subscription the coupon that keeps its customer, besides the discounts that it has."""
    coupon = offer_of(session)
    about = ((session.flow or {}).get("subscription_cancel") or {}).get("subscription")
    require(coupon and about == subscription, "The portal offers nothing for this subscription.")
    found = rows.lock(tx, Subscription, subscription)
    require(found.customer == session.customer, "The subscription is another customer's.")
    tx = clocks.enter(tx, found.test_clock)
    terms = [made(DiscountTerm, discount=id) for id in found.discounts]
    wanted = made(Change, discounts=[*terms, made(DiscountTerm, coupon=coupon)])
    tx, changed = yield from update.carry_out(tx, found, wanted)
    return changed


# ------------------------------------------------------------------------------------- wallets


def top_up(tx: Tx, customer: str, id: str) -> Wallet:
    """Order for a wallet of the customer what it orders by itself."""
    wallet = rows.lock(tx, Wallet, id)
    require(wallet.customer == customer, "The wallet is another customer's.")
    require(wallet.top_up is not None, "The portal does not offer to top this wallet up.")
    return wallets.top_up(tx, wallet, made(wallets.TopUpOrder, amount=(wallet.top_up or {})["amount"]))


# ------------------------------------------------------------------------------------- payment methods


def method_of(tx: Tx, customer: str, configuration: str, id: str) -> PaymentMethod:
    """Return a payment method of the customer, who may change it."""
    feature = rows.find(tx, PortalConfiguration, configuration).features["payment_method_update"]
    require(feature["enabled"], "The portal does not offer to change payment methods.")
    method = rows.lock(tx, PaymentMethod, id)
    require(method.customer == customer, "The payment method is another customer's.")
    return method


def remove(tx: Tx, methods: Sequence[PaymentMethod]) -> None:
    """Detach a card, however often it was entered."""
    for one in methods:
        payment_methods.detach(tx, one)


# ------------------------------------------------------------------------------------- another plan


@dataclass(frozen=True, slots=True)
class Plan:
    """What a subscription may change to, or is going to: a price and how many of it."""

    item: SubscriptionItem
    price: str
    quantity: int | None
    discounts: tuple[DiscountTerm, ...] | None = None


def may_change(tx: Tx, subscription: Subscription, feature: dict[str, Any]) -> SubscriptionItem | None:
    """Return the item of a subscription that the portal can change; None where it can only be canceled.

    It has one item, which is not metered, is charged automatically and has no schedule (§9.3).
    """
    items = rows.below(tx, SubscriptionItem, "subscription", [subscription.id])[subscription.id]
    if not feature["enabled"] or len(items) != 1 or subscription.schedule:
        return None
    if subscription.collection_method != "charge_automatically" or subscription.status not in CHANGEABLE:
        return None
    price = rows.find(tx, Price, items[0].price)
    return None if (price.recurring or {}).get("usage_type") == "metered" else items[0]


LONGEST_COMMENT = 500
CHANGEABLE = ("active", "trialing", "past_due")


def offered(tx: Tx, feature: dict[str, Any], item: SubscriptionItem) -> list[Price]:
    """Return the prices that the customer can choose, in the order of the configuration: of one currency."""
    ids = [price for product in feature["products"] or [] for price in product["prices"]]
    found = rows.find_many(tx, Price, [*ids, item.price])
    now = found[item.price]
    wanted = ids if "price" in feature["default_allowed_updates"] else []
    shown = [found[id] for id in dict.fromkeys(wanted) if id in found]
    return [one for one in shown if one.currency == now.currency and (one.active or one.id == now.id)] or [
        now
    ]


def limits(feature: dict[str, Any], product: str) -> tuple[int, int] | None:
    """Return the least and the largest quantity of a product; None where it cannot be changed."""
    if "quantity" not in feature["default_allowed_updates"]:
        return None
    for one in feature["products"] or []:
        own = one.get("adjustable_quantity") or {}
        if one["product"] == product and own.get("enabled", True):
            return own.get("minimum") or 1, own.get("maximum") or 999_999
    return None


def chosen(tx: Tx, subscription: Subscription, feature: dict[str, Any], form: Mapping[str, str]) -> Plan:
    """Return the plan that a customer has chosen; refuse what the configuration does not offer."""
    price, quantity = form.get("price", ""), form.get("quantity", "")
    item = may_change(tx, subscription, feature)
    require(item, "The portal cannot change this subscription.")
    known = {one.id: one for one in offered(tx, feature, item)} if item else {}
    require(item and price in known, "The portal does not offer this price.")
    count, allowed = item.quantity, limits(feature, known[price].product)  # type: ignore[union-attr]
    if allowed and quantity.isascii() and quantity.isdigit() and len(quantity) < 8:
        count = min(max(int(quantity), allowed[0]), allowed[1])
    code = " ".join(form.get("code", "").split())
    terms = (coded(tx, subscription, feature, code),) if code else None
    return Plan(item, price, count, terms)  # type: ignore[arg-type]


def coded(tx: Tx, subscription: Subscription, feature: dict[str, Any], code: str) -> DiscountTerm:
    """Return the discount of a promotion code that a customer has typed in; refuse one that is not valid."""
    found = rows.select(tx, PromotionCode, "upper(code) = upper(%(code)s) and active", code=code)
    fitting = [one for one in found if one.customer in (None, subscription.customer)]
    if "promotion_code" not in feature["default_allowed_updates"] or not fitting:
        raise Refused("This promotion code is not valid.", param="code")
    return made(DiscountTerm, promotion_code=fitting[0].id)


def given(tx: Tx, session: PortalSession) -> Plan:
    """Return the plan that the flow of a session asks the customer to confirm."""
    wanted = (session.flow or {})["subscription_update_confirm"]
    [one] = wanted["items"]
    item = rows.find(tx, SubscriptionItem, one["id"])
    require(item.subscription == wanted["subscription"], "The item is another subscription's.")
    terms = [
        made(DiscountTerm, **{name: id for name, id in each.items() if id})
        for each in wanted["discounts"] or []
    ]
    quantity = item.quantity if one["quantity"] is None else one["quantity"]
    return Plan(item, one["price"] or item.price, quantity, tuple(terms) if terms else None)


def waits(tx: Tx, subscription: Subscription, feature: dict[str, Any], plan: Plan) -> bool:
    """Check whether a change waits for the end of the period; one that is to end then goes on without."""
    if subscription.cancel_at or subscription.status not in ("active", "trialing"):
        return False
    return postponed.is_postponed(tx, feature, plan.item, plan.price, plan.quantity)


def switch(tx: Tx, customer: str, feature: dict[str, Any], subscription: str, plan: Plan) -> Steps:
    """Change a subscription to another plan, and charge as the configuration says.

    A charge that fails refuses the change.
    """
    require(feature["enabled"], "The portal does not offer to change plans.")
    found = rows.lock(tx, Subscription, subscription)
    require(found.customer == customer, "The subscription is another customer's.")
    require(may_change(tx, found, feature), "The portal cannot change this subscription.")
    tx = clocks.enter(tx, found.test_clock)
    if waits(tx, found, feature, plan):
        terms = [one.shown() for one in plan.discounts or ()]
        postponed.change_at_end(tx, found, plan.price, plan.quantity, terms)
        return rows.find(tx, Subscription, subscription)
    more: dict[str, Any] = {}
    if feature["billing_cycle_anchor"] == "now":
        more["billing_cycle_anchor"] = made(Anchor, type="now")
    if found.status == "trialing" and feature["trial_update_behavior"] == "end_trial":
        more["trial_end"] = "now"
    if plan.discounts:
        more["discounts"] = list(plan.discounts)
    wanted = made(
        Change,
        items=[made(ItemChange, id=plan.item.id, price=plan.price, quantity=plan.quantity)],
        payment_behavior="error_if_incomplete",
        proration_behavior=feature["proration_behavior"],
        **more,
    )
    tx, changed = yield from update.carry_out(tx, found, wanted)
    return changed
