"""Invoice payments: which payment paid which invoice."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN, seconds
from billow.api.params import Params
from billow.api.resource import Resource, Where

PAID_BY = {name: name for name in ("charge", "payment_intent", "payment_record")}


def payment(row: "InvoicePayment", now: datetime, shown: dict[str, Any]) -> dict[str, Any]:
    return {
        "charge": None,
        "payment_intent": row.payment_intent,
        "payment_record": row.payment_record,
        "type": "payment_record" if row.payment_record else "payment_intent",
    }


def status_transitions(row: "InvoicePayment", now: datetime, shown: dict[str, Any]) -> dict[str, int | None]:
    return {"canceled_at": seconds(row.canceled_at), "paid_at": seconds(row.paid_at)}


class InvoicePayment(
    Resource, object="invoice_payment", path="/v1/invoice_payments", prefix="inpay_", events=()
):
    """A payment that is to pay an invoice, or has paid it: an intent, or one that was made elsewhere."""

    amount_paid: int | None = f.amount()
    amount_requested: int = f.amount(required=True)
    currency: str = f.currency(required=True)
    invoice: str = f.ref("invoice", required=True, filter=True)
    is_default: bool = f.boolean(default=True)
    payment: dict[str, Any] = f.computed(payment, refs=PAID_BY)
    status: str = f.choice(SHOWN, "open", "paid", "canceled", default="open", filter=True)
    status_transitions: dict[str, int | None] = f.computed(status_transitions)

    payment_intent: str | None = f.text(hidden=True)
    payment_record: str | None = f.text(hidden=True)
    canceled_at: datetime | None = f.timestamp(hidden=True)
    paid_at: datetime | None = f.timestamp(hidden=True)


class PaymentFilter(Params):
    payment_intent: str | None = f.text()
    payment_record: str | None = f.text()
    type: str = f.choice(SHOWN, "charge", "payment_intent", "payment_record", required=True)


class Filters(Params):
    payment: PaymentFilter | None = f.nested(shape=PaymentFilter)


@InvoicePayment.listing(Filters)
def listing(tx: Any, wanted: Filters) -> Where:
    """List payments of invoices; `payment[payment_intent]` finds the invoice that an intent pays.

    So does `payment[payment_record]` that of a payment which was made elsewhere.
    """
    if wanted.payment is None:
        return Where()
    intent, record = wanted.payment.payment_intent, wanted.payment.payment_record
    match wanted.payment.type:
        case "charge":
            return Where("false")
        case "payment_record" if record is None:
            return Where("payment_record is not null")
        case "payment_record":
            return Where("payment_record = %(payment_record)s", payment_record=record)
        case _ if intent is None:
            return Where("payment_intent is not null")
    return Where("payment_intent = %(payment_intent)s", payment_intent=intent)
