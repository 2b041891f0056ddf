"""Declare the parameters of a preview, and check them."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params, missing, specs
from billow.core.errors import Refused, require
from billow.flows.billing.discounts import DiscountTerm
from billow.flows.invoices.invoice_items import ItemPeriod
from billow.flows.invoices.item_amounts import ItemPriceData
from billow.flows.schedules.phase_params import Phase
from billow.flows.schedules.schedules import END_BEHAVIORS
from billow.flows.subscription_changes.items import ItemChange
from billow.flows.subscription_changes.params import BEHAVIORS, CANCEL_AT_CHOICES
from billow.flows.subscription_terms import params
from billow.flows.subscriptions.pause import Pause
from billow.flows.taxes import params as taxes
from billow.resources.customer import Address, Shipping, TaxNumber
from billow.resources.subscription import BillingMode, BillingSchedule, Issuer
from billow.store.tx import Tx

T = TypeVar("T")


class Anchor(Params):
    timestamp: datetime | None = f.timestamp()
    type: str = f.choice(SHOWN, "now", "timestamp", "unchanged", required=True)


class Details(Params):
    """What the subscription would be, or would be changed to."""

    billing_cycle_anchor: Anchor | None = f.nested(shape=Anchor)
    billing_mode: BillingMode | None = f.nested(shape=BillingMode)
    billing_schedules: list[BillingSchedule] | None = f.array(SHOWN, BillingSchedule, max=20, unset=True)
    cancel_at: datetime | str | None = f.timestamp(choices=CANCEL_AT_CHOICES, unset=True)
    cancel_at_period_end: bool | None = f.boolean()
    cancel_now: bool = f.boolean(default=False)
    default_tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=5, unset=True)
    items: list[ItemChange] = f.array(SHOWN, ItemChange, max=20, default=[])
    metadata: dict[str, str] = f.metadata()
    pause: Pause | None = f.nested(shape=Pause)
    proration_behavior: str = f.choice(SHOWN, *BEHAVIORS, default="create_prorations")
    proration_date: datetime | None = f.timestamp()
    resume_at: str | None = f.choice(SHOWN, "now")
    start_date: datetime | None = f.timestamp()
    trial_end: datetime | str | None = f.timestamp(choices=("now",))

    @property
    def prorated(self) -> bool:
        """Return whether this change prorates the current period of a subscription, unless told not to."""
        kind = self.billing_cycle_anchor.type if self.billing_cycle_anchor else None
        moves = kind == "now" or (self.resume_at is not None and kind == "unchanged")
        return moves or self.cancel_now or bool(self.items or self.trial_end) or self.given("cancel_at")


class ScheduleDetails(Params):
    """The schedule that would be created, or what one would be changed to."""

    billing_mode: BillingMode | None = f.nested(shape=BillingMode)
    end_behavior: str | None = f.choice(SHOWN, *END_BEHAVIORS)
    phases: list[Phase] = f.array(SHOWN, Phase, default=[])
    proration_behavior: str = f.choice(SHOWN, *params.PRORATIONS, default="create_prorations")


class ExtraItem(Params):
    """A new invoice item, or the changes of one that is pending."""

    amount: int | None = f.amount()
    currency: str | None = f.currency()
    description: str | None = f.text(unset=True)
    discountable: bool | None = f.boolean()
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    invoiceitem: str | None = f.ref("invoiceitem")
    metadata: dict[str, str] = f.metadata()
    period: ItemPeriod | None = f.nested(shape=ItemPeriod)
    price: str | None = f.ref("price")
    price_data: ItemPriceData | None = f.nested(shape=ItemPriceData)
    quantity: int | None = f.integer(min=0, max=10**12)
    tax_behavior: str | None = f.choice(SHOWN, "exclusive", "inclusive", "unspecified")
    tax_code: str | None = f.text(unset=True)
    tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=10, unset=True)
    unit_amount: int | None = f.amount()
    unit_amount_decimal: Decimal | None = f.decimal()


class Location(Params):
    ip_address: str | None = f.text(unset=True, max=45)


class CustomerDetails(Params):
    """Who would be billed: somebody who is no customer yet, or a customer with other details."""

    address: Address | None = f.nested(shape=Address, unset=True)
    shipping: Shipping | None = f.nested(shape=Shipping, unset=True)
    tax: Location | None = f.nested(shape=Location)
    tax_exempt: str | None = f.choice(SHOWN, "exempt", "none", "reverse", unset=True)
    tax_ids: list[TaxNumber] = f.array(SHOWN, TaxNumber, max=5, default=[])


class Preview(Params):
    automatic_tax: taxes.AutomaticTax | None = f.nested(shape=taxes.AutomaticTax)
    currency: str | None = f.currency()
    customer: str | None = f.ref("customer")
    customer_account: str | None = f.text()
    customer_details: CustomerDetails | None = f.nested(shape=CustomerDetails)
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    invoice_items: list[ExtraItem] = f.array(SHOWN, ExtraItem, max=250, default=[])
    issuer: Issuer | None = f.nested(shape=Issuer)
    on_behalf_of: str | None = f.text(unset=True)
    preview_mode: str = f.choice(SHOWN, "next", "recurring", default="next")
    schedule: str | None = f.ref("subscription_schedule")
    schedule_details: ScheduleDetails | None = f.nested(shape=ScheduleDetails)
    subscription: str | None = f.ref("subscription")
    subscription_details: Details | None = f.nested(shape=Details)

    @property
    def recurring(self) -> bool:
        """Return whether only recurring amounts are shown."""
        return self.preview_mode == "recurring"


def check(tx: Tx, wanted: Preview) -> None:
    """Check what can be checked without loading rows."""
    if wanted.customer_account is not None:
        raise Refused(
            f"No such account: '{wanted.customer_account}'", param="customer_account", code="resource_missing"
        )
    require(
        wanted.customer or wanted.subscription or wanted.schedule or wanted.customer_details,
        "You must provide a customer, customer_details, a subscription or a schedule.",
        param="customer",
        code="parameter_missing",
    )
    planned = [name for name in ("schedule", "schedule_details") if wanted.given(name)]
    agreed = [name for name in ("subscription", "subscription_details") if wanted.given(name)]
    require(
        not (planned and agreed),
        f"You may only specify one of these parameters: {', '.join(planned[:1] + agreed[:1])}.",
        param=min(planned, default=None),
        code="parameters_exclusive",
    )
    taxes.check_automatic_tax(tx, wanted.automatic_tax)
    require(
        wanted.issuer is None or (wanted.issuer.type == "self" and wanted.issuer.account is None),
        "There are no connected accounts: `issuer[type]` must be `self`.",
        param="issuer",
    )


#: Details that apply only to an existing subscription, and only to a new one.
EXISTING_ONLY = ("cancel_now", "pause", "proration_date", "resume_at")
NEW_ONLY = ("start_date",)
#: Details besides those that prorate with which a date of prorations may be sent.
DATED = ("billing_schedules", "cancel_at_period_end", "resume_at")


def check_details(details: Details, *, new: bool) -> None:
    """Check that the details apply to an existing or a new subscription."""
    for name in EXISTING_ONLY if new else NEW_ONLY:
        word = "exists" if new else "does not exist yet"
        require(
            not getattr(details, name),
            f"You can only set `subscription_details[{name}]` for a subscription that {word}.",
            param=f"subscription_details[{name}]",
        )
    require(
        details.proration_date is None or details.prorated or any(details.given(name) for name in DATED),
        "You can only set `subscription_details[proration_date]` with a change that it prorates, such as"
        " `subscription_details[items]`.",
        param="subscription_details[proration_date]",
    )
    anchor = details.billing_cycle_anchor
    at = "subscription_details[billing_cycle_anchor]"
    if anchor and anchor.type == "timestamp":
        require(
            new,
            "The billing cycle of a subscription that exists begins `now`, or stays `unchanged`.",
            param=f"{at}[type]",
        )
        if anchor.timestamp is None:
            raise missing(f"{at}[timestamp]")
    elif anchor:
        require(
            anchor.timestamp is None,
            "You can only set a timestamp with `type=timestamp`.",
            param=f"{at}[timestamp]",
        )


def with_param_prefix(name: str, shape: type[Params], do: Callable[[], T]) -> T:
    """Run a function; name the param of its refusal as the preview names it."""
    try:
        return do()
    except Refused as refused:
        head, bracket, rest = (refused.param or "").partition("[")
        if head in specs(shape):
            refused.param = f"{name}[{head}]{bracket}{rest}"
        raise
