"""Declare the parameters of a subscription's update, and check them."""

from datetime import datetime, timedelta
from decimal import Decimal

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.core import lifecycle
from billow.core.errors import require
from billow.flows.billing.discounts import DiscountTerm
from billow.flows.invoices.paused_collection import PauseCollection
from billow.flows.payments import able_accounts
from billow.flows.subscription_changes.items import Anchor, ItemChange
from billow.flows.subscription_terms import one_time_items, params, pending_item_invoices
from billow.flows.subscription_terms.billing_schedules import any_billed_ahead, check_proration
from billow.flows.taxes import params as taxes
from billow.resources import payment_method as cards
from billow.resources import tax_rate
from billow.resources.customer import Customer
from billow.resources.feedback_option import FeedbackOption
from billow.resources.payment_method import PaymentMethod
from billow.resources.subscription import (
    BillingSchedule,
    BillingThresholds,
    CancellationDetails,
    InvoiceSettings,
    PaymentSettings,
    PendingItemInterval,
    Subscription,
    TransferData,
    TrialSettings,
)
from billow.resources.subscription_item import SubscriptionItem
from billow.store.tx import Tx

BEHAVIORS = ("always_invoice", "create_prorations", "none")
LONGEST_TRIAL = timedelta(days=731)
CANCELED_PARAMS = {"metadata", "cancellation_details"}
INCOMPLETE_PARAMS = {"metadata", "default_payment_method"}
CANCEL_AT_CHOICES = ("min_period_end", "max_period_end", "max_billed_until")


class Change(Params):
    add_invoice_items: list[one_time_items.OneTimeItem] = f.array(
        SHOWN, one_time_items.OneTimeItem, max=20, default=[]
    )
    application_fee_percent: Decimal | None = f.number(min=0, max=100, places=2, unset=True)
    automatic_tax: taxes.AutomaticTax | None = f.nested(shape=taxes.AutomaticTax)
    billing_cycle_anchor: Anchor | None = f.nested(shape=Anchor)
    billing_schedules: list[BillingSchedule] | None = f.array(SHOWN, BillingSchedule, max=20, unset=True)
    billing_thresholds: BillingThresholds | None = f.nested(shape=BillingThresholds, unset=True)
    cancel_at: datetime | str | None = f.timestamp(choices=CANCEL_AT_CHOICES, unset=True)
    cancel_at_period_end: bool | None = f.boolean()
    cancellation_details: CancellationDetails | None = f.nested(shape=CancellationDetails)
    collection_method: str | None = f.choice(SHOWN, "charge_automatically", "send_invoice")
    days_until_due: int | None = f.integer(min=0, max=3650)
    default_payment_method: str | None = f.ref("payment_method", unset=True)
    default_source: str | None = f.text(unset=True)
    default_tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=5, unset=True)
    description: str | None = f.text(max=500, unset=True)
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    invoice_settings: InvoiceSettings | None = f.nested(shape=InvoiceSettings)
    items: list[ItemChange] = f.array(SHOWN, ItemChange, max=20, default=[])
    metadata: dict[str, str] = f.metadata()
    off_session: bool = f.boolean(default=False)
    on_behalf_of: str | None = f.ref("account", unset=True)
    pause_collection: PauseCollection | None = f.nested(shape=PauseCollection, unset=True)
    payment_behavior: str = f.choice(
        SHOWN,
        "allow_incomplete",
        "default_incomplete",
        "error_if_incomplete",
        "pending_if_incomplete",
        default="allow_incomplete",
    )
    payment_settings: PaymentSettings | None = f.nested(shape=PaymentSettings)
    pending_invoice_item_interval: PendingItemInterval | None = f.nested(
        shape=PendingItemInterval, unset=True
    )
    proration_behavior: str = f.choice(SHOWN, *BEHAVIORS, default="create_prorations")
    proration_date: datetime | None = f.timestamp()
    transfer_data: TransferData | None = f.nested(shape=TransferData, unset=True)
    trial_end: datetime | str | None = f.timestamp(choices=("now",))
    trial_from_plan: bool = f.boolean(default=False)
    trial_settings: TrialSettings | None = f.nested(shape=TrialSettings)
    agreed: bool = False
    """Set by billow, never by a request: the change was accepted before, so its tax rates may be archived."""


