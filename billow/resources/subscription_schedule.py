"""Subscription schedules: the planned phases of a subscription, and what happens at the end."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import listing
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.resources.invoice import LIABLE
from billow.resources.subscription import FLEXIBLE, INVOICE_SETTINGS

STATUSES = ("active", "canceled", "completed", "not_started", "released")
LIVING = ("active", "not_started")
"""The statuses in which a schedule can be updated, released or canceled."""

#: The settings of phases that do not set their own.
DEFAULT_SETTINGS = {
    "application_fee_percent": None,
    "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
    "billing_cycle_anchor": "automatic",
    "billing_thresholds": None,
    "collection_method": "charge_automatically",
    "default_payment_method": None,
    "description": None,
    "invoice_settings": {**INVOICE_SETTINGS, "days_until_due": None},
    "on_behalf_of": None,
    "transfer_data": None,
}


class ShownSettings(Params):
    application_fee_percent: Any = f.number()
    automatic_tax: Any = f.nested(refs=LIABLE)
    billing_cycle_anchor: str | None = f.text()
    billing_thresholds: Any = f.nested()
    collection_method: str | None = f.text()
    default_payment_method: str | None = f.ref("payment_method")
    description: str | None = f.text()
    invoice_settings: Any = f.nested(refs={"account_tax_ids": "tax_id", "issuer": {"account": "account"}})
    on_behalf_of: str | None = f.text(refs="account")
    transfer_data: Any = f.nested(refs={"destination": "account"})


class ShownDiscount(Params):
    coupon: str | None = f.ref("coupon")
    discount: str | None = f.ref("discount")
    promotion_code: str | None = f.ref("promotion_code")


class ShownExtra(Params):
    discounts: list[ShownDiscount] = f.array(SHOWN, ShownDiscount)
    price: str = f.ref("price")
    tax_rates: list[str] = f.array(item=f.ref("tax_rate"), embed=True)


class ShownItem(ShownExtra):
    plan: str = f.ref("plan")


class ShownPhase(ShownSettings):
    """The fields of a phase that refer to other objects."""

    add_invoice_items: list[ShownExtra] = f.array(SHOWN, ShownExtra, embed=True)
    default_tax_rates: list[str] = f.array(item=f.ref("tax_rate"), embed=True)
    discounts: list[ShownDiscount] = f.array(SHOWN, ShownDiscount)
    items: list[ShownItem] = f.array(SHOWN, ShownItem, embed=True)


class SubscriptionSchedule(
    Resource,
    object="subscription_schedule",
    path="/v1/subscription_schedules",
    prefix="sub_sched_",
    events=("created", "updated"),
):
    """The planned phases of one subscription."""

    owner = "customer"

    application: str | None = f.absent(refs="application")
    billing_mode: dict[str, Any] = f.nested(default=FLEXIBLE)
    canceled_at: datetime | None = f.timestamp()
    completed_at: datetime | None = f.timestamp()
    current_phase: dict[str, Any] | None = f.nested()
    customer: str = f.ref("customer", required=True, filter=True)
    customer_account: str | None = f.absent(filter=True)
    default_settings: dict[str, Any] = f.nested(SHOWN, ShownSettings, default=DEFAULT_SETTINGS)
    end_behavior: str = f.choice(SHOWN, "cancel", "none", "release", "renew", default="release")
    metadata: dict[str, str] = f.metadata()
    pause_schedules: list[Any] = f.absent([])
    phases: list[dict[str, Any]] = f.array(SHOWN, ShownPhase, default=[], embed=True)
    released_at: datetime | None = f.timestamp()
    released_subscription: str | None = f.text()
    status: str = f.choice(SHOWN, *STATUSES, required=True)
    subscription: str | None = f.ref("subscription")
    test_clock: str | None = f.ref("test_helpers.test_clock")


class Filters(Params):
    canceled_at: list[Any] | None = f.instants()
    completed_at: list[Any] | None = f.instants()
    released_at: list[Any] | None = f.instants()
    scheduled: bool | None = f.boolean()


@SubscriptionSchedule.listing(Filters)
def listed(tx: Any, wanted: Filters) -> Where:
    """List subscription schedules, newest first; `scheduled` selects those that have not started."""
    where = Where()
    for name in ("canceled_at", "completed_at", "released_at"):
        where = listing.between(where, name, name, getattr(wanted, name) or ())
    if wanted.scheduled is None:
        return where
    return where.also("(status = 'not_started') = %(scheduled)s", scheduled=wanted.scheduled)
