"""Define the params that report a payment which was made elsewhere."""

from datetime import datetime

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.resources.customer import Address
from billow.resources.payment_record import OUTCOMES, PRESENCES


class Money(Params):
    currency: str = f.currency(required=True)
    value: int = f.amount(min=1, required=True)


class Canceled(Params):
    canceled_at: datetime = f.timestamp(required=True)


class Failed(Params):
    failed_at: datetime = f.timestamp(required=True)


class Guaranteed(Params):
    guaranteed_at: datetime = f.timestamp(required=True)


class CustomerDetails(Params):
    customer: str | None = f.ref("customer")
    email: str | None = f.email()
    name: str | None = f.line()
    phone: str | None = f.line()


class BillingDetails(Params):
    address: Address | None = f.nested(shape=Address)
    email: str | None = f.email()
    name: str | None = f.line()
    phone: str | None = f.line()


class CustomMethod(Params):
    display_name: str | None = f.line()
    type: str | None = f.text()


class MethodDetails(Params):
    billing_details: BillingDetails | None = f.nested(shape=BillingDetails)
    custom: CustomMethod | None = f.nested(shape=CustomMethod)
    payment_method: str | None = f.ref("payment_method")
    type: str = f.choice(SHOWN, "custom", default="custom")


class Processed(Params):
    payment_reference: str = f.line(required=True)


class ProcessorDetails(Params):
    custom: Processed | None = f.nested(shape=Processed)
    type: str = f.choice(SHOWN, "custom", required=True)


class ShippingDetails(Params):
    address: Address | None = f.nested(shape=Address)
    name: str | None = f.line()
    phone: str | None = f.line()


class ReportAttempt(Params):
    """What is reported of an attempt: when it began, how it was paid, and how it ended."""

    canceled: Canceled | None = f.nested(shape=Canceled)
    description: str | None = f.text()
    failed: Failed | None = f.nested(shape=Failed)
    guaranteed: Guaranteed | None = f.nested(shape=Guaranteed)
    initiated_at: datetime = f.timestamp(required=True)
    metadata: dict[str, str] = f.metadata()
    outcome: str | None = f.choice(SHOWN, *OUTCOMES)
    payment_method_details: MethodDetails | None = f.nested(shape=MethodDetails)
    shipping_details: ShippingDetails | None = f.nested(shape=ShippingDetails)


class ReportPayment(ReportAttempt):
    """A payment that was made elsewhere, with its first attempt."""

    amount_requested: Money = f.nested(shape=Money, required=True)
    customer_details: CustomerDetails | None = f.nested(shape=CustomerDetails)
    customer_presence: str | None = f.choice(SHOWN, *PRESENCES)
    payment_method_details: MethodDetails = f.nested(shape=MethodDetails, required=True)
    processor_details: ProcessorDetails | None = f.nested(shape=ProcessorDetails)


class ReportCanceled(Canceled):
    metadata: dict[str, str] = f.metadata()


class ReportFailed(Failed):
    metadata: dict[str, str] = f.metadata()


class ReportGuaranteed(Guaranteed):
    metadata: dict[str, str] = f.metadata()


class ReportInformational(Params):
    customer_details: CustomerDetails | None = f.nested(shape=CustomerDetails)
    description: str | None = f.text(unset=True)
    metadata: dict[str, str] = f.metadata()
    shipping_details: ShippingDetails | None = f.nested(shape=ShippingDetails, unset=True)


class RefundProcessed(Params):
    refund_reference: str = f.line(required=True)


class RefundProcessor(Params):
    custom: RefundProcessed | None = f.nested(shape=RefundProcessed)
    type: str = f.choice(SHOWN, "custom", required=True)


class Refunded(Params):
    refunded_at: datetime = f.timestamp(required=True)


class ReportRefund(Params):
    """What was given back of a payment that was made elsewhere; without an amount, all that is left."""

    amount: Money | None = f.nested(shape=Money)
    initiated_at: datetime | None = f.timestamp()
    metadata: dict[str, str] = f.metadata()
    outcome: str = f.choice(SHOWN, "refunded", required=True)
    processor_details: RefundProcessor = f.nested(shape=RefundProcessor, required=True)
    refunded: Refunded | None = f.nested(shape=Refunded)