#: The params that are stored on the subscription as they were sent.
STORED_PARAMS = (
    "application_fee_percent",
    "billing_thresholds",
    "collection_method",
    "days_until_due",
    "default_payment_method",
    "default_source",
    "description",
    "invoice_settings",
    "metadata",
    "on_behalf_of",
    "payment_settings",
    "transfer_data",
    "trial_settings",
)


def check(tx: Tx, subscription: Subscription, wanted: Change) -> None:
    """Check the params of a change against the subscription."""
    check_status(subscription, set(wanted.sent()))
    check_paused(subscription, wanted)
    method = wanted.collection_method or subscription.collection_method
    days = wanted.days_until_due if wanted.given("days_until_due") else subscription.days_until_due
    require(
        method == "charge_automatically" or days is not None,
        "If you are using `collection_method=send_invoice`, you must pass `days_until_due`.",
        param="days_until_due",
        code="parameter_missing",
    )
    require(
        method == "send_invoice" or not wanted.days_until_due,
        "You can only set `days_until_due` if `collection_method` is `send_invoice`.",
        param="days_until_due",
    )
    check_end_of_trial(subscription, wanted, method)
    if wanted.cancellation_details and wanted.cancellation_details.feedback_option:
        option = wanted.cancellation_details.feedback_option
        rows.find(tx, FeedbackOption, option, param="cancellation_details[feedback_option]")
    if wanted.default_payment_method:
        check_method(tx, subscription, wanted.default_payment_method)
    rates = wanted.default_tax_rates or []
    tax_rate.check_usable(tx, rates, "default_tax_rates", rates if wanted.agreed else ())
    if wanted.default_source:
        cards.of_customer(tx, wanted.default_source, subscription.customer, "default_source")
    params.check_settings(tx, wanted.invoice_settings)
    if not wanted.agreed:
        able_accounts.check_agreed(tx, wanted.transfer_data, wanted.on_behalf_of)
    check_taxes(tx, subscription, wanted)
    check_instants(tx, subscription, wanted)
    pending_item_invoices.check(wanted.pending_invoice_item_interval)
    if wanted.billing_schedules or any_billed_ahead(tx, subscription):
        check_proration(wanted.proration_behavior)


def check_taxes(tx: Tx, subscription: Subscription, wanted: Change) -> None:
    """Check that automatic tax is possible, and that no tax rates are beside it."""
    taxes.check_automatic_tax(tx, wanted.automatic_tax)
    enabled = subscription.automatic_tax["enabled"]
    if wanted.automatic_tax and wanted.automatic_tax.enabled and not enabled:
        taxes.check_location(tx, True, rows.find(tx, Customer, subscription.customer))
    enabled = wanted.automatic_tax.enabled if wanted.automatic_tax else enabled
    given = wanted.given("default_tax_rates")
    taxes.check_alone(enabled, wanted.default_tax_rates if given else subscription.default_tax_rates)
    taxes.check_lines_alone(enabled, wanted.items, "items")
    if enabled and not subscription.automatic_tax["enabled"]:
        replaced = {one.id for one in wanted.items or [] if one.given("tax_rates") or one.deleted}
        stored = rows.select(tx, SubscriptionItem, "subscription = %(id)s", id=subscription.id)
        taxes.check_stored(
            True, (one for one in stored if one.id not in replaced), "an item of the subscription"
        )
    taxes.check_lines_alone(enabled, wanted.add_invoice_items, "add_invoice_items")


def check_status(subscription: Subscription, sent: set[str]) -> None:
    """Check that an ended subscription gets only metadata and cancellation details (§5.2)."""
    if subscription.status in lifecycle.ENDED:
        require(
            sent <= CANCELED_PARAMS,
            "A canceled subscription can only update its cancellation_details and metadata.",
            code="invalid_canceled_subscription_fields",
        )
    if subscription.status == "incomplete":
        require(
            sent <= INCOMPLETE_PARAMS,
            "An incomplete subscription can only update its metadata and its default payment method.",
            param=min(sent - INCOMPLETE_PARAMS, default=None),
        )


