"""Carry out what a customer chooses in the billing portal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from billow.api import rows
from billow.api.params import made
from billow.core import lifecycle
from billow.core.errors import require
from billow.flows.billing.discounts import DiscountTerm
from billow.flows.customers import payment_methods
from billow.flows.subscription_changes import update
from billow.flows.subscription_changes.items import Anchor, ItemChange
from billow.flows.subscription_changes.params import Change
from billow.flows.subscriptions import cancel
from billow.flows.wallets import wallets
from billow.resources.payment_method import PaymentMethod
from billow.resources.portal_configuration import PortalConfiguration
from billow.resources.portal_session import PortalSession
from billow.resources.price import Price
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.resources.wallet import Wallet
from billow.store import clocks
from billow.store.perform import Steps
from billow.store.tx import Tx


def change(tx: Tx, customer: str, configuration: str, subscription: str, action: str) -> Steps:
    """Cancel a subscription as the configuration says, or keep one that would end with its period."""
    feature = rows.find(tx, PortalConfiguration, configuration).features["subscription_cancel"]
    require(feature["enabled"], "The portal does not offer to cancel.")
    found = rows.lock(tx, Subscription, subscription)
    require(found.customer == customer, "The subscription is another customer's.")
    require(found.status not in lifecycle.ENDED, "The subscription has ended.")
    tx = clocks.enter(tx, found.test_clock)
    if action == "cancel" and feature["mode"] == "immediately":
        prorates = feature["proration_behavior"] != "none"
        invoiced = feature["proration_behavior"] == "always_invoice"
        return cancel.cancel_now(tx, found, invoice_now=invoiced, prorates=prorates)
    ends = action == "cancel"
    tx, changed = yield from update.carry_out(tx, found, made(Change, cancel_at_period_end=ends))
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


def chosen(tx: Tx, subscription: Subscription, feature: dict[str, Any], price: str, quantity: str) -> Plan:
    """Return the plan that a customer has chosen; refuse what the configuration does not offer."""
    item = may_change(tx, subscription, feature)
    require(item, "The portal cannot change this subscription.")
    known = {one.id: one for one in offered(tx, feature, item)} if item else {}
    require(item and price in known, "The portal does not offer this price.")
    count, allowed = item.quantity, limits(feature, known[price].product)  # type: ignore[union-attr]
    if allowed and quantity.isascii() and quantity.isdigit() and len(quantity) < 8:
        count = min(max(int(quantity), allowed[0]), allowed[1])
    return Plan(item, price, count)  # type: ignore[arg-type]


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


def switch(tx: Tx, customer: str, feature: dict[str, Any], subscription: str, plan: Plan) -> Steps:
    """Change a subscription to another plan, and charge as the configuration says.

    A charge that fails refuses the change.
    """
    require(feature["enabled"], "The portal does not offer to change plans.")
    found = rows.lock(tx, Subscription, subscription)
    require(found.customer == customer, "The subscription is another customer's.")
    require(may_change(tx, found, feature), "The portal cannot change this subscription.")
    tx = clocks.enter(tx, found.test_clock)
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
