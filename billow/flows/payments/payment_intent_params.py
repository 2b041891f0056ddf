"""The params of payment intents: what is created, updated, confirmed and captured."""

from typing import Any

from billow.api import fields as f
from billow.api.fields import CREATE
from billow.api.params import Params
from billow.flows.customers.payment_methods import NewMethod
from billow.resources.intent_shapes import (
    AmountDetails,
    AutomaticMethods,
    Hooks,
    MandateData,
    PaymentDetails,
    Shipping,
    TransferData,
    types_listed,
)
from billow.resources.method_options import PaymentOptions
from billow.resources.payment_intent import CAPTURE_METHODS
from billow.resources.payment_method import RadarOptions

SESSIONS = ("true", "false", "one_off", "recurring")
USAGES = ("off_session", "on_session")


class Described(Params):
    """What a payment is for, and how it is shown: kept and shown as it was sent."""

    amount_details: AmountDetails | None = f.nested(shape=AmountDetails, unset=True)
    hooks: Hooks | None = f.nested(shape=Hooks)
    payment_details: PaymentDetails | None = f.nested(shape=PaymentDetails, unset=True)


class Methods(Described):
    """How a payment is made."""

    allowed_payment_method_types: list[str] | None = types_listed()
    capture_method: str | None = f.choice(CREATE, *CAPTURE_METHODS)
    excluded_payment_method_types: list[str] | None = types_listed(unset=True)
    payment_method: str | None = f.ref("payment_method")
    payment_method_data: Any = f.nested(shape=NewMethod)
    payment_method_options: PaymentOptions | None = f.nested(shape=PaymentOptions)
    receipt_email: str | None = f.email(unset=True)
    setup_future_usage: str | None = f.choice(CREATE, *USAGES, unset=True)
    shipping: Shipping | None = f.nested(shape=Shipping, unset=True)


class Confirming(Methods):
    """What is said when a payment is confirmed."""

    confirmation_token: str | None = f.ref("confirmation_token")
    error_on_requires_action: bool = f.boolean(default=False)
    mandate: str | None = f.ref("mandate")
    mandate_data: MandateData | None = f.nested(shape=MandateData, unset=True)
    off_session: str = f.choice(CREATE, *SESSIONS, default="false")
    radar_options: RadarOptions | None = f.nested(shape=RadarOptions)
    return_url: str | None = f.url()
    use_stripe_sdk: bool = f.boolean(default=False)


class Confirm(Confirming):
    amount_to_confirm: int | None = f.amount(min=1)
    client_secret: str | None = f.text()


class Terms(Params):
    """What is said of a payment when it is created or updated."""

    application_fee_amount: int | None = f.amount(min=0, unset=True)
    description: str | None = f.text(unset=True)
    metadata: dict[str, str] = f.metadata()
    payment_method_configuration: str | None = f.text()
    statement_descriptor: str | None = f.line(max=22, unset=True)
    statement_descriptor_suffix: str | None = f.line(max=22, unset=True)
    transfer_data: TransferData | None = f.nested(shape=TransferData)
    transfer_group: str | None = f.text(unset=True)


class Create(Confirming, Terms):
    amount: int = f.amount(required=True, min=1)
    automatic_payment_methods: AutomaticMethods | None = f.nested(shape=AutomaticMethods)
    confirm: bool = f.boolean(default=False)
    confirmation_method: str = f.choice(CREATE, "automatic", "manual", default="automatic")
    currency: str = f.currency(required=True)
    customer: str | None = f.ref("customer")
    on_behalf_of: str | None = f.ref("account")


class Update(Methods, Terms):
    amount: int | None = f.amount(min=1)
    currency: str | None = f.currency()
    customer: str | None = f.ref("customer")


class SharedAmount(Params):
    """What of a payment goes to its destination, where that is not all of it."""

    amount: int | None = f.amount(min=1)
    description: str | None = f.text()
    metadata: dict[str, str] = f.metadata()
    payment_data: dict[str, Any] | None = f.nested()


class Capture(Described):
    amount_to_capture: int | None = f.amount(min=0)
    application_fee_amount: int | None = f.amount(min=0)
    final_capture: bool = f.boolean(default=True)
    metadata: dict[str, str] = f.metadata()
    statement_descriptor: str | None = f.line(max=22)
    statement_descriptor_suffix: str | None = f.line(max=22)
    transfer_data: SharedAmount | None = f.nested(shape=SharedAmount)


class Increment(Described):
    amount: int = f.amount(required=True, min=1)
    application_fee_amount: int | None = f.amount(min=0)
    description: str | None = f.text()
    metadata: dict[str, str] = f.metadata()
    statement_descriptor: str | None = f.line(max=22)
    transfer_data: SharedAmount | None = f.nested(shape=SharedAmount)


class Cancel(Params):
    cancellation_reason: str | None = f.choice(
        f.SHOWN, "abandoned", "duplicate", "fraudulent", "requested_by_customer"
    )
    client_secret: str | None = f.text()


class ApplyBalance(Params):
    amount: int | None = f.amount(min=1)
    currency: str | None = f.currency()
