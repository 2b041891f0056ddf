"""Create and cancel the payment intents of invoices."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.core.errors import require
from billow.flows.customers import payment_methods
from billow.flows.invoices.sheet import Sheet
from billow.resources import method_options
from billow.resources.attempt import Attempt
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_payment import InvoicePayment
from billow.resources.payment_intent import PaymentIntent
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.ids import new_id, secret
from billow.store.tx import Tx

DESCRIPTIONS = {"subscription_create": "Subscription creation", "subscription_update": "Subscription update"}
UNDER_WAY = timedelta(hours=1)
"""How much longer a subscription or change that expires unpaid waits for a gateway that has not answered."""


def is_charged_automatically(invoice: Invoice) -> bool:
    return invoice.collection_method == "charge_automatically"


def prepare_intents(tx: Tx, sheets: Sequence[Sheet]) -> None:
    """Give each invoice that is to be charged an intent, which `insert_intents` writes after the invoice."""
    owed = [
        sheet
        for sheet in sheets
        if sheet.changes["status"] == "open" and is_charged_automatically(sheet.invoice)
    ]
    for sheet in owed:
        if sheet.paid_by:
            sheet.changes.update(link_to(sheet.paid_by))
    waiting = [sheet for sheet in owed if not sheet.paid_by]
    finalized = [(sheet.invoice.but(**sheet.changes), sheet.customer) for sheet in waiting]
    for sheet, intent in zip(waiting, intents_for(tx, finalized), strict=True):
        sheet.intent = intent
        sheet.changes.update(link_to(intent))


def link_to(intent: PaymentIntent) -> dict[str, Any]:
    """Return the columns of an invoice that name its intent."""
    return {"payment_intent": intent.id, "payment_secret": intent.client_secret}


def link_intents(tx: Tx, owed: Sequence[tuple[Invoice, Customer]]) -> list[Invoice]:
    """Insert the intents of open invoices that have none, and link them."""
    intents = intents_for(tx, owed)
    insert_intents(tx, intents)
    links = [(invoice, link_to(intent)) for (invoice, _), intent in zip(owed, intents, strict=True)]
    return rows.update_many(tx, links, event=None)


def link_paid(tx: Tx, sheets: Sequence[Sheet]) -> None:
    """Connect invoices with the intents that have paid them before they were made."""
    for sheet in sheets:
        if sheet.paid_by:
            connect(tx, [rows.update(tx, sheet.paid_by, event=None, invoice=sheet.invoice.id)])


def insert_intents(tx: Tx, intents: Sequence[PaymentIntent]) -> None:
    """Insert the intents of invoices, and the invoice payments that connect the two."""
    connect(tx, rows.insert_many(tx, intents))


def connect(tx: Tx, made: Sequence[PaymentIntent]) -> None:
    """Insert the invoice payments of intents."""
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


def intents_for(tx: Tx, owed: Sequence[tuple[Invoice, Customer]]) -> list[PaymentIntent]:
    """Build the intents of invoices that are to be charged, without writing them."""
    wanted = [invoice.subscription for invoice, _ in owed if invoice.subscription]
    subscriptions = rows.find_many(tx, Subscription, wanted)
    return [
        intent_for(invoice, customer, subscriptions.get(invoice.subscription or ""))
        for invoice, customer in owed
    ]


def intent_for(invoice: Invoice, customer: Customer, subscription: Subscription | None) -> PaymentIntent:
    id, amount = new_id(PaymentIntent.prefix), invoice.amount_due - invoice.amount_paid
    method = payment_methods.method_id(customer, subscription, invoice)
    types = invoice.payment_settings.get("payment_method_types") or ["card"]
    first = subscription is not None and invoice.billing_reason == "subscription_create"
    return PaymentIntent(
        id=id,
        amount=amount,
        currency=invoice.currency,
        customer=invoice.customer,
        invoice=invoice.id,
        client_secret=secret(f"{id}_secret_", 25),
        payment_method=method,
        status="requires_confirmation" if method else "requires_payment_method",
        payment_method_types=types,
        payment_method_options=method_options.shown(types, options_of(invoice)) or None,
        setup_future_usage="off_session" if first else None,
        description=DESCRIPTIONS.get(invoice.billing_reason, "Payment for Invoice"),
        statement_descriptor=invoice.statement_descriptor,
        **shares_of(invoice, amount),
    )


def shares_of(invoice: Invoice, amount: int | None = None) -> dict[str, Any]:
    """Return what of a payment for an invoice others have: no more than the payment, else all that is due."""
    amount = invoice.amount_due if amount is None else amount
    data, fee = invoice.transfer_data, invoice.application_fee_amount
    if data and data.get("amount"):
        data = {**data, "amount": min(data["amount"], amount)}
    return {
        "application_fee_amount": min(fee, amount) if fee else None,
        "on_behalf_of": invoice.on_behalf_of,
        "transfer_data": data,
    }


def options_of(invoice: Invoice) -> dict[str, Any]:
    """Return the options of an invoice's payment that are set, by type."""
    said = invoice.payment_settings.get("payment_method_options") or {}
    found = {name: {k: v for k, v in one.items() if v is not None} for name, one in said.items() if one}
    chosen = found.get("card", {}).get("installments")
    if chosen and invoice.installment_plan:
        found["card"]["installments"] = {**chosen, "plan": invoice.installment_plan}
    return found


