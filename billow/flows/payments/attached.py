"""Settle invoices with payments that are attached to them, at once or when their intents succeed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.core.errors import require
from billow.flows.invoices import invoice_intents, reminders
from billow.flows.invoices import paid as paid_invoices
from billow.ledger import entries, post
from billow.ledger.entries import Transfer
from billow.resources.customer import Customer
from billow.resources.customer_balance_transaction import CustomerBalanceTransaction
from billow.resources.invoice import Invoice
from billow.resources.invoice_payment import InvoicePayment
from billow.resources.payment_intent import PaymentIntent
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment that is attached, and how the ledger books that it settles what the customer owes."""

    kind: str
    """payment_intent or payment_record."""
    id: str
    amount: int
    at: datetime
    transfers: Sequence[Transfer]


def wait_for(tx: Tx, invoice: Invoice, intent: PaymentIntent) -> None:
    """Attach an intent that has not succeeded yet: it pays the invoice once it does."""
    waiting = InvoicePayment(
        amount_requested=intent.amount,
        currency=invoice.currency,
        invoice=invoice.id,
        is_default=False,
        payment_intent=intent.id,
    )
    rows.insert(tx, waiting)


def waiting_of(tx: Tx, intents: Sequence[str]) -> list[InvoicePayment]:
    """Return the open payments of invoices that intents without an invoice of their own are attached to."""
    where = "payment_intent = any(%(ids)s) and status = 'open' and not is_default"
    return rows.select(tx, InvoicePayment, where, "order by id", ids=list(intents))


def settle_succeeded(tx: Tx, intents: Sequence[str]) -> None:
    """Pay the invoices with the attached intents among these that have just succeeded, booked as sales.

    Locks the invoices; their customers are locked.
    """
    for waiting in waiting_of(tx, intents):
        intent = rows.find(tx, PaymentIntent, waiting.payment_intent or "")
        invoice = rows.lock(tx, Invoice, waiting.invoice)
        amount = intent.amount_received
        transfers = entries.sale_settles(invoice.customer, invoice.currency, amount)
        payment = Payment("payment_intent", intent.id, amount, tx.now, transfers)
        if left_of(tx, invoice):
            rows.update(tx, intent, event=None, invoice=invoice.id)
        settle_with(tx, invoice, payment, waiting)


def release(tx: Tx, intent: PaymentIntent) -> None:
    """Cancel the payment of an invoice whose attached intent was canceled."""
    changes = {"status": "canceled", "canceled_at": tx.now}
    rows.update_many(tx, [(one, changes) for one in waiting_of(tx, [intent.id])])


def left_of(tx: Tx, invoice: Invoice) -> int:
    """Return what an attached payment can pay of an invoice: nothing while its own payment is under way."""
    if invoice.status not in lifecycle.PAYABLE or invoice_intents.is_under_way(tx, invoice.id):
        return 0
    return invoice.amount_due - invoice.amount_paid


def settle_with(tx: Tx, invoice: Invoice, payment: Payment, waiting: InvoicePayment | None = None) -> Invoice:
    """Settle an invoice with a payment: in part, in full, or with more than is due.

    One that was `waiting` may find nothing to pay any more: then it is credited to the balance. Emits
    `invoice_payment.paid` and `invoice.updated`, and once nothing is left what paying emits.
    """
    left = left_of(tx, invoice) if waiting else invoice.amount_due - invoice.amount_paid
    applied = min(payment.amount, left)
    excess = payment.amount - applied
    facts: dict[str, Any] = {"amount_paid": applied, "paid_at": payment.at, "status": "paid"}
    made = rows.update(tx, waiting, event="invoice_payment.paid", **facts) if waiting else None
    if left:
        invoice_intents.follow_remaining(tx, invoice, left - applied)
        recover_loss(tx, invoice, applied)
    if made is None:
        new = InvoicePayment(
            amount_requested=payment.amount,
            currency=invoice.currency,
            invoice=invoice.id,
            is_default=False,
            **facts,
        ).but(**{payment.kind: payment.id})
        made = rows.insert(tx, new, event="invoice_payment.paid")
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
    paid = mark_paid(tx, invoice, changes) if left else rows.update(tx, invoice, **changes)
    if excess:
        rows.emit(tx, [(paid, None)], "invoice.overpaid")
    return paid


def recover_loss(tx: Tx, invoice: Invoice, amount: int) -> None:
    """Reverse the loss of an uncollectible invoice that is paid after all."""
    if invoice.status == "uncollectible":
        post.post(
            tx,
            [
                post.Posting(
                    "invoice.recovered",
                    invoice.id,
                    tx.now,
                    entries.uncollectible(invoice.customer, invoice.currency, -amount),
                    invoice.customer,
                    invoice.id,
                )
            ],
        )


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
