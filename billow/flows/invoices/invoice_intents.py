"""Create and cancel the payment intents of invoices."""

from collections.abc import Sequence
from datetime import timedelta

from billow.api import rows
from billow.core import lifecycle
from billow.core.errors import require
from billow.flows.customers import payment_methods
from billow.flows.invoices.sheet import Sheet
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_payment import InvoicePayment
from billow.resources.payment_intent import PaymentIntent
from billow.resources.subscription import Subscription
from billow.store.ids import new_id, secret
from billow.store.tx import Tx

DESCRIPTIONS = {"subscription_create": "Subscription creation", "subscription_update": "Subscription update"}
UNDER_WAY = timedelta(hours=1)
"""How long what expires unpaid waits on for a gateway that has not answered."""


def automatic(invoice: Invoice) -> bool:
    return invoice.collection_method == "charge_automatically"


def expect_payments(tx: Tx, sheets: Sequence[Sheet]) -> None:
    """An intent to be paid for each open invoice that is charged, and the row that ties the two together."""
    owed = [sheet for sheet in sheets if sheet.invoice.status == "open" and automatic(sheet.invoice)]
    linked = link_intents(tx, [(sheet.invoice, sheet.customer) for sheet in owed])
    for sheet, invoice in zip(owed, linked, strict=True):
        sheet.invoice = invoice


def link_intents(tx: Tx, owed: Sequence[tuple[Invoice, Customer]]) -> list[Invoice]:
    subscriptions = rows.find_many(tx, Subscription, [i.subscription for i, _ in owed if i.subscription])
    intents = [
        intent_for(invoice, customer, subscriptions.get(invoice.subscription or ""))
        for invoice, customer in owed
    ]
    made = rows.insert_many(tx, intents)
    rows.insert_many(
        tx,
        [
            InvoicePayment(
                amount_requested=intent.amount,
                currency=intent.currency,
                invoice=intent.invoice or "",
                payment_intent=intent.id,
            )
            for intent in made
        ],
    )
    return rows.update_many(
        tx,
        [
            (invoice, {"payment_intent": intent.id, "payment_secret": intent.client_secret})
            for (invoice, _), intent in zip(owed, made, strict=True)
        ],
        event=None,
    )


def intent_for(invoice: Invoice, customer: Customer, subscription: Subscription | None) -> PaymentIntent:
    id = new_id(PaymentIntent.prefix)
    method = payment_methods.method_id(customer, subscription, invoice)
    first = subscription is not None and invoice.billing_reason == "subscription_create"
    return PaymentIntent(
        id=id,
        amount=invoice.amount_due - invoice.amount_paid,
        currency=invoice.currency,
        customer=invoice.customer,
        invoice=invoice.id,
        client_secret=secret(f"{id}_secret_", 25),
        payment_method=method,
        status="requires_confirmation" if method else "requires_payment_method",
        setup_future_usage="off_session" if first else None,
        description=DESCRIPTIONS.get(invoice.billing_reason, "Payment for Invoice"),
    )


def is_under_way(tx: Tx, invoice: str | None) -> bool:
    """Whether a gateway still has to say if it took the money for an invoice."""
    found = rows.find_many(tx, Invoice, [invoice or ""]).get(invoice or "")
    intent = rows.find(tx, PaymentIntent, found.payment_intent) if found and found.payment_intent else None
    return intent is not None and intent.status == "processing"


def cancel_intent(tx: Tx, invoice: Invoice, reason: str) -> None:
    """Nobody may pay it any more."""
    if invoice.payment_intent is None:
        return
    intent = rows.lock(tx, PaymentIntent, invoice.payment_intent)
    require(
        intent.status != "processing",
        "A payment for this invoice is under way.",
        code="payment_intent_unexpected_state",
    )
    if intent.status not in ("succeeded", "canceled"):
        rows.update(
            tx,
            intent,
            event="payment_intent.canceled",
            canceled_at=tx.now,
            cancellation_reason=reason,
            status=lifecycle.after(lifecycle.PAYMENT_INTENT, intent.status, "cancel"),
        )
    payments = rows.select(tx, InvoicePayment, "invoice = %(id)s and status = 'open'", id=invoice.id)
    rows.update_many(tx, [(payment, {"status": "canceled", "canceled_at": tx.now}) for payment in payments])
