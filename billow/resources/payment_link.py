"""Payment links: an address that anybody can buy at, each time in a checkout session of its own."""

from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api.resource import Resource
from billow.resources import checkout_terms as terms
from billow.resources.checkout_session import INVOICED, NO_TEXT
from billow.resources.invoice import LIABLE

THANKS = {"hosted_confirmation": {"custom_message": None}, "type": "hosted_confirmation"}
SUBSCRIBED = {"invoice_settings": INVOICED["invoice_data"]}
NO_TAX = {"enabled": False, "liability": None}


class PaymentLink(
    Resource, object="payment_link", path="/v1/payment_links", prefix="plink_", events=("created", "updated")
):
    """What is offered at a lasting address; each visit makes a checkout session."""

    lacks = ("created",)

    active: bool = f.boolean(default=True, filter=True)
    after_completion: dict[str, Any] = f.nested(default=THANKS)
    allow_promotion_codes: bool = f.boolean(default=False)
    application: str | None = f.absent(refs="application")
    application_fee_amount: int | None = f.amount()
    application_fee_percent: Decimal | None = f.number()
    automatic_tax: dict[str, Any] = f.nested(default=NO_TAX, refs=LIABLE)
    billing_address_collection: str = f.text(default="auto")
    consent_collection: dict[str, Any] | None = f.nested()
    currency: str = f.currency(required=True)
    custom_fields: list[dict[str, Any]] = f.array(default=[])
    custom_text: dict[str, Any] = f.nested(default=NO_TEXT)
    customer_creation: str = f.text(default="if_required")
    inactive_message: str | None = f.text()
    invoice_creation: dict[str, Any] | None = f.nested(refs=INVOICED)
    line_items: list[Any] = f.sublist(
        "item", by="payment_link", url="/v1/payment_links/{id}/line_items", include=True
    )
    managed_payments: dict[str, Any] | None = f.nested()
    metadata: dict[str, str] = f.metadata()
    name_collection: dict[str, Any] | None = f.nested()
    on_behalf_of: str | None = f.text(refs="account")
    optional_items: list[dict[str, Any]] | None = f.array()
    payment_intent_data: dict[str, Any] | None = f.nested()
    payment_method_collection: str = f.text(default="always")
    payment_method_options: dict[str, Any] | None = f.nested()
    payment_method_types: list[str] | None = f.array(item=f.text())
    phone_number_collection: dict[str, Any] = f.nested(default={"enabled": False})
    restrictions: dict[str, Any] | None = f.nested()
    shipping_address_collection: dict[str, Any] | None = f.nested()
    shipping_options: list[dict[str, Any]] = f.array(default=[], refs={"shipping_rate": "shipping_rate"})
    submit_type: str = f.text(default="auto")
    subscription_data: dict[str, Any] | None = f.nested(refs=SUBSCRIBED)
    tax_id_collection: dict[str, Any] = f.nested(default={"enabled": False, "required": "never"})
    transfer_data: dict[str, Any] | None = f.nested(refs={"destination": "account"})
    url: str = f.text(required=True)

    mode: str = f.choice(f.SHOWN, *terms.MODES, default="payment", hidden=True)
