"""An invoice or an intent is paid at a person's word, now (§7.4, §8.2)."""

from billow.api import fields as f
from billow.api import render, rights, rows
from billow.api.params import Params
from billow.core import lifecycle
from billow.core.errors import Refused, require
from billow.flows import collect, dun, finalize, methods, settle
from billow.flows.outside import gateway
from billow.flows.void import cancel_intent
from billow.ledger import entries, post
from billow.resources.attempt import Attempt
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import SHOWN_TO_BROWSERS, PaymentIntent, check_secret
from billow.resources.payment_method import PaymentMethod
from billow.resources.subscription import Subscription
from billow.store import clocks, jobs
from billow.store.ids import new_id, secret
from billow.store.perform import Steps, ask
from billow.store.tx import Tx


class Pay(Params):
    off_session: bool = f.boolean(default=True)
    paid_out_of_band: bool = f.boolean(default=False)
    payment_method: str | None = f.ref("payment_method")


@Invoice.action("pay", Pay)
def pay(tx: Tx, invoice: Invoice, wanted: Pay) -> Steps:
    """Pay an invoice, through the gateway or as paid elsewhere. A decline is answered with 402, and kept."""
    if invoice.status == "draft":
        invoice = finalize.finalize_one(tx, invoice)
        if invoice.status == "paid":
            return invoice
    require(invoice.status != "paid", "Invoice is already paid")
    require(
        invoice.status in ("open", "uncollectible"), f"This invoice can't be paid: it is {invoice.status}."
    )
    if wanted.paid_out_of_band:
        return out_of_band(tx, invoice)
    check_method(tx, invoice, wanted.payment_method)
    if invoice.payment_intent is None:
        # An invoice that was sent gets its intent when somebody pays it by card.
        [invoice] = finalize.link_intents(tx, [(invoice, rows.find(tx, Customer, invoice.customer))])
    tx = yield from collect.attempt_invoice(
        tx, invoice, automatic=False, method=wanted.payment_method, off_session=wanted.off_session
    )
    after = rows.find(tx, Invoice, invoice.id)
    return (
        after
        if after.status == "paid"
        else declined(tx, rows.find(tx, PaymentIntent, after.payment_intent or ""))
    )


def check_method(tx: Tx, invoice: Invoice, method: str | None) -> None:
    """The method named must be the customer's; without one the customer must have one."""
    gateway(tx)
    if method:
        found = rows.find(tx, PaymentMethod, method, param="payment_method")
        require(
            found.customer == invoice.customer,
            "The payment method must be attached to the invoice's customer.",
            param="payment_method",
        )
        return
    customer = rows.find(tx, Customer, invoice.customer)
    found_ids = rows.find_many(tx, Subscription, [invoice.subscription or ""])
    if methods.method_id(customer, found_ids.get(invoice.subscription or ""), invoice) is None:
        raise Refused(collect.NO_METHOD.message, code="resource_missing")


def declined(tx: Tx, intent: PaymentIntent, of: str = "invoice") -> Refused:
    """The answer to a failed try: 402 with the intent in it (§1.10). Returned, not raised: it is kept.

    `of` is what was asked for: an invoice, or a subscription that holds only with its payment.
    """
    if intent.status == "requires_action":
        return Refused(
            "This payment requires additional user action before it can be completed successfully.",
            code=f"{of}_payment_intent_requires_action",
            status=402,
            type="card_error",
            payment_intent=render.one(tx, intent),
        )
    error = dict(intent.last_payment_error or {})
    message, code = error.pop("message", "Your card was declined."), error.pop("code", "card_declined")
    return Refused(
        message,
        code=code,
        status=402,
        type="card_error",
        payment_intent=render.one(tx, intent),
        **{key: value for key, value in error.items() if key not in ("type", "doc_url")},
    )


def out_of_band(tx: Tx, invoice: Invoice) -> Invoice:
    """Paid elsewhere, in full: the money is in the bank, no charge is made."""
    amount = invoice.amount_due - invoice.amount_paid
    cancel_intent(tx, invoice, "automatic")
    settle.recover_loss(tx, invoice, amount)
    post.post(
        tx,
        [
            post.Posting(
                "invoice.paid_out_of_band",
                invoice.id,
                tx.now,
                entries.paid_out_of_band(invoice.customer, invoice.currency, amount),
                invoice.customer,
                invoice.id,
            )
        ],
    )
    for timer in dun.TIMERS:
        jobs.cancel(tx, timer, invoice.id)
    paid = rows.update(
        tx,
        invoice,
        event=("updated", "invoice.paid"),
        status=lifecycle.after(lifecycle.INVOICE, invoice.status, "pay"),
        paid_at=tx.now,
        amount_paid=invoice.amount_due,
        amount_paid_off_stripe=amount,
        auto_advance=False,
        next_payment_attempt=None,
        attempted=True,
    )
    if invoice.subscription:
        dun.paid(tx, rows.lock(tx, Subscription, invoice.subscription), paid, None)
    dun.settle_delinquency(tx, rows.find(tx, Customer, invoice.customer), False)
    return paid


