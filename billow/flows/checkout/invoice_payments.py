"""Take the payment of an invoice on its page, and the method that a customer adds there."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.core.errors import require
from billow.core.payments import Declined
from billow.flows.checkout.completion import reason_of, typed
from billow.flows.checkout.purchase import Payer
from billow.flows.customers import payment_methods
from billow.flows.invoices import invoice_intents
from billow.flows.payments import collect
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.resources.subscription import Subscription
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

    `keep` makes a new card the one that pays from now on. An invoice that is paid, or whose payment is under
    way, is left as it is. Locks the customer, then the invoice.
    """
    invoice = rows.lock(tx, Invoice, id)
    if (known := standing(tx, invoice)) is not None:
        return known
    tx, method = yield from method_of(tx, invoice.customer, payer)
    if isinstance(method, Declined):
        return Paid(declined=method.message, reason=reason_of(asdict(method)))
    if keep:
        use_from_now_on(tx, method)
    invoice = rows.lock(tx, Invoice, id)
    if (known := standing(tx, invoice)) is not None:
        return known
    tx = clocks.enter(tx, invoice.test_clock)
    tx = yield from attempt(tx, invoice, method)
    return outcome(tx, id)


def standing(tx: Tx, invoice: Invoice) -> Paid | None:
    """Return where an invoice stands that takes no payment now; None where it does."""
    require(invoice.status != "draft", "This invoice is not finalized.")
    if invoice.status not in lifecycle.PAYABLE:
        return Paid(paid=invoice.status == "paid")
    intent = intent_of(tx, invoice)
    return Paid() if intent and intent.status == "processing" else None


def intent_of(tx: Tx, invoice: Invoice) -> PaymentIntent | None:
    return rows.find_many(tx, PaymentIntent, [invoice.payment_intent or ""]).get(invoice.payment_intent or "")


def method_of(tx: Tx, customer: str, payer: Payer) -> Steps:
    """Return the saved method, or store and attach the card that was typed in: `tx, method = yield from …`.

    A card that the gateway does not take comes back as `Declined`.
    """
    if payer.card is None:
        found = rows.find(tx, PaymentMethod, payer.method or "", param="payment_method")
        require(found.customer == customer, "The payment method is not the customer's.")
        return tx, found
    tx, answer, _ = yield from payment_methods.store_token(tx, payer.card.number, "card[number]")
    if isinstance(answer, Declined):
        return tx, answer
    rows.lock(tx, Customer, customer)
    tx = clocks.of_customer(tx, customer)
    return tx, payment_methods.attach_if_new(tx, typed(payment_methods.new_method(answer), payer), customer)


def use_from_now_on(tx: Tx, method: PaymentMethod) -> None:
    """Make a method the customer's default, also of the subscriptions that named another."""
    customer = rows.lock(tx, Customer, method.customer or "")
    settings = {**customer.invoice_settings, "default_payment_method": method.id}
    rows.update(tx, customer, invoice_settings=settings)
    named = rows.select(
        tx,
        Subscription,
        "customer = %(id)s and default_payment_method is not null and status <> all(%(ended)s)",
        "order by id for update",
        id=customer.id,
        ended=list(lifecycle.ENDED),
    )
    rows.update_many(tx, [(one, {"default_payment_method": method.id}) for one in named])


def attempt(tx: Tx, invoice: Invoice, method: PaymentMethod) -> Steps:
    """Charge an invoice with a method, in two transactions; returns the second."""
    if invoice.payment_intent is None:
        owed = [(invoice, rows.find(tx, Customer, invoice.customer))]
        [invoice] = invoice_intents.link_intents(tx, owed)
    tx = yield from collect.attempt_invoice(tx, invoice, automatic=False, method=method.id, off_session=False)
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
    """Add a card, use it from now on, and pay what is open at once with it; returns a `Paid`."""
    rows.lock(tx, Customer, customer)
    tx, method = yield from method_of(tx, customer, payer)
    if isinstance(method, Declined):
        return Paid(declined=method.message, reason=reason_of(asdict(method)))
    use_from_now_on(tx, method)
    result = Paid(paid=True)
    for id in invoices:
        invoice = rows.lock(tx, Invoice, id)
        if standing(tx, invoice) is not None:
            continue
        tx = clocks.enter(tx, invoice.test_clock)
        tx = yield from attempt(tx, invoice, method)
        result = outcome(tx, id)
        if not result.paid:
            return result
    return result


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
