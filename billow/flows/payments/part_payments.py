"""Attach payments to an open invoice: money that came outside, or a payment that was made without it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.params import Params
from billow.core import lifecycle
from billow.core.errors import require
from billow.flows.invoices import paid as paid_invoices
from billow.flows.invoices import reminders
from billow.flows.invoices.invoice_intents import follow_remaining
from billow.flows.payments import settle
from billow.ledger import entries, post
from billow.ledger.entries import Transfer
from billow.resources.charge import Charge
from billow.resources.customer import Customer
from billow.resources.customer_balance_transaction import CustomerBalanceTransaction
from billow.resources.invoice import Invoice
from billow.resources.invoice_payment import InvoicePayment
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_record import PaymentRecord
from billow.store.tx import Tx


class AttachPayment(Params):
    payment_intent: str | None = f.ref("payment_intent")
    payment_record: str | None = f.ref("payment_record")


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment that is attached, and how the ledger books that it settles what the customer owes."""

    kind: str
    """payment_intent or payment_record."""
    id: str
    amount: int
    at: datetime
    transfers: Sequence[Transfer]


@Invoice.action("attach_payment", AttachPayment)
def attach_payment(tx: Tx, invoice: Invoice, wanted: AttachPayment) -> Invoice:
    """Attach a payment to an open invoice, which is paid once its payments come to what is due.

    What is more than that is credited to the customer's balance.
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
        return settle_with(tx, invoice, of_record(tx, invoice, wanted.payment_record))
    return settle_with(tx, invoice, of_intent(tx, invoice, wanted.payment_intent or ""))


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


def of_intent(tx: Tx, invoice: Invoice, id: str) -> Payment:
    """Take a payment that has succeeded without an invoice, which was booked as a sale."""
    at = "payment_intent"
    rows.find(tx, PaymentIntent, id, param=at)
    intent = rows.lock(tx, PaymentIntent, id)
    require(intent.invoice is None, "The PaymentIntent already pays an invoice.", param=at)
    require(
        intent.status == "succeeded",
        f"You can only attach a PaymentIntent that has succeeded. This one is {intent.status}.",
        param=at,
        code="payment_intent_unexpected_state",
    )
    require(intent.customer == invoice.customer, "The payment was made by another customer.", param=at)
    check_currency(invoice, intent.currency, at)
    charge = rows.find(tx, Charge, intent.latest_charge or "", param=at)
    require(
        not (charge.amount_refunded or charge.disputed or charge.late_for),
        "The payment was refunded or disputed, in whole or in part.",
        param=at,
    )
    rows.update(tx, intent, event=None, invoice=invoice.id)
    transfers = entries.sale_settles(invoice.customer, invoice.currency, intent.amount_received)
    return Payment(at, id, intent.amount_received, charge.created, transfers)


def check_currency(invoice: Invoice, currency: str, param: str) -> None:
    require(
        currency == invoice.currency,
        f"The payment was made in {currency}, and the invoice is in {invoice.currency}.",
        param=param,
    )


def settle_with(tx: Tx, invoice: Invoice, payment: Payment) -> Invoice:
    """Settle an invoice with a payment: in part, in full, or with more than is due.

    Emits `invoice_payment.paid` and `invoice.updated`, and once nothing is left what paying emits.
    """
    left = invoice.amount_due - invoice.amount_paid
    applied = min(payment.amount, left)
    excess = payment.amount - applied
    follow_remaining(tx, invoice, left - applied)
    settle.recover_loss(tx, invoice, applied)
    made = InvoicePayment(
        amount_paid=applied,
        amount_requested=payment.amount,
        currency=invoice.currency,
        invoice=invoice.id,
        is_default=False,
        paid_at=payment.at,
        status="paid",
    ).but(**{payment.kind: payment.id})
    made = rows.insert(tx, made, event="invoice_payment.paid")
    kept = entries.balance_applied(invoice.customer, invoice.currency, -excess)
    moved = [("invoice.payment_attached", payment.transfers), ("customer_balance.overpaid", kept)]
    whose = (invoice.customer, invoice.id)
    post.post(tx, [post.Posting(event, made.id, tx.now, list(t), *whose) for event, t in moved if t])
    outside = applied if payment.kind == "payment_record" else 0
    changes: dict[str, Any] = {
        "amount_paid": invoice.amount_paid + applied,
        "amount_paid_off_stripe": (invoice.amount_paid_off_stripe or 0) + outside,
        "attempted": True,
    }
    if applied < left:
        return rows.update(tx, invoice, **changes)
    if excess:
        changes["amount_overpaid"] = invoice.amount_overpaid + excess
        keep(tx, invoice, excess)
    paid = mark_paid(tx, invoice, changes)
    if excess:
        rows.emit(tx, [(paid, None)], "invoice.overpaid")
    return paid


def keep(tx: Tx, invoice: Invoice, amount: int) -> None:
    """Credit what was paid too much to the customer's balance. Emits `customer.updated`."""
    customer = rows.find(tx, Customer, invoice.customer)
    require(
        customer.currency in (None, invoice.currency),
        f"The balance of this customer is in {customer.currency}: what is paid too much cannot be kept.",
    )
    after = rows.update(tx, customer, balance=customer.balance - amount, currency=invoice.currency)
    made = CustomerBalanceTransaction(
        amount=-amount,
        currency=invoice.currency,
        customer=customer.id,
        ending_balance=after.balance,
        invoice=invoice.id,
        type="invoice_overpaid",
    )
    rows.insert(tx, made)


def mark_paid(tx: Tx, invoice: Invoice, changes: dict[str, Any]) -> Invoice:
    """Mark an invoice paid by money that has arrived without a charge, and thank for it."""
    paid = paid_invoices.mark_paid(tx, invoice, changes, "invoice.payment_succeeded")
    reminders.thank(tx, paid)
    return paid
