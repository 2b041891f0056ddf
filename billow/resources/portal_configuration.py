"""Configurations of the billing portal: what customers may do there."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.api.resource import Resource

UPDATES = ("address", "email", "name", "phone", "shipping", "tax_id")
REASONS = (
    "customer_service", "low_quality", "missing_features", "other", "switched_service", "too_complex",
    "too_expensive", "unused",
)  # fmt: skip
PRORATIONS = ("always_invoice", "create_prorations", "none")


class BusinessProfile(Params):
    headline: str | None = f.text(max=60, unset=True)
    privacy_policy_url: str | None = f.url(unset=True)
    terms_of_service_url: str | None = f.url(unset=True)


class CustomerUpdate(Params):
    allowed_updates: list[str] = f.array(item=f.choice(SHOWN, *UPDATES), default=[], unset=True)
    enabled: bool = f.boolean(default=False)


class InvoiceHistory(Params):
    enabled: bool = f.boolean(default=False)


class PaymentMethodUpdate(Params):
    enabled: bool = f.boolean(default=False)
    payment_method_configuration: str | None = f.text(unset=True)


class CancellationReason(Params):
    enabled: bool = f.boolean(default=False)
    feedback_options: list[str] | None = f.array(item=f.ref("billing.feedback_option"), unset=True)
    options: list[str] = f.array(item=f.choice(SHOWN, *REASONS), default=[], unset=True)


class SubscriptionCancel(Params):
    cancellation_reason: CancellationReason | None = f.nested(shape=CancellationReason)
    enabled: bool = f.boolean(default=False)
    mode: str = f.choice(SHOWN, "at_period_end", "immediately", default="at_period_end")
    proration_behavior: str = f.choice(SHOWN, *PRORATIONS, default="none")


class IntervalOption(Params):
    interval: str = f.choice(SHOWN, "day", "week", "month", "year", required=True)
    interval_count: int = f.integer(min=1, max=1095, default=1)


class PauseDuration(Params):
    interval_options: list[IntervalOption] = f.array(SHOWN, IntervalOption, default=[], unset=True)
    type: str = f.choice(SHOWN, "indefinite", "interval_options", required=True)


class SubscriptionPause(Params):
    duration: PauseDuration | None = f.nested(shape=PauseDuration)
    enabled: bool = f.boolean(default=False)


class AdjustableQuantity(Params):
    enabled: bool = f.boolean(required=True)
    maximum: int | None = f.integer(min=1, max=999_999)
    minimum: int = f.integer(min=0, max=999_999, default=1)


class OfferedProduct(Params):
    adjustable_quantity: AdjustableQuantity | None = f.nested(shape=AdjustableQuantity)
    prices: list[str] = f.array(item=f.ref("price"), required=True)
    product: str = f.ref("product", required=True)


class Condition(Params):
    type: str = f.choice(SHOWN, "decreasing_item_amount", "shortening_interval", required=True)


class ScheduleAtPeriodEnd(Params):
    conditions: list[Condition] = f.array(SHOWN, Condition, default=[], unset=True)


class SubscriptionUpdate(Params):
    billing_cycle_anchor: str | None = f.choice(SHOWN, "now", "unchanged")
    default_allowed_updates: list[str] = f.array(
        item=f.choice(SHOWN, "price", "promotion_code", "quantity"), default=[], unset=True
    )
    enabled: bool = f.boolean(default=False)
    products: list[OfferedProduct] | None = f.array(SHOWN, OfferedProduct, max=10, unset=True)
    proration_behavior: str = f.choice(SHOWN, *PRORATIONS, default="none")
    schedule_at_period_end: ScheduleAtPeriodEnd | None = f.nested(shape=ScheduleAtPeriodEnd)
    trial_update_behavior: str = f.choice(SHOWN, "continue_trial", "end_trial", default="end_trial")


class Features(Params):
    customer_update: CustomerUpdate | None = f.nested(shape=CustomerUpdate)
    invoice_history: InvoiceHistory | None = f.nested(shape=InvoiceHistory)
    payment_method_update: PaymentMethodUpdate | None = f.nested(shape=PaymentMethodUpdate)
    subscription_cancel: SubscriptionCancel | None = f.nested(shape=SubscriptionCancel)
    subscription_pause: SubscriptionPause | None = f.nested(shape=SubscriptionPause)
    subscription_update: SubscriptionUpdate | None = f.nested(shape=SubscriptionUpdate)


USUAL_REASONS = ["too_expensive", "missing_features", "switched_service", "unused", "other"]
NO_FEATURES: dict[str, Any] = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False, "payment_method_configuration": None},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "feedback_options": None, "options": USUAL_REASONS},
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False},
    "subscription_update": {
        "billing_cycle_anchor": None,
        "default_allowed_updates": [],
        "enabled": False,
        "products": None,
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}
FEEDBACK = {"subscription_cancel": {"cancellation_reason": {"feedback_options": "billing.feedback_option"}}}
BLANK_PROFILE = {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None}


class PortalConfiguration(
    Resource,
    object="billing_portal.configuration",
    path="/v1/billing_portal/configurations",
    prefix="bpc_",
    table="portal_configurations",
    events=("created", "updated"),
):
    """What customers may do in the billing portal."""

    active: bool = f.boolean(default=True, filter=True)
    application: str | None = f.absent(refs="application")
    business_profile: dict[str, Any] = f.nested(default=BLANK_PROFILE)
    default_return_url: str | None = f.url()
    features: dict[str, Any] = f.nested(default=NO_FEATURES, refs=FEEDBACK)
    is_default: bool = f.boolean(default=False, filter=True)
    login_page: dict[str, Any] = f.nested(default={"enabled": False, "url": None})
    metadata: dict[str, str] = f.metadata()
    name: str | None = f.text()
    updated: datetime = f.timestamp(required=True)