def check_paused(subscription: Subscription, wanted: Change) -> None:
    """Refuse params that need a period: a paused subscription has none that could begin or end (§5.13)."""
    anchor = wanted.billing_cycle_anchor
    asked = {
        "billing_cycle_anchor": bool(anchor and anchor.type == "now"),
        "cancel_at": isinstance(wanted.cancel_at, str),
        "cancel_at_period_end": bool(wanted.cancel_at_period_end),
        "items": bool(wanted.items and subscription.pending_change),
        "trial_end": wanted.trial_end is not None,
        "trial_from_plan": wanted.trial_from_plan,
    }
    param = next((name for name, there in asked.items() if there), None)
    require(
        subscription.status != "paused" or wanted.agreed or param is None,
        f"You cannot set `{param}` on a paused subscription. Resume it first.",
        param=param,
    )


def check_end_of_trial(subscription: Subscription, wanted: Change, method: str) -> None:
    """Check that a trial does not end by a missing payment method where invoices are sent (§5.10)."""
    params.check_trial_settings(wanted.trial_settings, method)
    kept = subscription.trial_settings["end_behavior"]["missing_payment_method"]
    counts = subscription.status == "trialing" and not (wanted.trial_settings or wanted.agreed)
    require(
        not (counts and wanted.collection_method == "send_invoice") or kept == "create_invoice",
        f"The trial ends with `missing_payment_method={kept}`, which needs"
        " `collection_method=charge_automatically`. Set `trial_settings` as well.",
        param="collection_method",
    )


def check_method(tx: Tx, subscription: Subscription, id: str) -> None:
    """Check that the payment method is attached to the customer."""
    found = rows.find(tx, PaymentMethod, id, param="default_payment_method")
    require(
        found.customer == subscription.customer,
        "The customer does not have a payment method with the ID"
        f" {found.id}. The payment method must be attached to the customer.",
        param="default_payment_method",
        code="resource_missing",
    )


def check_instants(tx: Tx, subscription: Subscription, wanted: Change) -> None:
    """Check the instants of a change and which of them exclude each other."""
    require(
        not (wanted.given("cancel_at") and wanted.cancel_at_period_end is not None),
        "You may only specify one of these parameters: cancel_at, cancel_at_period_end.",
        param="cancel_at",
        code="parameters_exclusive",
    )
    require(
        not (wanted.trial_from_plan and wanted.given("trial_end")),
        "You may only specify one of these parameters: trial_end, trial_from_plan.",
        param="trial_end",
        code="parameters_exclusive",
    )
    if isinstance(wanted.cancel_at, datetime):
        require(
            wanted.cancel_at > tx.now,
            "Invalid timestamp: must be an integer Unix timestamp in the future.",
            param="cancel_at",
        )
    if isinstance(wanted.trial_end, datetime):
        require(
            tx.now < wanted.trial_end <= tx.now + LONGEST_TRIAL,
            "Invalid timestamp: must be an integer Unix timestamp in the future, at most two years away.",
            param="trial_end",
        )
    resets = wanted.billing_cycle_anchor and wanted.billing_cycle_anchor.type == "now"
    require(
        not (resets and isinstance(wanted.trial_end, datetime)),
        "You cannot set billing_cycle_anchor and trial_end at the same time.",
        param="billing_cycle_anchor",
    )
    check_proration_period(tx, subscription, wanted.proration_date)


def check_proration_period(tx: Tx, subscription: Subscription, date: datetime | None) -> None:
    """Check that prorations count from within a current period, where a date is given."""
    if date is None:
        return
    items = tx.all(
        "select current_period_start as start, current_period_end as until from subscription_items"
        " where subscription = %(id)s",
        id=subscription.id,
    )
    require(
        any(item["start"] <= date < item["until"] for item in items),
        "Invalid proration_date: it must be within the current period of the subscription.",
        param="proration_date",
    )


def check_proration_date(date: datetime | None, anchor: Anchor | None, proration_behavior: str) -> None:
    """Refuse a date that no proration could count from: with a new anchor, or where nothing is prorated."""
    require(
        date is None or anchor is None or anchor.type != "now",
        "You cannot set `proration_date` with `billing_cycle_anchor=now`: prorations count from now.",
        param="proration_date",
    )
    require(
        date is None or proration_behavior != "none",
        "You cannot set `proration_date` with `proration_behavior=none`: nothing is prorated.",
        param="proration_date",
    )
