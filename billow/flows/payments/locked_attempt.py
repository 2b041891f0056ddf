"""Load and lock the rows that the outcomes of attempts change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from billow.api import rows
from billow.api.resource import Resource
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.tx import Tx

R = TypeVar("R", bound=Resource)


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


def load(tx: Tx, attempts: Sequence[Attempt]) -> list[Case]:
    """Lock the customers, invoices, subscriptions, intents and charges of attempts, in this order.

    One statement for each resource, which locks its rows in the order of their ids.
    """
    customers = {one.id: one for one in lock(tx, Customer, (one.customer for one in attempts))}
    invoices = lock_all(tx, Invoice, (one.invoice for one in attempts))
    subscriptions = lock_all(tx, Subscription, (one.subscription for one in invoices.values()))
    intents = lock_all(tx, PaymentIntent, (one.payment_intent for one in attempts))
    charges = lock_all(tx, Charge, (one.charge for one in attempts))
    methods = rows.find_many(
        tx, PaymentMethod, [one.payment_method for one in attempts if one.payment_method]
    )
    found = []
    for attempt in attempts:
        invoice = invoices.get(attempt.invoice or "")
        found.append(
            Case(
                attempt,
                customers.get(attempt.customer or ""),
                subscriptions.get(invoice.subscription or "") if invoice else None,
                invoice,
                intents.get(attempt.payment_intent or ""),
                methods.get(attempt.payment_method or ""),
                charges.get(attempt.charge or ""),
            )
        )
    return found


def lock(tx: Tx, cls: type[R], ids: Iterable[str | None]) -> list[R]:
    """Lock the rows of these ids that exist; no statement without an id."""
    wanted = [id for id in ids if id]
    return rows.lock_many(tx, cls, wanted) if wanted else []


def lock_all(tx: Tx, cls: type[R], ids: Iterable[str | None]) -> dict[str, R]:
    """Lock the rows of these ids; fails where one does not exist."""
    wanted = {id for id in ids if id}
    found = {one.id: one for one in lock(tx, cls, wanted)}
    if missing := sorted(wanted - found.keys()):
        raise jobs.RowMissing(f"There is no {cls.noun.replace('_', ' ')} {', '.join(missing)}.")
    return found
