"""Declare the params of a payment link."""

from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.flows.checkout.params import PriceData
from billow.flows.taxes.params import AutomaticTax
from billow.resources import checkout_terms as terms
from billow.resources.payment_method import TYPES
from billow.resources.subscription import InvoiceSettings

MOST_LINES = 20


class Confirmation(Params):
    custom_message: str | None = f.text(max=500)


class Redirect(Params):
    url: str = f.url(required=True)


class AfterCompletion(Params):
    """What is shown after the payment: a page of ours, or another address."""

    hosted_confirmation: Confirmation | None = f.nested(shape=Confirmation)
    redirect: Redirect | None = f.nested(shape=Redirect)
    type: str = f.choice(SHOWN, "hosted_confirmation", "redirect", required=True)


class LinkLine(Params):
    adjustable_quantity: terms.AdjustableQuantity | None = f.nested(shape=terms.AdjustableQuantity)
    price: str | None = f.ref("price")
    price_data: PriceData | None = f.nested(shape=PriceData)
    quantity: int = f.integer(min=0, max=terms.MOST_OF_ONE, required=True)


class ChangedLine(Params):
    adjustable_quantity: terms.AdjustableQuantity | None = f.nested(shape=terms.AdjustableQuantity)
    id: str = f.text(required=True)
    quantity: int | None = f.integer(min=0, max=terms.MOST_OF_ONE)


class IntentData(Params):
    capture_method: str | None = f.choice(SHOWN, "automatic", "automatic_async", "manual")
    description: str | None = f.text(unset=True)
    metadata: dict[str, str] = f.metadata()
    setup_future_usage: str | None = f.choice(SHOWN, "off_session", "on_session", unset=True)
    statement_descriptor: str | None = f.line(max=22, unset=True)
    statement_descriptor_suffix: str | None = f.line(max=22, unset=True)
    transfer_group: str | None = f.text(unset=True)


class Limit(Params):
    limit: int = f.integer(min=1, max=10**9, required=True)


class Restrictions(Params):
    completed_sessions: Limit = f.nested(shape=Limit, required=True)


class ShippingOption(Params):
    shipping_rate: str | None = f.ref("shipping_rate")


class LinkSubscriptionData(Params):
    description: str | None = f.text(max=500)
    invoice_settings: InvoiceSettings | None = f.nested(shape=InvoiceSettings)
    metadata: dict[str, str] = f.metadata()
    trial_period_days: int | None = f.integer(min=1, max=730, unset=True)
    trial_settings: terms.TrialSettings | None = f.nested(shape=terms.TrialSettings, unset=True)


class LinkTransfer(Params):
    amount: int | None = f.amount(min=0, unset=True)
    destination: str = f.text(required=True)


class CardsBlocked(Params):
    brands_blocked: list[str] | None = f.array(item=f.text(), unset=True)


class CardsRestricted(Params):
    restrictions: CardsBlocked | None = f.nested(shape=CardsBlocked, unset=True)


class LinkMethodOptions(Params):
    card: CardsRestricted | None = f.nested(shape=CardsRestricted, unset=True)


class Offered(Params):
    """What a link can be created and updated with."""

    after_completion: AfterCompletion | None = f.nested(shape=AfterCompletion)
    allow_promotion_codes: bool | None = f.boolean()
    application_fee_amount: int | None = f.amount(min=0, unset=True)
    application_fee_percent: Decimal | None = f.number(min=0, max=100, places=2, unset=True)
    automatic_tax: AutomaticTax | None = f.nested(shape=AutomaticTax)
    billing_address_collection: str | None = f.choice(SHOWN, "auto", "required")
    consent_collection: terms.ConsentCollection | None = f.nested(shape=terms.ConsentCollection)
    custom_fields: list[terms.CustomField] | None = f.array(SHOWN, terms.CustomField, max=3, unset=True)
    custom_text: terms.CustomText | None = f.nested(shape=terms.CustomText)
    customer_creation: str | None = f.choice(SHOWN, "always", "if_required")
    inactive_message: str | None = f.text(max=500, unset=True)
    invoice_creation: terms.InvoiceCreation | None = f.nested(shape=terms.InvoiceCreation)
    metadata: dict[str, str] = f.metadata()
    name_collection: terms.NameCollection | None = f.nested(shape=terms.NameCollection, unset=True)
    on_behalf_of: str | None = f.ref("account", unset=True)
    optional_items: list[terms.OptionalItem] | None = f.array(SHOWN, terms.OptionalItem, max=10, unset=True)
    payment_intent_data: IntentData | None = f.nested(shape=IntentData)
    payment_method_collection: str | None = f.choice(SHOWN, "always", "if_required")
    payment_method_options: LinkMethodOptions | None = f.nested(shape=LinkMethodOptions, unset=True)
    payment_method_types: list[str] | None = f.array(item=f.choice(SHOWN, *TYPES), unset=True)
    phone_number_collection: terms.Enabled | None = f.nested(shape=terms.Enabled)
    restrictions: Restrictions | None = f.nested(shape=Restrictions, unset=True)
    shipping_address_collection: terms.Countries | None = f.nested(shape=terms.Countries, unset=True)
    shipping_options: list[ShippingOption] | None = f.array(SHOWN, ShippingOption, max=5, unset=True)
    submit_type: str | None = f.choice(SHOWN, *terms.SUBMIT_TYPES)
    subscription_data: LinkSubscriptionData | None = f.nested(shape=LinkSubscriptionData)
    tax_id_collection: terms.TaxIdCollection | None = f.nested(shape=terms.TaxIdCollection)
    transfer_data: LinkTransfer | None = f.nested(shape=LinkTransfer, unset=True)


class Create(Offered):
    currency: str | None = f.currency()
    line_items: list[LinkLine] = f.array(SHOWN, LinkLine, max=MOST_LINES, required=True)
    managed_payments: terms.ManagedPayments | None = f.nested(shape=terms.ManagedPayments)


class Update(Offered):
    active: bool | None = f.boolean()
    line_items: list[ChangedLine] | None = f.array(SHOWN, ChangedLine, max=MOST_LINES)


def shown_fields(wanted: Any) -> dict[str, Any]:
    """Return what was sent as it is stored, without the lines and what is only checked."""
    left = ("automatic_tax", "currency", "line_items", "metadata", "restrictions", "shipping_options")
    sent = {name: value for name, value in wanted.sent().items() if name not in left}
    return {name: wanted_value(value) for name, value in sent.items()}


def wanted_value(value: Any) -> Any:
    if isinstance(value, Params):
        return value.shown()
    return [wanted_value(each) for each in value] if isinstance(value, list) else value
