"""A subscription is changed: how it is paid, what is noted on it, and whether it ends with its period."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.api.server import merged_value
from billow.core.errors import require
from billow.resources.payment_method import PaymentMethod
from billow.resources.subscription import CancellationDetails, PaymentSettings, Subscription, TrialSettings
from billow.resources.subscription_item import SubscriptionItem
from billow.store import jobs
from billow.store.tx import Tx


class Change(Params):
    cancel_at_period_end: bool | None = f.boolean()
    cancellation_details: CancellationDetails | None = f.hash(shape=CancellationDetails)
    collection_method: str | None = f.choice(SHOWN, "charge_automatically", "send_invoice")
    days_until_due: int | None = f.integer(min=0, max=3650)
    default_payment_method: str | None = f.ref("payment_method", unset=True)
    description: str | None = f.text(max=500, unset=True)
    metadata: dict[str, str] = f.metadata()
    payment_settings: PaymentSettings | None = f.hash(shape=PaymentSettings)
    trial_settings: TrialSettings | None = f.hash(shape=TrialSettings)


ALWAYS = {"metadata", "cancellation_details"}
INCOMPLETE = {"metadata", "default_payment_method"}


@Subscription.update(Change)
def change(tx: Tx, subscription: Subscription, wanted: Change) -> Subscription:
    """Update a subscription. One that has ended takes only metadata and cancellation details (§5.2)."""
    sent = set(wanted.sent())
    if subscription.status in ("canceled", "incomplete_expired"):
        require(
            sent <= ALWAYS,
            "A canceled subscription can only update its cancellation_details and metadata.",
            code="invalid_canceled_subscription_fields",
        )
    if subscription.status == "incomplete":
        require(
            sent <= INCOMPLETE,
            "An incomplete subscription can only update its metadata and its default payment method.",
            param=min(sent - INCOMPLETE, default=None),
        )
    check(tx, subscription, wanted)
    changes: dict[str, Any] = {
        name: merged_value(subscription, name, value) for name, value in wanted.sent().items()
    }
    if wanted.cancel_at_period_end is not None:
        changes.update(plan_end(tx, subscription, wanted.cancel_at_period_end))
    if wanted.given("cancellation_details") and changes.get("cancel_at_period_end"):
        changes["cancellation_details"] = {
            **changes["cancellation_details"],
            "reason": "cancellation_requested",
        }
    return rows.update(tx, subscription, **changes)


def check(tx: Tx, subscription: Subscription, wanted: Change) -> None:
    method = wanted.collection_method or subscription.collection_method
    days = wanted.days_until_due if wanted.given("days_until_due") else subscription.days_until_due
    require(
        method == "charge_automatically" or days is not None,
        "If you are using `collection_method=send_invoice`, you must pass `days_until_due`.",
        param="days_until_due",
        code="parameter_missing",
    )
    if wanted.default_payment_method:
        found = rows.find(tx, PaymentMethod, wanted.default_payment_method, param="default_payment_method")
        require(
            found.customer == subscription.customer,
            "The customer does not have a payment method with the ID"
            f" {found.id}. The payment method must be attached to the customer.",
            param="default_payment_method",
            code="resource_missing",
        )


def plan_end(tx: Tx, subscription: Subscription, at_period_end: bool) -> dict[str, Any]:
    """Set or take back the end with the period; one timer stands for the other (§5.12)."""
    items = rows.select(tx, SubscriptionItem, "subscription = %(id)s", id=subscription.id)
    due = min(item.current_period_end for item in items)
    if at_period_end:
        jobs.cancel(tx, "subscription.renew", subscription.id)
        jobs.put(tx, "subscription.end", subscription.id, due)
        details = {**subscription.cancellation_details, "reason": "cancellation_requested"}
        return {
            "cancel_at_period_end": True,
            "cancel_at": due,
            "canceled_at": subscription.canceled_at or tx.now,
            "cancellation_details": details,
        }
    jobs.cancel(tx, "subscription.end", subscription.id)
    jobs.put(tx, "subscription.renew", subscription.id, due)
    details = {**subscription.cancellation_details, "reason": None}
    return {
        "cancel_at_period_end": False,
        "cancel_at": None,
        "canceled_at": None,
        "cancellation_details": details,
    }


@SubscriptionItem.update
def change_item(tx: Tx, item: SubscriptionItem, changes: dict[str, Any]) -> SubscriptionItem:
    """Update the metadata of a subscription item."""
    return rows.update(tx, item, **changes)
