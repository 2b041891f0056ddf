"""Checkout sessions: what one customer is offered on the payment page, and what came of it."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.resources import checkout_terms as terms
from billow.resources.invoice import LIABLE
from billow.resources.quote import NO_TAX, TotalDetails
from billow.store.tx import Tx

STATUSES = ("complete", "expired", "open")
UI_MODES = ("elements", "embedded_page", "form", "hosted_page")
NO_TEXT = dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance"))
CARD = {"card": {"request_three_d_secure": "automatic"}}
OFFERED = {"coupon": "coupon", "promotion_code": "promotion_code"}
INVOICED = {"invoice_data": {"account_tax_ids": "tax_id", "issuer": {"account": "account"}}}
NOTHING_COLLECTED = {"business_name": None, "individual_name": None, "shipping_details": None}


class CheckoutSession(
    Resource,
    object="checkout.session",
    path="/v1/checkout/sessions",
    prefix="cs_",
    table="checkout_sessions",
    events=(),
):
    """One visit of a customer to the payment page, from its address to what was bought there."""

    owner = "customer"

    adaptive_pricing: dict[str, Any] | None = f.nested(shape=terms.AdaptivePricing)
    after_expiration: dict[str, Any] | None = f.nested()
    allow_promotion_codes: bool | None = f.boolean()
    allowed_payment_method_types: list[str] | None = f.array(item=f.text())
    amount_subtotal: int | None = f.amount()
    amount_total: int | None = f.amount()
    automatic_tax: dict[str, Any] = f.nested(default=NO_TAX, refs=LIABLE)
    billing_address_collection: str | None = f.text()
    branding_settings: dict[str, Any] | None = f.nested()
    cancel_url: str | None = f.text()
    client_reference_id: str | None = f.text()
    client_secret: str | None = f.text()
    collected_information: dict[str, Any] | None = f.nested(default=NOTHING_COLLECTED)
    consent: dict[str, Any] | None = f.nested()
    consent_collection: dict[str, Any] | None = f.nested()
    currency: str | None = f.currency()
    currency_conversion: dict[str, Any] | None = f.absent()
    custom_fields: list[dict[str, Any]] = f.array(default=[])
    custom_text: dict[str, Any] = f.nested(default=NO_TEXT)
    customer: str | None = f.ref("customer", filter=True)
    customer_account: str | None = f.absent(filter=True)
    customer_creation: str | None = f.text()
    customer_details: dict[str, Any] | None = f.nested()
    customer_email: str | None = f.text()
    discounts: list[dict[str, Any]] | None = f.array(refs=OFFERED)
    excluded_payment_method_types: list[str] | None = f.array(item=f.text())
    expires_at: datetime = f.timestamp(required=True)
    integration_identifier: str | None = f.text()
    invoice: str | None = f.ref("invoice")
    invoice_creation: dict[str, Any] | None = f.nested(refs=INVOICED)
    line_items: list[Any] = f.sublist(
        "item", by="session", url="/v1/checkout/sessions/{id}/line_items", include=True
    )
    locale: str | None = f.text()
    managed_payments: dict[str, Any] | None = f.nested()
    metadata: dict[str, str] = f.metadata()
    mode: str = f.choice(SHOWN, *terms.MODES, default="payment")
    name_collection: dict[str, Any] | None = f.nested()
    optional_items: list[dict[str, Any]] | None = f.array(refs={"price": "price"})
    origin_context: str | None = f.text()
    payment_intent: str | None = f.ref("payment_intent", filter=True)
    payment_link: str | None = f.ref("payment_link", filter=True)
    payment_method_collection: str | None = f.text()
    payment_method_configuration_details: dict[str, Any] | None = f.nested()
    payment_method_options: dict[str, Any] | None = f.nested(default=CARD)
    payment_method_types: list[str] = f.array(item=f.text(), default=["card"])
    payment_status: str = f.choice(SHOWN, "no_payment_required", "paid", "unpaid", default="unpaid")
    permissions: dict[str, Any] | None = f.nested()
    phone_number_collection: dict[str, Any] = f.nested(default={"enabled": False})
    presentment_details: dict[str, Any] | None = f.absent()
    recovered_from: str | None = f.text()
    redirect_on_completion: str | None = f.text()
    return_url: str | None = f.text()
    saved_payment_method_options: dict[str, Any] | None = f.nested()
    setup_intent: str | None = f.ref("setup_intent")
    shipping_address_collection: dict[str, Any] | None = f.nested()
    shipping_cost: dict[str, Any] | None = f.nested(refs={"shipping_rate": "shipping_rate"})
    shipping_options: list[dict[str, Any]] = f.array(default=[], refs={"shipping_rate": "shipping_rate"})
    status: str = f.choice(SHOWN, *STATUSES, default="open", filter=True)
    submit_type: str | None = f.text()
    subscription: str | None = f.ref("subscription", filter=True)
    success_url: str | None = f.text()
    tax_id_collection: dict[str, Any] | None = f.nested()
    total_details: dict[str, Any] | None = f.nested(shape=TotalDetails)
    ui_mode: str = f.choice(SHOWN, *UI_MODES, default="hosted_page")
    url: str | None = f.text()
    wallet_options: dict[str, Any] | None = f.nested()

    test_clock: str | None = f.text(hidden=True)
    data: dict[str, Any] = f.nested(default={}, hidden=True)
    """What its subscription, intent or customer gets: the hashes of the request, as JSON."""
    discount_ids: list[str] = f.array(default=[], hidden=True)
    """The discounts that its totals are calculated with; they are redeemed when it is completed."""
    pending: dict[str, Any] = f.nested(default={}, hidden=True)
    """What was made for it so far, and is not shown before it is complete: customer, method, subscription,
    invoice."""
    attempt_until: datetime | None = f.timestamp(hidden=True)
    """Until when a payment under way keeps others out; `checkout.settle` then finds out what became of it."""


CheckoutSession.noun = "checkout.session"  # so says an error: No such checkout.session


class CustomerDetails(Params):
    email: str = f.email(required=True)


class Filters(Params):
    customer_details: CustomerDetails | None = f.nested(shape=CustomerDetails)


@CheckoutSession.listing(Filters)
def listed(tx: Tx, wanted: Filters) -> Where:
    """List checkout sessions, newest first."""
    if wanted.customer_details is None:
        return Where()
    return Where(
        "coalesce(customer_details->>'email', customer_email) = %(email)s",
        email=wanted.customer_details.email,
    )
