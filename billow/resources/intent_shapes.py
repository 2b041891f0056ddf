"""Shapes of the hashes that payment intents and setup intents share in their requests."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import CREATE
from billow.api.params import Params
from billow.resources.customer import Address
from billow.resources.payment_method_types import BY_NAME

#: The types that a list of an intent may name.
LISTED = tuple(BY_NAME)


class AutomaticMethods(Params):
    """Which methods an intent offers by itself: those of the account's configuration."""

    allow_redirects: str | None = f.choice(CREATE, "always", "never")
    enabled: bool = f.boolean(required=True)


class Online(Params):
    ip_address: str = f.text(required=True)
    user_agent: str = f.text(required=True)


class Offline(Params):
    contact_email: str | None = f.email()


class Acceptance(Params):
    accepted_at: datetime | None = f.timestamp()
    offline: Offline | None = f.nested(shape=Offline)
    online: Online | None = f.nested(shape=Online)
    type: str = f.choice(CREATE, "offline", "online", required=True)


class Shipping(Params):
    address: Address = f.nested(shape=Address, required=True)
    carrier: str | None = f.line(unset=True)
    name: str = f.line(required=True)
    phone: str | None = f.line(unset=True)
    tracking_number: str | None = f.line(unset=True)


class MandateData(Params):
    """How the customer has agreed to later debits."""

    customer_acceptance: Acceptance = f.nested(shape=Acceptance, required=True)


class TransferData(Params):
    amount: int | None = f.amount(min=1)
    description: str | None = f.text()
    destination: str = f.text(required=True)
    metadata: dict[str, str] = f.metadata()
    payment_data: dict[str, Any] | None = f.nested()


class PaymentDetails(Params):
    customer_reference: str | None = f.text(max=25, unset=True)
    order_reference: str | None = f.text(max=25, unset=True)


class LineTax(Params):
    total_tax_amount: int = f.amount(min=0, required=True)


class CommodityOfLine(Params):
    commodity_code: str | None = f.text()


class KlarnaOfLine(Params):
    image_url: str | None = f.url()
    product_url: str | None = f.url()
    reference: str | None = f.text(max=255)
    subscription_reference: str | None = f.text(max=2048)


class PaypalOfLine(Params):
    category: str | None = f.choice(CREATE, "digital_goods", "donation", "physical_goods")
    description: str | None = f.text(max=127)
    sold_by: str | None = f.text()


class OptionsOfLine(Params):
    """What is said of a line to the gateways of some types of payment methods."""

    card: CommodityOfLine | None = f.nested(shape=CommodityOfLine)
    card_present: CommodityOfLine | None = f.nested(shape=CommodityOfLine)
    klarna: KlarnaOfLine | None = f.nested(shape=KlarnaOfLine)
    paypal: PaypalOfLine | None = f.nested(shape=PaypalOfLine)


class DetailedLine(Params):
    discount_amount: int | None = f.amount(min=0)
    payment_method_options: OptionsOfLine | None = f.nested(shape=OptionsOfLine)
    product_code: str | None = f.text(max=12)
    product_name: str = f.text(max=1024, required=True)
    quantity: int = f.integer(min=1, required=True)
    tax: LineTax | None = f.nested(shape=LineTax)
    unit_cost: int = f.amount(min=0, required=True)
    unit_of_measure: str | None = f.text(max=12)


class DetailedShipping(Params):
    amount: int | None = f.amount(min=0, unset=True)
    from_postal_code: str | None = f.text(max=10, unset=True)
    to_postal_code: str | None = f.text(max=10, unset=True)


class DetailedTax(Params):
    total_tax_amount: int | None = f.amount(min=0, unset=True)


class AmountDetails(Params):
    """What an amount is made of: goods, discount, shipping and tax."""

    discount_amount: int | None = f.amount(min=0, unset=True)
    enforce_arithmetic_validation: bool | None = f.boolean()
    line_items: list[Any] | None = f.array(item=DetailedLine, max=200, unset=True)
    shipping: DetailedShipping | None = f.nested(shape=DetailedShipping, unset=True)
    tax: DetailedTax | None = f.nested(shape=DetailedTax, unset=True)


class TaxInput(Params):
    calculation: str | None = f.text(unset=True)


class HookInputs(Params):
    tax: TaxInput | None = f.nested(shape=TaxInput, unset=True)


class Hooks(Params):
    inputs: HookInputs | None = f.nested(shape=HookInputs)


def types_listed(**more: Any) -> Any:
    """Declare a list of types of payment methods."""
    return f.array(item=f.choice(CREATE, *LISTED), **more)
