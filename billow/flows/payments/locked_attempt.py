"""Load and lock the rows that the outcome of an attempt changes."""

from dataclasses import dataclass

from billow.api import rows
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.resources.subscription import Subscription
from billow.store import clocks
from billow.store.tx import Tx


@dataclass(slots=True)
class Case:
    """An attempt with the rows that its outcome changes: customer, subscription, invoice, intent and charge.

    A charge without an intent was written before the gateway was asked; the charge of an intent is written
    with the outcome.
    """

    attempt: Attempt
    customer: Customer | None
    subscription: Subscription | None
    invoice: Invoice | None
    intent: PaymentIntent | None
    method: PaymentMethod | None
    charge: Charge | None


def load(tx: Tx, attempt: Attempt) -> tuple[Tx, Case]:
    """Lock the customer, subscription, invoice, intent and charge of an attempt, in this order."""
    customer = next(iter(rows.lock_many(tx, Customer, [attempt.customer] if attempt.customer else [])), None)
    tx = clocks.enter(tx, customer.test_clock if customer else None)
    invoice = rows.find(tx, Invoice, attempt.invoice) if attempt.invoice else None
    subscription = (
        rows.lock(tx, Subscription, invoice.subscription) if invoice and invoice.subscription else None
    )
    invoice = rows.lock(tx, Invoice, attempt.invoice) if attempt.invoice else None
    intent = rows.lock(tx, PaymentIntent, attempt.payment_intent) if attempt.payment_intent else None
    charge = rows.lock(tx, Charge, attempt.charge) if attempt.charge else None
    id = attempt.payment_method or ""
    method = rows.find_many(tx, PaymentMethod, [id]).get(id)
    return tx, Case(attempt, customer, subscription, invoice, intent, method, charge)
