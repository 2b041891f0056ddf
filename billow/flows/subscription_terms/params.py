"""Declare the parameters of a new subscription, and check them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.core import lifecycle
from billow.core.errors import Refused, require
from billow.flows.billing.currency import check_customer_currency
from billow.flows.billing.discounts import DiscountTerm
from billow.flows.payments import able_accounts
from billow.flows.subscription_terms import one_time_items, pending_item_invoices, trial_offers
from billow.flows.subscription_terms.items import (
    Item,
    OfferedItem,
    check_amounts,
    check_lasting,
    check_price_unused,
    check_quantity,
    check_threshold,
    price_of,
)
from billow.flows.taxes import params as taxes
from billow.flows.taxes.params import AutomaticTax, check_automatic_tax
from billow.resources import payment_method as cards
from billow.resources import tax_id as tax_ids
from billow.resources.customer import Customer
from billow.resources.payment_method import PaymentMethod
from billow.resources.price import Price
from billow.resources.subscription import (
    NO_AUTOMATIC_TAX,
    AnchorConfig,
    BillingMode,
    BillingSchedule,
    BillingThresholds,
    InvoiceSettings,
    PaymentSettings,
    PendingItemInterval,
    TransferData,
    TrialSettings,
)
from billow.store.tx import Tx

BEHAVIORS = ("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")
PRORATIONS = ("always_invoice", "create_prorations", "none")
CANCEL_AT_CHOICES = ("max_billed_until", "max_period_end", "min_period_end")
MAX_SUBSCRIPTIONS = 500
"""How many current or scheduled subscriptions a customer may have."""


class Subscribe(Params):
    add_invoice_items: list[one_time_items.OneTimeItem] = f.array(
        SHOWN, one_time_items.OneTimeItem, max=20, default=[]
    )
    application_fee_percent: Decimal | None = f.number(min=0, max=100, places=2, unset=True)
    automatic_tax: AutomaticTax | None = f.nested(shape=AutomaticTax)
    backdate_start_date: datetime | None = f.timestamp()
    billing_cycle_anchor: datetime | None = f.timestamp()
    billing_cycle_anchor_config: AnchorConfig | None = f.nested(shape=AnchorConfig)
    billing_mode: BillingMode | None = f.nested(shape=BillingMode)
    billing_schedules: list[BillingSchedule] | None = f.array(SHOWN, BillingSchedule, max=20)
    billing_thresholds: BillingThresholds | None = f.nested(shape=BillingThresholds, unset=True)
    cancel_at: datetime | str | None = f.timestamp(choices=CANCEL_AT_CHOICES)
    cancel_at_period_end: bool = f.boolean(default=False)
    collection_method: str = f.choice(
        SHOWN, "charge_automatically", "send_invoice", default="charge_automatically"
    )
    currency: str | None = f.currency()
    customer: str = f.ref("customer", required=True)
    customer_account: str | None = f.text()
    days_until_due: int | None = f.integer(min=0, max=3650)
    default_payment_method: str | None = f.ref("payment_method")
    default_source: str | None = f.text()
    default_tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=5, unset=True)
    description: str | None = f.text(max=500, unset=True)
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    invoice_settings: InvoiceSettings | None = f.nested(shape=InvoiceSettings)
    items: Sequence[Item] = f.array(SHOWN, OfferedItem, required=True, max=20)
    metadata: dict[str, str] = f.metadata()
    off_session: bool = f.boolean(default=False)
    on_behalf_of: str | None = f.ref("account", unset=True)
    payment_behavior: str = f.choice(SHOWN, *BEHAVIORS, default="allow_incomplete")
    payment_settings: PaymentSettings | None = f.nested(shape=PaymentSettings)
    pending_invoice_item_interval: PendingItemInterval | None = f.nested(
        shape=PendingItemInterval, unset=True
    )
    proration_behavior: str = f.choice(SHOWN, *PRORATIONS, default="create_prorations")
    transfer_data: TransferData | None = f.nested(shape=TransferData)
    trial_end: datetime | str | None = f.timestamp(choices=("now",))
    trial_from_plan: bool = f.boolean(default=False)
    trial_period_days: int | None = f.integer(min=1, max=730)
    trial_settings: TrialSettings | None = f.nested(shape=TrialSettings)
    agreed: bool = False
    """Set by billow, never by a request: it was agreed on before, so its tax rates may be archived."""
    redeemed: bool = False
    """Set by billow, never by a request: its coupons were redeemed before, for a payment that was taken."""

    @property
    def classic(self) -> bool:
        return self.billing_mode is not None and self.billing_mode.type == "classic"

    @property
    def prorates(self) -> bool:
        return self.proration_behavior != "none"


#: Pairs of which only one may be sent.
EXCLUSIVE = (
    ("trial_end", "trial_period_days"),
    ("trial_end", "trial_from_plan"),
    ("billing_cycle_anchor", "billing_cycle_anchor_config"),
    ("backdate_start_date", "billing_cycle_anchor_config"),
    ("cancel_at", "cancel_at_period_end"),
)
#: Params that cannot be sent together with a trial offer on an item.
NOT_WITH_TRIAL_OFFER = ("backdate_start_date", "trial_end", "trial_from_plan", "trial_period_days")


def prices_of(tx: Tx, wanted: Subscribe) -> list[Price]:
    """Return the price of each item, in order, after checking each of them and all of them together."""
    require(wanted.items, "You must pass at least one item.", param="items")
    found: dict[str, Price] = {}
    lasting: list[Price] = []
    for place, item in enumerate(wanted.items):
        offer = trial_offers.find_offer(tx, item, f"items[{place}]")
        price = price_of(tx, item, f"items[{place}]", offer=offer)
        check_quantity(item, price, f"items[{place}]")
        check_threshold(item, price, f"items[{place}]")
        check_price_unused(price, found)
        found[price.id] = price
        lasting.append(rows.find(tx, Price, offer.then) if offer else price)
    check_lasting(list(found.values()), lasting, wanted.currency, classic=wanted.classic)
    for prices in (list(found.values()), lasting):
        priced = zip(prices, [item.quantity for item in wanted.items], strict=True)
        check_amounts(priced, wanted.currency, "items")
    return list(found.values())


def currency_of(wanted: Subscribe, prices: Sequence[Price]) -> str:
    """Return the requested currency, or else that of the first price."""
    return wanted.currency or prices[0].currency


def check(tx: Tx, wanted: Subscribe, customer: Customer, prices: Sequence[Price]) -> None:
    """Check what does not depend on the time."""
    for one, other in EXCLUSIVE:
        require(
            not (given(wanted, one) and given(wanted, other)),
            f"You may only specify one of these parameters: {one}, {other}.",
            param=one,
            code="parameters_exclusive",
        )
    if not wanted.agreed:
        check_number(tx, customer)
        able_accounts.check_agreed(tx, wanted.transfer_data, wanted.on_behalf_of)
    trial_offers.check_flexible(wanted.items, classic=wanted.classic)
    trial_offers.check_alone(wanted.items, [name for name in NOT_WITH_TRIAL_OFFER if given(wanted, name)])
    check_customer_currency(customer, currency_of(wanted, prices))
    check_collection(wanted)
    check_methods(tx, wanted, customer)
    check_settings(tx, wanted.invoice_settings)
    check_automatic_tax(tx, wanted.automatic_tax)
    automatic = taxes.enabled(wanted.automatic_tax)
    taxes.check_alone(automatic, wanted.default_tax_rates)
    taxes.check_lines_alone(automatic, wanted.items, "items")
    taxes.check_lines_alone(automatic, wanted.add_invoice_items, "add_invoice_items")
    taxes.check_location(tx, automatic, customer)
    if wanted.customer_account is not None:
        raise Refused(
            f"No such account: '{wanted.customer_account}'", param="customer_account", code="resource_missing"
        )
    pending_item_invoices.check(wanted.pending_invoice_item_interval)


def given(wanted: Subscribe, name: str) -> bool:
    """Return whether a param requests anything; `false` does not."""
    return getattr(wanted, name) not in (None, False)


def check_number(tx: Tx, customer: Customer) -> None:
    """Check how many current and scheduled subscriptions the customer has (§5.1)."""
    found = tx.one(
        "select (select count(*) from subscriptions where customer = %(id)s and status <> all(%(ended)s))"
        " + (select count(*) from subscription_schedules where customer = %(id)s and status = 'not_started')"
        " as many",
        id=customer.id,
        ended=list(lifecycle.ENDED),
    )
    require(
        found is not None and found["many"] < MAX_SUBSCRIPTIONS,
        f"Customer {customer.id} already has the maximum {MAX_SUBSCRIPTIONS} current subscriptions.",
        code="customer_max_subscriptions",
    )


def check_collection(wanted: Subscribe) -> None:
    """Check that the params of collection fit together."""
    sends = wanted.collection_method == "send_invoice"
    require(
        not sends or wanted.days_until_due is not None,
        "If you are using `collection_method=send_invoice`, you must pass `days_until_due`.",
        param="days_until_due",
        code="parameter_missing",
    )
    require(
        sends or wanted.days_until_due is None,
        "You can only set `days_until_due` if `collection_method` is `send_invoice`.",
        param="days_until_due",
    )
    require(
        wanted.payment_behavior != "pending_if_incomplete",
        "You cannot create a subscription with `payment_behavior=pending_if_incomplete`: it is for updates.",
        param="payment_behavior",
    )
    check_trial_settings(wanted.trial_settings, wanted.collection_method)
    check_mode(wanted.billing_mode)


def check_trial_settings(settings: TrialSettings | None, collection_method: str) -> None:
    """Refuse that a trial ends otherwise without a payment method where invoices are sent, and need none."""
    behavior = settings.end_behavior.missing_payment_method if settings else "create_invoice"
    require(
        behavior == "create_invoice" or collection_method == "charge_automatically",
        f"You can only set `missing_payment_method` to `{behavior}` if `collection_method` is"
        " `charge_automatically`.",
        param="trial_settings[end_behavior][missing_payment_method]",
    )


def check_mode(mode: BillingMode | None) -> None:
    """Refuse settings of the flexible billing mode in classic."""
    require(
        mode is None or mode.type == "flexible" or mode.flexible is None,
        "You can only set `billing_mode[flexible]` if `billing_mode[type]` is `flexible`.",
        param="billing_mode[flexible]",
    )


def check_methods(tx: Tx, wanted: Subscribe, customer: Customer) -> None:
    """Check that the payment methods are attached to the customer."""
    if wanted.default_payment_method:
        method = rows.find(tx, PaymentMethod, wanted.default_payment_method, param="default_payment_method")
        require(
            method.customer == customer.id,
            "The customer does not have a payment method with the ID"
            f" {method.id}. The payment method must be attached to the customer.",
            param="default_payment_method",
            code="resource_missing",
        )
    if wanted.default_source:
        cards.of_customer(tx, wanted.default_source, customer.id, "default_source")


def check_settings(tx: Tx, settings: InvoiceSettings | None) -> None:
    """Check that the tax ids on invoices are the account's own, and that it is their issuer."""
    given = (settings and settings.account_tax_ids) or []
    tax_ids.of_account(tx, given, "invoice_settings[account_tax_ids]")
    issuer = settings.issuer if settings else None
    require(
        issuer is None or (issuer.type == "self" and issuer.account is None),
        "There are no connected accounts: `invoice_settings[issuer][type]` must be `self`.",
        param="invoice_settings[issuer]",
    )