# ------------------------------------------------------------------------------------- intents


class Create(Params):
    amount: int = f.amount(required=True, min=1)
    currency: str = f.currency(required=True)
    customer: str = f.ref("customer", required=True)
    confirm: bool = f.boolean(default=False)
    description: str | None = f.text()
    metadata: dict[str, str] = f.metadata()
    off_session: bool = f.boolean(default=False)
    payment_method: str | None = f.ref("payment_method")


class Confirm(Params):
    client_secret: str | None = f.text()
    off_session: bool = f.boolean(default=False)
    payment_method: str | None = f.ref("payment_method")


@PaymentIntent.create(Create)
def create(tx: Tx, wanted: Create) -> Steps:
    """Create a payment intent, and confirm it where that is wished."""
    customer = rows.lock(tx, Customer, wanted.customer, param="customer")
    tx = clocks.enter(tx, customer.test_clock)
    if wanted.payment_method:
        rows.find(tx, PaymentMethod, wanted.payment_method, param="payment_method")
    id = new_id(PaymentIntent.prefix)
    intent = rows.insert(
        tx,
        PaymentIntent(
            id=id,
            amount=wanted.amount,
            currency=wanted.currency,
            customer=customer.id,
            description=wanted.description,
            metadata=wanted.metadata,
            client_secret=secret(f"{id}_secret_", 25),
            payment_method=wanted.payment_method,
            status="requires_confirmation" if wanted.payment_method else "requires_payment_method",
        ),
    )
    if wanted.confirm:
        confirmed = yield from confirm(tx, intent, Confirm(off_session=wanted.off_session))
        return confirmed
    return intent


@PaymentIntent.action("confirm", Confirm)
@rights.browser(*SHOWN_TO_BROWSERS)
def confirm(tx: Tx, intent: PaymentIntent, wanted: Confirm) -> Steps:
    """Try to take the money now, with the method given or the one that the intent has."""
    check_secret(intent, wanted.client_secret)
    require(
        intent.status in ("requires_payment_method", "requires_confirmation", "requires_action"),
        "You cannot confirm this PaymentIntent because it has already succeeded or is not ready: it is"
        f" {intent.status}.",
        code="payment_intent_unexpected_state",
    )
    asks = gateway(tx)
    customer = rows.find(tx, Customer, intent.customer)
    id = wanted.payment_method or intent.payment_method or methods.method_id(customer)
    require(
        id,
        "You cannot confirm this PaymentIntent because it's missing a payment method."
        " Update the PaymentIntent with a payment method and then confirm it again.",
        code="payment_intent_unexpected_state",
    )
    method = rows.find(tx, PaymentMethod, id or "", param="payment_method")
    require(
        method.customer in (None, intent.customer),
        "The payment method you provided is attached to another customer.",
        param="payment_method",
    )
    attempt = collect.begin(tx, intent, method, automatic=False, off_session=wanted.off_session)
    tx, outcome = yield ask(asks.charge, collect.wish(attempt))
    settle.settle(tx, rows.lock(tx, Attempt, attempt.id), outcome)
    after = rows.find(tx, PaymentIntent, intent.id)
    return declined(tx, after) if after.status == "requires_payment_method" else after


class Cancel(Params):
    cancellation_reason: str | None = f.choice(
        f.SHOWN, "abandoned", "duplicate", "fraudulent", "requested_by_customer"
    )


@PaymentIntent.action("cancel", Cancel)
def cancel(tx: Tx, intent: PaymentIntent, wanted: Cancel) -> PaymentIntent:
    """Cancel an intent that is not an invoice's own; that one ends when its invoice is voided."""
    require(
        intent.invoice is None,
        "You cannot cancel a PaymentIntent that belongs to an invoice. Void the invoice.",
        code="payment_intent_unexpected_state",
    )
    return rows.update(
        tx,
        intent,
        event="payment_intent.canceled",
        canceled_at=tx.now,
        cancellation_reason=wanted.cancellation_reason,
        status=lifecycle.after(lifecycle.PAYMENT_INTENT, intent.status, "cancel"),
    )
