"""Invoices: what a customer owes, and for which period."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN, WRITE, seconds
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.resources.invoice_line import CREDIT_AMOUNT, DiscountAmount, TaxAmount, pretax_credits
from billow.resources.payment_intent import IN_AN_ERROR
from billow.store.search import Searched

STATUSES = ("draft", "open", "paid", "uncollectible", "void")
REASONS = (
    "automatic_pending_invoice_item_invoice",
    "manual",
    "quote_accept",
    "subscription",
    "subscription_create",
    "subscription_cycle",
    "subscription_threshold",
    "subscription_update",
    "upcoming",
)


class CustomField(Params):
    name: str = f.text(max=40, required=True)
    value: str = f.text(max=140, required=True)


class SubscriptionDetails(Params):
    metadata: dict[str, str] = f.metadata()
    subscription: str = f.ref("subscription", required=True)
    subscription_proration_date: int | None = f.integer()


class QuoteDetails(Params):
    quote: str = f.text(required=True)


class Parent(Params):
    quote_details: QuoteDetails | None = f.nested(shape=QuoteDetails)
    subscription_details: SubscriptionDetails | None = f.nested(shape=SubscriptionDetails)
    type: str = f.text(required=True)


def status_transitions(row: "Invoice", now: datetime, shown: dict[str, Any]) -> dict[str, int | None]:
    return {
        "finalized_at": seconds(row.finalized_at),
        "marked_uncollectible_at": seconds(row.marked_uncollectible_at),
        "paid_at": seconds(row.paid_at),
        "voided_at": seconds(row.voided_at),
    }


def status_details(row: "Invoice", now: datetime, shown: dict[str, Any]) -> dict[str, Any] | None:
    if row.status != "uncollectible":
        return None
    return {"uncollectible": {"reason": row.uncollectible_reason}}


def confirmation_secret(row: "Invoice", now: datetime, shown: dict[str, Any]) -> dict[str, str] | None:
    secret = row.payment_secret
    return {"client_secret": secret, "type": "payment_intent"} if secret else None


def amount_remaining(row: "Invoice", now: datetime, shown: dict[str, Any]) -> int:
    return row.amount_due - row.amount_paid


NO_TAX = {"disabled_reason": None, "enabled": False, "liability": None, "provider": None, "status": None}
LIABLE = {"liability": {"account": "account"}}
"""Where automatic tax names the account that is liable for it, which callers may expand."""
SHIPPING_REFS = {"shipping_rate": "shipping_rate"}
"""Where a shipping cost names its rate, which callers may expand."""
RENDERING = {
    "amount_tax_display": None,
    "pdf": {"page_size": "auto"},
    "template": None,
    "template_version": None,
}
PAY_AS_USUAL = {"default_mandate": None, "payment_method_options": None, "payment_method_types": None}


class Invoice(Resource, object="invoice", path="/v1/invoices", prefix="in_"):
    """What a customer owes, line by line."""

    owner = "customer"
    searched = {
        "created": Searched("instant", "created"),
        "currency": Searched("token", "currency"),
        "customer": Searched("token", "customer"),
        "last_finalization_error_code": Searched("token", "last_finalization_error->>'code'"),
        "last_finalization_error_type": Searched("token", "last_finalization_error->>'type'"),
        "metadata": Searched("metadata"),
        "number": Searched("token", "number"),
        "receipt_number": Searched("token", "null::text"),
        "status": Searched("token", "status"),
        "subscription": Searched("token", "subscription"),
        "total": Searched("number", "total"),
    }

    account_country: str | None = f.text()
    account_name: str | None = f.text()
    account_tax_ids: list[str] | None = f.array(refs="tax_id")
    amount_due: int = f.amount(default=0)
    amount_overpaid: int = f.amount(default=0)
    amount_paid: int = f.amount(default=0)
    amount_paid_off_stripe: int | None = f.amount(default=0)
    amount_remaining: int = f.computed(amount_remaining)
    amount_shipping: int = f.amount(default=0)
    application: str | None = f.absent(refs="application")
    attempt_count: int = f.integer(default=0)
    attempted: bool = f.boolean(default=False)
    auto_advance: bool = f.boolean(WRITE, default=False)
    automatic_tax: dict[str, Any] = f.nested(default=NO_TAX, refs=LIABLE)
    automatically_finalizes_at: datetime | None = f.timestamp()
    billing_reason: str = f.choice(SHOWN, *REASONS, default="manual")
    collection_method: str = f.choice(
        WRITE, "charge_automatically", "send_invoice", default="charge_automatically", filter=True
    )
    confirmation_secret: dict[str, str] | None = f.computed(confirmation_secret, include=True)
    currency: str = f.currency(required=True)
    custom_fields: list[dict[str, Any]] | None = f.array(WRITE, CustomField, max=4, unset=True)
    customer: str = f.ref("customer", required=True, filter=True)
    customer_account: str | None = f.absent(filter=True)
    customer_address: dict[str, Any] | None = f.nested()
    customer_email: str | None = f.text()
    customer_name: str | None = f.text()
    customer_phone: str | None = f.text()
    customer_shipping: dict[str, Any] | None = f.nested()
    customer_tax_exempt: str | None = f.text(default="none")
    customer_tax_ids: list[dict[str, Any]] = f.array(default=[])
    default_payment_method: str | None = f.ref("payment_method", WRITE, unset=True)
    default_source: str | None = f.text(refs="card source")
    default_tax_rates: list[str] = f.array(item=f.ref("tax_rate"), embed=True, default=[])
    description: str | None = f.text(WRITE, max=1500, unset=True)
    discounts: list[str] = f.array(item=f.ref("discount"), default=[])
    due_date: datetime | None = f.timestamp(WRITE, filter=True)
    effective_at: datetime | None = f.timestamp()
    ending_balance: int | None = f.amount()
    footer: str | None = f.text(WRITE, unset=True)
    from_invoice: dict[str, Any] | None = f.nested(refs={"invoice": "invoice"})
    hosted_invoice_url: str | None = f.text()
    invoice_pdf: str | None = f.text()
    issuer: dict[str, Any] = f.absent({"account": None, "type": "self"}, refs={"account": "account"})
    last_finalization_error: dict[str, Any] | None = f.nested(refs=IN_AN_ERROR)
    latest_revision: str | None = f.ref("invoice")
    lines: list[Any] = f.sublist("line_item", by="invoice", url="/v1/invoices/{id}/lines")
    metadata: dict[str, str] = f.metadata()
    mail_error: str | None = f.text(hidden=True)
    """Why its mail could not be sent, if the customer's address cannot receive mail."""
    next_payment_attempt: datetime | None = f.timestamp()
    number: str | None = f.text(WRITE, max=26)
    on_behalf_of: str | None = f.text(refs="account")
    parent: dict[str, Any] | None = f.nested(shape=Parent)
    payment_settings: dict[str, Any] = f.nested(default=PAY_AS_USUAL)
    payments: list[Any] = f.sublist(
        "invoice_payment", by="invoice", url="/v1/invoice_payments?invoice={id}", include=True
    )
    period_end: datetime = f.timestamp(required=True)
    period_start: datetime = f.timestamp(required=True)
    post_payment_credit_notes_amount: int = f.amount(default=0)
    pre_payment_credit_notes_amount: int = f.amount(default=0)
    receipt_number: str | None = f.absent()
    rendering: dict[str, Any] | None = f.nested(default=RENDERING)
    shipping_cost: dict[str, Any] | None = f.nested(refs=SHIPPING_REFS)
    shipping_details: dict[str, Any] | None = f.nested()
    starting_balance: int = f.amount(default=0)
    statement_descriptor: str | None = f.line(max=22)
    status: str = f.choice(SHOWN, *STATUSES, default="draft")
    status_details: dict[str, Any] | None = f.computed(status_details)
    status_transitions: dict[str, int | None] = f.computed(status_transitions)
    subtotal: int = f.amount(default=0)
    subtotal_excluding_tax: int | None = f.amount(default=0)
    test_clock: str | None = f.ref("test_helpers.test_clock")
    threshold_reason: dict[str, Any] | None = f.nested()
    total: int = f.amount(default=0)
    total_discount_amounts: list[dict[str, Any]] = f.array(item=DiscountAmount, default=[])
    total_excluding_tax: int | None = f.amount(default=0)
    total_pretax_credit_amounts: list[dict[str, Any]] = f.computed(
        lambda row, now, shown: pretax_credits(row.total_discount_amounts, row.applied_credits),
        refs=CREDIT_AMOUNT,
    )
    total_taxes: list[dict[str, Any]] = f.array(item=TaxAmount, default=[])
    webhooks_delivered_at: datetime | None = f.timestamp()

    installment_plan: dict[str, Any] | None = f.nested(hidden=True)
    """The plan that its payment is made by, where the card that pays it has that plan."""
    application_fee_amount: int | None = f.amount(hidden=True)
    """What the platform keeps of its payment, and below what goes to which account (payments/shares.py)."""
    transfer_data: dict[str, Any] | None = f.nested(hidden=True)
    shared_percents: dict[str, Any] | None = f.nested(hidden=True)
    """The percentages of its total from which these two follow, and the destination (core/shares.py)."""
    days_until_due: int | None = f.integer(hidden=True)
    applied_credits: list[dict[str, Any]] = f.array(default=[], hidden=True)
    """The billing credits that pay for its lines, as these show them."""
    labels: dict[str, str] = f.nested(default={}, hidden=True)
    """The names of its discounts and tax rates when it was finalized, as printed on its document."""
    tax_decision: dict[str, Any] | None = f.nested(hidden=True)
    """How its taxes were decided, and on what evidence (flows/taxes/automatic.py)."""
    national_tax: dict[str, Any] | None = f.nested(hidden=True)
    """Its tax in the currency of the seller's tax office, and the rate (flows/taxes/national.py)."""
    finalized_at: datetime | None = f.timestamp(hidden=True)
    marked_uncollectible_at: datetime | None = f.timestamp(hidden=True)
    paid_at: datetime | None = f.timestamp(hidden=True)
    voided_at: datetime | None = f.timestamp(hidden=True)
    uncollectible_reason: str | None = f.text(hidden=True)
    subscription: str | None = f.text(hidden=True)
    payment_intent: str | None = f.text(hidden=True)
    payment_number: str | None = f.text(hidden=True)
    """The digits of the reference by which a bank transfer names it (core/bank/references.py)."""
    payment_secret: str | None = f.text(hidden=True)
    seller_version: str | None = f.text(hidden=True)
    """The seller as it was issued by (flows/outside/seller.py)."""
    wallet: str | None = f.text(hidden=True)
    """The wallet whose top-up it is; its lines of the kind `prepaid` become credits when it is paid."""
    top_up: str | None = f.choice(SHOWN, "automatic", "requested", hidden=True)
    """Whether this top-up was ordered by itself."""


class Filters(Params):
    status: str | None = f.choice(SHOWN, *STATUSES)
    subscription: str | None = f.text()


@Invoice.listing(Filters)
def listing(tx: Any, wanted: Filters) -> Where:
    """List invoices, newest first."""
    where = Where()
    for name, value in wanted.sent().items():
        where = where.also(f"{name} = %({name})s", **{name: value})
    return where
