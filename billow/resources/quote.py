"""Quotes: offers to a customer, until when they are valid, and what they became."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN, seconds
from billow.api.params import Params
from billow.api.resource import REGISTRY, Resource, Where
from billow.resources.invoice import LIABLE, CustomField
from billow.resources.subscription import BillingMode, Issuer
from billow.store.tx import Tx

STATUSES = ("accepted", "canceled", "draft", "open")
LIVING = ("draft", "open")


class FromQuote(Params):
    is_revision: bool = f.boolean(default=False)
    quote: str = f.ref("quote", required=True)


class InvoiceSettings(Params):
    """The settings of the invoices that the quote creates."""

    custom_fields: list[CustomField] | None = f.array(SHOWN, CustomField, max=4, unset=True)
    days_until_due: int | None = f.integer(min=0, max=3650)
    description: str | None = f.text(max=1500, unset=True)
    footer: str | None = f.text(unset=True)
    issuer: Issuer | None = f.nested(shape=Issuer)


class SubscriptionData(Params):
    """The settings of the subscription that the quote creates."""

    description: str | None = f.text(max=500, unset=True)
    effective_date: datetime | str | None = f.timestamp(choices=("current_period_end",), unset=True)
    metadata: dict[str, str] | None = f.metadata(default=None)
    trial_period_days: int | None = f.integer(min=1, max=730, unset=True)


class NewSubscriptionData(SubscriptionData):
    billing_mode: BillingMode | None = f.nested(shape=BillingMode)


class TransferData(Params):
    amount: int | None = f.amount(min=0)
    amount_percent: Decimal | None = f.number(min=0, max=100, places=2)
    destination: str = f.text(required=True, refs="account")


class TotalDetails(Params):
    """The sums of discounts, taxes and shipping. The breakdown is always shown, without expanding it."""

    amount_discount: int = f.amount(default=0)
    amount_shipping: int = f.amount(default=0)
    amount_tax: int = f.amount(default=0)
    breakdown: dict[str, Any] | None = f.nested(include=True, refs={"discounts": {"discount": "discount"}})


class Recurring(Params):
    amount_subtotal: int = f.amount(default=0)
    amount_total: int = f.amount(default=0)
    interval: str = f.text(required=True)
    interval_count: int = f.integer(required=True)
    total_details: TotalDetails = f.nested(shape=TotalDetails)


class Upfront(Params):
    """What is due at once. The first ten line items are always shown, without expanding them."""

    amount_subtotal: int = f.amount(default=0)
    amount_total: int = f.amount(default=0)
    line_items: dict[str, Any] | None = f.nested(include=True, refs={"data": "item"})
    total_details: TotalDetails = f.nested(shape=TotalDetails)


class Computed(Params):
    recurring: Recurring | None = f.nested(shape=Recurring)
    upfront: Upfront = f.nested(shape=Upfront)


NO_TAX = {"enabled": False, "liability": None, "provider": None, "status": None}
NO_SETTINGS = {
    "custom_fields": None,
    "days_until_due": None,
    "description": None,
    "footer": None,
    "issuer": {"account": None, "type": "self"},
}
FLEXIBLE = {"flexible": {"proration_discounts": "included"}, "type": "flexible"}
NO_DATA = {
    "billing_mode": FLEXIBLE,
    "description": None,
    "effective_date": None,
    "metadata": None,
    "trial_period_days": None,
}


def status_transitions(row: "Quote", now: datetime, shown: dict[str, Any]) -> dict[str, int | None]:
    names = ("accepted_at", "canceled_at", "finalized_at")
    return {name: seconds(getattr(row, name)) for name in names}


class Quote(
    Resource,
    object="quote",
    path="/v1/quotes",
    prefix="qt_",
    events=("created", "finalized", "accepted", "canceled"),
):
    """An offer to a customer. When accepted, it becomes an invoice, a subscription or a schedule."""

    owner = "customer"

    amount_subtotal: int = f.amount(default=0)
    amount_total: int = f.amount(default=0)
    application: str | None = f.absent(refs="application")
    application_fee_amount: int | None = f.amount()
    application_fee_percent: Decimal | None = f.number()
    automatic_tax: dict[str, Any] = f.nested(default=NO_TAX, refs=LIABLE)
    collection_method: str = f.choice(
        SHOWN, "charge_automatically", "send_invoice", default="charge_automatically"
    )
    computed: dict[str, Any] = f.nested(shape=Computed, default={})
    currency: str | None = f.currency()
    customer: str | None = f.ref("customer")
    customer_account: str | None = f.absent(filter=True)
    default_tax_rates: list[str] = f.array(item=f.ref("tax_rate"), default=[])
    description: str | None = f.text(max=500)
    discounts: list[str] = f.array(item=f.ref("discount"), default=[])
    expires_at: datetime = f.timestamp(required=True)
    footer: str | None = f.text(max=500)
    from_quote: dict[str, Any] | None = f.nested(shape=FromQuote)
    header: str | None = f.text(max=50)
    invoice: str | None = f.ref("invoice")
    invoice_settings: dict[str, Any] = f.nested(shape=InvoiceSettings, default=NO_SETTINGS)
    line_items: list[Any] = f.sublist("item", by="quote", url="/v1/quotes/{id}/line_items", include=True)
    metadata: dict[str, str] = f.metadata()
    number: str | None = f.text()
    on_behalf_of: str | None = f.text(refs="account")
    status: str = f.choice(SHOWN, *STATUSES, default="draft")
    status_transitions: dict[str, Any] = f.computed(status_transitions)
    subscription: str | None = f.ref("subscription")
    subscription_data: dict[str, Any] = f.nested(default=NO_DATA)
    subscription_schedule: str | None = f.ref("subscription_schedule")
    test_clock: str | None = f.ref("test_helpers.test_clock")
    total_details: dict[str, Any] = f.nested(shape=TotalDetails, default={})
    transfer_data: dict[str, Any] | None = f.nested(shape=TransferData)

    accepted_at: datetime | None = f.timestamp(hidden=True)
    canceled_at: datetime | None = f.timestamp(hidden=True)
    finalized_at: datetime | None = f.timestamp(hidden=True)
    at_period_end: bool = f.boolean(default=False, hidden=True)
    """Whether its subscription starts at the end of a period that is current when the quote is accepted."""
    labels: dict[str, str] = f.nested(default={}, hidden=True)
    """The names of its discounts and tax rates on its document, by id."""
    series: str = f.text(required=True, hidden=True)
    """The id of the first quote in a series of revisions, of which only one can be accepted."""
    sequence: int | None = f.integer(hidden=True)
    revision: int | None = f.integer(hidden=True)
    emitted: bool = f.boolean(default=True, hidden=True)
    """Whether `quote.accepted` was emitted; it is after the events of what the quote created."""


class Filters(Params):
    customer: str | None = f.ref("customer")
    status: str | None = f.choice(SHOWN, *STATUSES)
    test_clock: str | None = f.text()


@Quote.listing(Filters)
def listed(tx: Tx, wanted: Filters) -> Where:
    """List quotes, newest first; quotes on a test clock only if it or a customer is named."""
    where = Where()
    if wanted.customer:
        rows.find(tx, REGISTRY["customer"], wanted.customer, param="customer", deleted=True)
        where = where.also("customer = %(customer)s", customer=wanted.customer)
    if wanted.status:
        where = where.also("status = %(status)s", status=wanted.status)
    if wanted.test_clock:
        rows.find(tx, REGISTRY["test_helpers.test_clock"], wanted.test_clock, param="test_clock")
        return where.also("test_clock = %(test_clock)s", test_clock=wanted.test_clock)
    return where if wanted.customer else where.also("test_clock is null")
