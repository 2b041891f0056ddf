"""Attach payments to an open invoice: money that came outside, or a payment that was made without it."""

from billow.api import fields as f
from billow.api import rows
from billow.api.params import Params
from billow.core import lifecycle
from billow.core.errors import require
from billow.flows.payments import attached
from billow.flows.payments.attached import Payment
from billow.ledger import entries
from billow.resources.charge import Charge
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_record import PaymentRecord
from billow.store.tx import Tx


class AttachPayment(Params):
    payment_intent: str | None = f.ref("payment_intent")
    payment_record: str | None = f.ref("payment_record")


@Invoice.action("attach_payment", AttachPayment)
def attach_payment(tx: Tx, invoice: Invoice, wanted: AttachPayment) -> Invoice:
    """Attach a payment to an open invoice, which is paid once its payments come to what is due.

    A payment intent that has not succeeded yet pays once it does; it is canceled with the invoice, or once
    that is paid otherwise. What is more than what is due is credited to the customer's balance.
    """
    given = [name for name in ("payment_intent", "payment_record") if getattr(wanted, name)]
    require(
        len(given) == 1,
        "You must pass exactly one of payment_intent and payment_record.",
        param="payment_intent",
    )
    require(
        invoice.status in lifecycle.PAYABLE,
        f"You can only attach payments to an open or uncollectible invoice. This one is {invoice.status}.",
    )
    if wanted.payment_record:
        return attached.settle_with(tx, invoice, of_record(tx, invoice, wanted.payment_record))
    intent = attachable(tx, invoice, wanted.payment_intent or "")
    if intent.status != "succeeded":
        attached.wait_for(tx, invoice, intent)
        return invoice
    return attached.settle_with(tx, invoice, of_intent(tx, invoice, intent))


def of_record(tx: Tx, invoice: Invoice, id: str) -> Payment:
    """Take the money that a payment record reports, less what was given back of it."""
    at = "payment_record"
    rows.find(tx, PaymentRecord, id, param=at)
    record = rows.lock(tx, PaymentRecord, id)
    amount = record.guaranteed - record.refunded
    require(record.guaranteed > 0, "The payment record does not say that the money is there.", param=at)
    require(record.invoice is None, "The payment record already pays an invoice.", param=at)
    require(amount > 0, "The whole payment was given back.", param=at)
    require(
        record.customer in (None, invoice.customer), "The payment was made by another customer.", param=at
    )
    check_currency(invoice, record.currency, at)
    details = record.customer_details or dict.fromkeys(("email", "name", "phone"))
    named = {**details, "customer": invoice.customer}
    rows.update(tx, record, invoice=invoice.id, customer=invoice.customer, customer_details=named)
    transfers = entries.paid_out_of_band(invoice.customer, invoice.currency, amount)
    return Payment(at, id, amount, record.guaranteed_at or tx.now, transfers)


def attachable(tx: Tx, invoice: Invoice, id: str) -> PaymentIntent:
    """Lock an intent that can pay an invoice, now or once it succeeds; refuse any other."""
    at = "payment_intent"
    rows.find(tx, PaymentIntent, id, param=at)
    intent = rows.lock(tx, PaymentIntent, id)
    taken = intent.invoice is not None or attached.waiting_of(tx, [intent.id])
    require(not taken, "The PaymentIntent already pays an invoice.", param=at)
    require(
        intent.status != "canceled",
        "You cannot attach a PaymentIntent that is canceled.",
        param=at,
        code="payment_intent_unexpected_state",
    )
    require(intent.customer == invoice.customer, "The payment was made by another customer.", param=at)
    check_currency(invoice, intent.currency, at)
    return intent


def of_intent(tx: Tx, invoice: Invoice, intent: PaymentIntent) -> Payment:
    """Take a payment that has succeeded without an invoice, which was booked as a sale."""
    at = "payment_intent"
    charge = rows.find(tx, Charge, intent.latest_charge or "", param=at)
    require(
        not (charge.amount_refunded or charge.disputed or charge.late_for),
        "The payment was refunded or disputed, in whole or in part.",
        param=at,
    )
    rows.update(tx, intent, event=None, invoice=invoice.id)
    transfers = entries.sale_settles(invoice.customer, invoice.currency, intent.amount_received)
    return Payment(at, intent.id, intent.amount_received, charge.created, transfers)


def check_currency(invoice: Invoice, currency: str, param: str) -> None:
    require(
        currency == invoice.currency,
        f"The payment was made in {currency}, and the invoice is in {invoice.currency}.",
        param=param,
    )
