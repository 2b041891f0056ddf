"""Take the payment of an invoice on its page, and the method that a customer adds there."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.core.errors import needed, require
from billow.core.payments import Declined
from billow.flows.checkout import decline_limit, entered_methods
from billow.flows.checkout.completion import reason_of
from billow.flows.checkout.purchase import Payer
from billow.flows.customers import payment_methods
from billow.flows.invoices import invoice_intents
from billow.flows.payments import collect, kept_methods
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.store import clocks
from billow.store.perform import Steps
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Paid:
    """What became of a payment: whether it is paid, why it was declined, the intent that waits for a bank."""

    paid: bool = False
    declined: str | None = None
    awaits: str | None = None
    reason: str | None = None
    """The code of why it was declined; None where no bank has said anything."""


def pay(tx: Tx, id: str, payer: Payer, *, keep: bool) -> Steps:
    """Pay an open invoice with a saved method or a new card; returns a `Paid`.

    `keep` makes the method the one that pays from now on, once it has paid: without it a new card is charged
    once and kept for nobody. An invoice that is paid, or whose payment is under
    way, is left as it is. Locks the customer, then the invoice.
    """
    invoice = rows.lock(tx, Invoice, id)
    if (known := standing(tx, invoice)) is not None:
        return known
    decline_limit.check(tx, invoice.customer)
    tx, method = yield from method_of(tx, invoice.customer, payer, invoice.currency)
    if isinstance(method, Declined):
        decline_limit.note(tx, invoice.customer)
        return Paid(declined=method.message, reason=reason_of(asdict(method)))
    invoice = rows.lock(tx, Invoice, id)
    if (known := standing(tx, invoice)) is not None:
        return known
    tx = clocks.enter(tx, invoice.test_clock)
    tx = yield from attempt(tx, invoice, method, keep)
    return counted(tx, invoice.customer, outcome(tx, id))


def counted(tx: Tx, customer: str, result: Paid) -> Paid:
    """Count a payment that was declined, and return it."""
    if result.declined:
        decline_limit.note(tx, customer)
    return result


def standing(tx: Tx, invoice: Invoice) -> Paid | None:
    """Return where an invoice stands that takes no payment now; None where it does."""
    require(invoice.status != "draft", "This invoice is not finalized.")
    if invoice.status not in lifecycle.PAYABLE:
        return Paid(paid=invoice.status == "paid")
    intent = intent_of(tx, invoice)
    return Paid() if intent and intent.status == "processing" else None


def intent_of(tx: Tx, invoice: Invoice) -> PaymentIntent | None:
    return rows.find_many(tx, PaymentIntent, [invoice.payment_intent or ""]).get(invoice.payment_intent or "")


def method_of(tx: Tx, customer: str, payer: Payer, currency: str | None = None) -> Steps:
    """Return the saved method, or store what was entered: `tx, method = yield from …`.

    It is attached to nobody before it has paid. A method that the gateway does not take comes back as
    `Declined`.
    """
    if payer.method:
        found = rows.find(tx, PaymentMethod, payer.method, param="payment_method")
        require(found.customer == customer, "The payment method is not the customer's.")
        return tx, found
    tx, answer = yield from entered_methods.store(tx, payer, currency)
    if isinstance(answer, Declined):
        return tx, answer
    method = entered_methods.typed(payment_methods.new_method(needed(answer, "a payment method")), payer)
    rows.lock(tx, Customer, customer)
    tx = clocks.of_customer(tx, customer)
    method = rows.insert(tx, method, event=None)
    entered_methods.agree(tx, method, payer)
    return tx, method


def attempt(tx: Tx, invoice: Invoice, method: PaymentMethod, keep: bool) -> Steps:
    """Charge an invoice with a method, in two transactions; returns the second."""
    if invoice.payment_intent is None:
        owed = [(invoice, rows.find(tx, Customer, invoice.customer))]
        [invoice] = invoice_intents.link_intents(tx, owed)
    how = collect.Manner(automatic=False, off_session=False, method=method.id, keep=keep)
    tx = yield from collect.attempt_invoices(tx, [invoice], how)
    return tx


def outcome(tx: Tx, id: str) -> Paid:
    """Return what became of an attempt to pay an invoice."""
    invoice = rows.find(tx, Invoice, id)
    intent = intent_of(tx, invoice)
    if invoice.status == "paid" or intent is None or intent.status == "processing":
        return Paid(paid=invoice.status == "paid")
    if intent.status == "requires_action":
        return Paid(awaits=intent.id)
    error = intent.last_payment_error or {}
    return Paid(declined=error.get("message") or "Your card was declined.", reason=reason_of(error))


def update_method(tx: Tx, customer: str, invoices: Sequence[str], payer: Payer) -> Steps:
    """Pay what is open with a new card, and use it from now on where it pays; returns a `Paid`.

    Where nothing is open it is used from now on as it is.
    """
    decline_limit.check(tx, customer)
    tx, method = yield from method_of(tx, customer, payer)
    if isinstance(method, Declined):
        decline_limit.note(tx, customer)
        return Paid(declined=method.message, reason=reason_of(asdict(method)))
    result = None
    for id in invoices:
        invoice = rows.lock(tx, Invoice, id)
        if standing(tx, invoice) is not None:
            continue
        tx = clocks.enter(tx, invoice.test_clock)
        tx = yield from attempt(tx, invoice, method, keep=True)
        result = outcome(tx, id)
        if not result.paid:
            return counted(tx, customer, result)
    if result is None:
        rows.lock(tx, Customer, customer)
        kept_methods.use_from_now_on(tx, payment_methods.attach_if_new(tx, method, customer))
    return result or Paid(paid=True)


def due_of(tx: Tx, customer: str, invoice: str = "") -> list[Invoice]:
    """Return what a customer owes: the named invoice first, then all that are charged by themselves."""
    found = rows.select(
        tx,
        Invoice,
        "customer = %(id)s and status = 'open' and amount_due > amount_paid"
        " and (id = %(invoice)s or collection_method = 'charge_automatically')",
        "order by (id = %(invoice)s) desc, created, id",
        id=customer,
        invoice=invoice,
    )
    return found


def shown_amount(invoices: Sequence[Invoice]) -> dict[str, int]:
    """Return what is owed in each currency."""
    owed: dict[str, Any] = {}
    for one in invoices:
        owed[one.currency] = owed.get(one.currency, 0) + one.amount_due - one.amount_paid
    return owed