def settings_of(wanted: Subscribe) -> dict[str, Any]:
    """Return the params that the subscription stores as they were sent."""
    names = ("application_fee_percent", "default_payment_method", "default_source", "description")
    kept: dict[str, Any] = {name: getattr(wanted, name) for name in (*names, "on_behalf_of")}
    for name in ("billing_cycle_anchor_config", "billing_thresholds", "payment_settings", "transfer_data"):
        value = getattr(wanted, name)
        if value is not None:
            kept[name] = value.shown()
    if wanted.invoice_settings:
        issuer = {"account": None, "type": "self"}
        kept["invoice_settings"] = {**wanted.invoice_settings.shown(), "issuer": issuer}
    if wanted.automatic_tax:
        kept["automatic_tax"] = taxes.kept(NO_AUTOMATIC_TAX, wanted.automatic_tax)
    if wanted.trial_settings:
        behavior = wanted.trial_settings.end_behavior.shown()
        anchor = behavior["billing_cycle_anchor"] or "now"
        kept["trial_settings"] = {"end_behavior": {**behavior, "billing_cycle_anchor": anchor}}
    return kept


def mode_of(wanted: BillingMode | None, since: int | None) -> dict[str, Any]:
    """Return the billing mode, flexible by default; `since` is when it was adopted."""
    if wanted and wanted.type == "classic":
        return {"flexible": None, "type": "classic", "updated_at": None}
    flexible = wanted and wanted.flexible
    discounts = flexible.proration_discounts if flexible else "included"
    return {"flexible": {"proration_discounts": discounts}, "type": "flexible", "updated_at": since}
