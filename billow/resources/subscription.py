"""Subscriptions: an agreement that renews."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.fields import SHOWN, WRITE
from billow.api.params import Params
from billow.api.resource import REGISTRY, Resource, Where
from billow.core import lifecycle
from billow.resources.invoice import LIABLE, CustomField
from billow.resources.method_option_shapes.settings import OfSubscriptions
from billow.resources.payment_method_types import BY_NAME
from billow.store.search import Searched

STATUSES = (
    "active",
    "canceled",
    "incomplete",
    "incomplete_expired",
    "past_due",
    "paused",
    "trialing",
    "unpaid",
)
FEEDBACK = (
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
)


class EndBehavior(Params):
    billing_cycle_anchor: str | None = f.choice(SHOWN, "now", "unchanged")
    missing_payment_method: str = f.choice(
        SHOWN, "create_invoice", "cancel", "pause", default="create_invoice"
    )


class TrialSettings(Params):
    end_behavior: EndBehavior = f.nested(shape=EndBehavior, required=True)


class CancellationDetails(Params):
    comment: str | None = f.text(unset=True)
    feedback: str | None = f.choice(SHOWN, *FEEDBACK, unset=True)
    feedback_option: str | None = f.ref("billing.feedback_option", unset=True)
    reason: str | None = f.absent()


class PaymentSettings(Params):
    payment_method_options: OfSubscriptions | None = f.nested(shape=OfSubscriptions)
    payment_method_types: list[str] | None = f.array(item=f.choice(SHOWN, *BY_NAME), unset=True)
    save_default_payment_method: str | None = f.choice(SHOWN, "off", "on_subscription", default="off")


class AnchorConfig(Params):
    day_of_month: int = f.integer(min=1, max=31, required=True)
    hour: int | None = f.integer(min=0, max=23)
    minute: int | None = f.integer(min=0, max=59)
    month: int | None = f.integer(min=1, max=12)
    second: int | None = f.integer(min=0, max=59)


class ProrationDiscounts(Params):
    proration_discounts: str = f.choice(SHOWN, "included", "itemized", default="included")


class BillingMode(Params):
    flexible: ProrationDiscounts | None = f.nested(shape=ProrationDiscounts)
    type: str = f.choice(SHOWN, "classic", "flexible", required=True)


class Issuer(Params):
    account: str | None = f.text(refs="account")
    type: str = f.choice(SHOWN, "account", "self", required=True)


class InvoiceSettings(Params):
    """The settings of the invoices of a subscription (§5.15)."""

    account_tax_ids: list[str] | None = f.array(item=f.text(), unset=True, refs="tax_id")
    custom_fields: list[CustomField] | None = f.array(SHOWN, CustomField, max=4, unset=True)
    description: str | None = f.text(max=1500, unset=True)
    footer: str | None = f.text(max=5000, unset=True)
    issuer: Issuer | None = f.nested(shape=Issuer)


class BillingThresholds(Params):
    """The amount of unbilled usage at which it is billed (§4.5)."""

    amount_gte: int | None = f.amount(min=50)
    reset_billing_cycle_anchor: bool | None = f.boolean()


class PendingItemInterval(Params):
    """How often pending invoice items are billed, also between two renewals (§5.16)."""

    interval: str = f.choice(SHOWN, "day", "week", "month", "year", required=True)
    interval_count: int = f.integer(min=1, max=365, default=1)


class PrebilledPrice(Params):
    price: str | None = f.ref("price")
    type: str = f.choice(SHOWN, "price", required=True)


class PrebillingDuration(Params):
    interval: str = f.choice(SHOWN, "day", "week", "month", "year", required=True)
    interval_count: int = f.integer(min=1, max=365, default=1)


class BillUntil(Params):
    duration: PrebillingDuration | None = f.nested(shape=PrebillingDuration)
    timestamp: datetime | None = f.timestamp()
    type: str = f.choice(SHOWN, "duration", "timestamp", required=True)


class BillingSchedule(Params):
    """Until when items are billed in advance, beyond the end of their period (§5.16)."""

    applies_to: list[PrebilledPrice] | None = f.array(SHOWN, PrebilledPrice, max=20)
    bill_until: BillUntil | None = f.nested(shape=BillUntil)
    key: str | None = f.text(max=200)


class BilledUntil(BillUntil):
    computed_timestamp: datetime | None = f.timestamp()


class AgreedSchedule(BillingSchedule):
    """A billing schedule as it is stored, with the instant until which it bills."""

    bill_until: BilledUntil | None = f.nested(shape=BilledUntil)


class TransferData(Params):
    amount_percent: Decimal | None = f.number(min=0, max=100, places=2)
    destination: str = f.text(required=True, refs="account")


NO_AUTOMATIC_TAX = {"disabled_reason": None, "enabled": False, "liability": None}
NO_CANCELLATION = {"comment": None, "feedback": None, "feedback_option": None, "reason": None}
PAY_AS_USUAL = {
    "payment_method_options": None,
    "payment_method_types": None,
    "save_default_payment_method": "off",
}
BILL_AT_TRIAL_END = {
    "end_behavior": {"billing_cycle_anchor": "now", "missing_payment_method": "create_invoice"}
}
PENDING = {"discount": "discount", "discounts": "discount", "subscription_items": "subscription_item"}
FLEXIBLE = {"flexible": {"proration_discounts": "included"}, "type": "flexible", "updated_at": None}
INVOICE_SETTINGS = {
    "account_tax_ids": None,
    "custom_fields": None,
    "description": None,
    "footer": None,
    "issuer": {"account": None, "type": "self"},
}


class Subscription(
    Resource, object="subscription", path="/v1/subscriptions", prefix="sub_", event="customer.subscription"
):
    """An agreement that renews: its customer, items, billing cycle and how it is paid."""

    owner = "customer"
    among = "not provisional"
    searched = {
        "canceled_at": Searched("instant", "canceled_at"),
        "created": Searched("instant", "created"),
        "metadata": Searched("metadata"),
        "status": Searched("token", "status"),
    }

    application: str | None = f.absent(refs="application")
    application_fee_percent: Decimal | None = f.number()
    automatic_tax: dict[str, Any] = f.nested(default=NO_AUTOMATIC_TAX, refs=LIABLE)
    billing_cycle_anchor: datetime = f.timestamp(required=True)
    billing_cycle_anchor_config: dict[str, Any] | None = f.nested(shape=AnchorConfig)
    billing_mode: dict[str, Any] = f.nested(default=FLEXIBLE)
    billing_schedules: list[dict[str, Any]] = f.array(SHOWN, AgreedSchedule, default=[])
    billing_thresholds: dict[str, Any] | None = f.nested(shape=BillingThresholds)
    cancel_at: datetime | None = f.timestamp()
    cancel_at_period_end: bool = f.boolean(WRITE, default=False)
    canceled_at: datetime | None = f.timestamp()
    cancellation_details: dict[str, Any] = f.nested(WRITE, CancellationDetails, default=NO_CANCELLATION)
    collection_method: str = f.choice(
        WRITE, "charge_automatically", "send_invoice", default="charge_automatically", filter=True
    )
    currency: str = f.currency(required=True)
    customer: str = f.ref("customer", required=True)
    customer_account: str | None = f.absent(filter=True)
    days_until_due: int | None = f.integer(WRITE, min=0, max=3650)
    default_payment_method: str | None = f.ref("payment_method", WRITE, unset=True)
    default_source: str | None = f.text(refs="card source")
    default_tax_rates: list[str] = f.array(item=f.ref("tax_rate"), embed=True, default=[])
    description: str | None = f.text(WRITE, max=500, unset=True)
    discounts: list[str] = f.array(item=f.ref("discount"), default=[])
    ended_at: datetime | None = f.timestamp()
    invoice_settings: dict[str, Any] = f.nested(shape=InvoiceSettings, default=INVOICE_SETTINGS)
    items: list[Any] = f.sublist(
        "subscription_item", by="subscription", url="/v1/subscription_items?subscription={id}"
    )
    latest_invoice: str | None = f.ref("invoice")
    managed_payments: dict[str, Any] = f.absent({"enabled": False})
    metadata: dict[str, str] = f.metadata()
    next_pending_invoice_item_invoice: datetime | None = f.timestamp()
    on_behalf_of: str | None = f.text(refs="account")
    pause_collection: dict[str, Any] | None = f.nested()
    payment_settings: dict[str, Any] = f.nested(WRITE, PaymentSettings, default=PAY_AS_USUAL)
    pending_invoice_item_interval: dict[str, Any] | None = f.nested(shape=PendingItemInterval)
    pending_setup_intent: str | None = f.ref("setup_intent")
    pending_update: dict[str, Any] | None = f.nested(refs=PENDING)
    presentment_details: dict[str, Any] | None = f.absent()
    schedule: str | None = f.ref("subscription_schedule")
    start_date: datetime = f.timestamp(required=True)
    status: str = f.choice(SHOWN, *STATUSES, required=True)
    status_details: dict[str, Any] | None = f.nested()
    test_clock: str | None = f.ref("test_helpers.test_clock")
    transfer_data: dict[str, Any] | None = f.nested(shape=TransferData)
    trial_end: datetime | None = f.timestamp()
    trial_settings: dict[str, Any] = f.nested(WRITE, TrialSettings, default=BILL_AT_TRIAL_END)
    trial_start: datetime | None = f.timestamp()
    pending_change: dict[str, Any] | None = f.nested(hidden=True)
    """The update that waits for its payment: its params, its time, and the invoice and items that bill it."""
    resumes_at: datetime | None = f.timestamp(hidden=True)
    """When a pause ends that its customer has chosen in the billing portal."""
    provisional: bool = f.boolean(default=False, hidden=True)
    """Whether it is deleted unless its first payment succeeds (`error_if_incomplete`)."""
    watched: bool = f.boolean(default=False, hidden=True)
    """Whether it or one of its items has a threshold, so that its usage is checked when events arrive."""
    emitted: bool = f.boolean(default=True, hidden=True)
    """Whether its creation event was emitted, which waits for the first payment to settle (§10.3 F1)."""


class TaxFilter(Params):
    enabled: bool = f.boolean(required=True)


class Filters(Params):
    automatic_tax: TaxFilter | None = f.nested(shape=TaxFilter)
    current_period_end: list[Any] | None = f.instants()
    current_period_start: list[Any] | None = f.instants()
    customer: str | None = f.ref("customer")
    plan: str | None = f.text()
    price: str | None = f.text()
    status: str | None = f.choice(SHOWN, *STATUSES, "all", "ended")
    test_clock: str | None = f.text()


#: Items can have different periods: the filters compare the latest start and the earliest end.
PERIODS = {"current_period_end": "min", "current_period_start": "max"}


@Subscription.listing(Filters)
def listed(tx: Any, wanted: Filters) -> Where:
    """List subscriptions, newest first; canceled ones only if `status` asks for them (§5.1).

    Subscriptions on a test clock are listed only if it or their customer is named.
    """
    where = Where("not provisional")
    if wanted.status is None:
        where = where.also("status <> 'canceled'")
    elif wanted.status == "ended":
        where = where.also("status = any(%(ended)s)", ended=list(lifecycle.ENDED))
    elif wanted.status != "all":
        where = where.also("status = %(status)s", status=wanted.status)
    having = "id in (select subscription from subscription_items where price = %({})s)"
    for name in ("plan", "price"):
        if wanted.given(name):
            where = where.also(having.format(name), **{name: getattr(wanted, name)})
    for name, first in PERIODS.items():
        period = f"(select {first}({name}) from subscription_items where subscription = subscriptions.id)"
        where = listing.between(where, period, name, getattr(wanted, name) or ())
    if wanted.automatic_tax:
        where = where.also(
            "(automatic_tax->>'enabled')::boolean = %(automatic_tax)s",
            automatic_tax=wanted.automatic_tax.enabled,
        )
    if wanted.customer:
        rows.find(tx, REGISTRY["customer"], wanted.customer, param="customer", deleted=True)
        where = where.also("customer = %(customer)s", customer=wanted.customer)
    if wanted.test_clock:
        return where.also("test_clock = %(test_clock)s", test_clock=wanted.test_clock)
    return where if wanted.customer else where.also("test_clock is null")