def is_under_way(tx: Tx, invoice: str | None) -> bool:
    """Check whether a gateway still has to answer an attempt to pay an invoice."""
    found = rows.find_many(tx, Invoice, [invoice or ""]).get(invoice or "")
    intent = rows.find(tx, PaymentIntent, found.payment_intent) if found and found.payment_intent else None
    return intent is not None and intent.status == "processing"


def follow_remaining(
    tx: Tx, invoice: Invoice, remaining: int, customer: Customer | None = None
) -> dict[str, Any]:
    """Make the intent of an invoice ask for what is left of it, or cancel it where nothing is left.

    Refused while a payment is under way. One that its customer is asked to confirm is replaced by another,
    whose columns of the invoice are returned: the customer would confirm the former amount.
    """
    if not remaining:
        cancel_intent(tx, invoice, "automatic")
        return {}
    if invoice.payment_intent is None:
        return {}
    intent = rows.lock(tx, PaymentIntent, invoice.payment_intent)
    if customer is not None and intent.status in ("processing", "requires_action"):
        cancel_own(tx, invoice, "automatic")
        made = intent_for_amount(tx, invoice, customer, remaining)
        insert_intents(tx, [made])
        return link_to(made)
    rows.update(tx, intent, event=None, amount=remaining, **shares_of(invoice, remaining))
    waiting = rows.select(tx, InvoicePayment, "payment_intent = %(id)s", id=intent.id)
    rows.update_many(tx, [(one, {"amount_requested": remaining}) for one in waiting], event=None)
    return {}


def intent_for_amount(tx: Tx, invoice: Invoice, customer: Customer, remaining: int) -> PaymentIntent:
    """Build the intent of what is left of an open invoice, without writing it."""
    [made] = intents_for(tx, [(invoice.but(amount_due=invoice.amount_paid + remaining), customer)])
    return made


def cancel_intent(tx: Tx, invoice: Invoice, reason: str) -> None:
    """Cancel the intents of an invoice, so that nobody can pay it; refused while a payment is under way."""
    cancel_own(tx, invoice, reason)
    cancel_attached(tx, invoice.id, reason)


def cancel_attached(tx: Tx, invoice: str, reason: str) -> None:
    """Cancel the intents that are attached to an invoice and have not succeeded, and their payments of it.

    Voiding is refused while such a payment is under way or held. Where the invoice is paid otherwise, that
    one stays: once it succeeds it is credited to the balance.
    """
    where = "invoice = %(id)s and status = 'open' and not is_default"
    payments = rows.select(tx, InvoicePayment, where, "order by id", id=invoice)
    if not payments:
        return
    intents = rows.lock_many(tx, PaymentIntent, [one.payment_intent or "" for one in payments])
    going = [one.id for one in intents if one.status in ("processing", "requires_capture", "succeeded")]
    require(
        not going or reason != "void_invoice",
        "A payment for this invoice is under way.",
        code="payment_intent_unexpected_state",
    )
    for intent in intents:
        if intent.id not in going:
            cancel(tx, intent, reason)
    ended = {"status": "canceled", "canceled_at": tx.now}
    rows.update_many(tx, [(one, ended) for one in payments if one.payment_intent not in going])


def cancel_own(tx: Tx, invoice: Invoice, reason: str) -> None:
    """Cancel the intent that was made for an invoice; refused while a payment is under way."""
    if invoice.payment_intent is None:
        return
    intent = rows.lock(tx, PaymentIntent, invoice.payment_intent)
    require(
        intent.status != "processing",
        "A payment for this invoice is under way.",
        code="payment_intent_unexpected_state",
    )
    if intent.status not in ("succeeded", "canceled"):
        cancel(tx, intent, reason)
    own = "invoice = %(id)s and status = 'open' and is_default"
    payments = rows.select(tx, InvoicePayment, own, id=invoice.id)
    rows.update_many(tx, [(payment, {"status": "canceled", "canceled_at": tx.now}) for payment in payments])


def cancel(tx: Tx, intent: PaymentIntent, reason: str) -> None:
    """Cancel an intent, and let an attempt go that its customer was asked to confirm."""
    if intent.status == "requires_action":
        where = "payment_intent = %(id)s and state = 'requires_action'"
        waiting = rows.select(tx, Attempt, where, "order by id", id=intent.id)
        jobs.put_many(tx, "attempt.abandon", [(one.id, tx.wall) for one in waiting], clock="wall")
    rows.update(
        tx,
        intent,
        event="payment_intent.canceled",
        canceled_at=tx.now,
        cancellation_reason=reason,
        status=lifecycle.after(lifecycle.PAYMENT_INTENT, intent.status, "cancel"),
    )
