"""Pay an invoice at the request of a caller."""

from billow.api import fields as f
from billow.api import render, rows
from billow.api.params import Params
from billow.core import lifecycle
from billow.core.errors import Refused, needed, require
from billow.flows.customers import payment_methods
from billow.flows.invoices import finalize, invoice_intents, reminders
from billow.flows.invoices.invoice_intents import cancel_intent
from billow.flows.invoices.paid import mark_paid
from billow.flows.outside.outside import gateway
from billow.flows.payments import attached, collect, mandates
from billow.ledger import entries, post
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.resources.subscription import Subscription
from billow.store.perform import Steps
from billow.store.tx import Tx


class Pay(Params):
    mandate: str | None = f.ref("mandate", unset=True)
    off_session: bool = f.boolean(default=True)
    paid_out_of_band: bool = f.boolean(default=False)
    payment_method: str | None = f.ref("payment_method")
    source: str | None = f.ref("payment_method")


@Invoice.action("pay", Pay)
def pay(tx: Tx, invoice: Invoice, wanted: Pay) -> Steps:
    """Pay an invoice through the gateway, or mark it as paid out of band. A decline is answered with 402."""
    # The failed attempt of a decline is kept, so the answer is returned and not raised.
    if invoice.status == "draft":
        invoice = needed(finalize.finalize_one(tx, invoice), "the finalized invoice")
        if invoice.status == "paid":
            return invoice
    require(invoice.status != "paid", "Invoice is already paid")
    require(invoice.status in lifecycle.PAYABLE, f"This invoice can't be paid: it is {invoice.status}.")
    if wanted.paid_out_of_band:
        return pay_out_of_band(tx, invoice)
    require(
        not (wanted.payment_method and wanted.source),
        "You may only specify one of these parameters: payment_method, source.",
        param="source",
        code="parameters_exclusive",
    )
    named, param = wanted.payment_method or wanted.source, "source" if wanted.source else "payment_method"
    method = check_method(tx, invoice, named, param)
    mandate = mandates.covering(tx, wanted.mandate, method) if wanted.mandate else None
    if invoice.payment_intent is None:
        # An invoice that was sent has no intent until it is paid by card.
        [invoice] = invoice_intents.link_intents(tx, [(invoice, rows.find(tx, Customer, invoice.customer))])
    if mandate:
        intent = rows.lock(tx, PaymentIntent, invoice.payment_intent or "")
        rows.update(tx, intent, event=None, mandate=mandate.id)
    tx = yield from collect.attempt_invoice(
        tx, invoice, automatic=False, method=named, off_session=wanted.off_session
    )
    after = rows.find(tx, Invoice, invoice.id)
    intent = rows.find(tx, PaymentIntent, after.payment_intent or "")
    under_way = intent.status == "processing"  # a debit: days pass until the bank answers
    return after if after.status == "paid" or under_way else decline_error(tx, intent)


def check_method(tx: Tx, invoice: Invoice, method: str | None, param: str = "payment_method") -> str:
    """Return the method that pays: the one that is named, which must be the customer's, or the default."""
    gateway(tx)
    if method:
        found = rows.find(tx, PaymentMethod, method, param=param)
        require(
            found.customer == invoice.customer,
            "The payment method must be attached to the invoice's customer.",
            param=param,
        )
        return method
    customer = rows.find(tx, Customer, invoice.customer)
    found_ids = rows.find_many(tx, Subscription, [invoice.subscription or ""])
    chosen = payment_methods.method_id(customer, found_ids.get(invoice.subscription or ""), invoice)
    if chosen is None:
        raise Refused(collect.NO_METHOD.message, code="resource_missing")
    return chosen


def decline_error(tx: Tx, intent: PaymentIntent, of: str = "invoice") -> Refused:
    """Build the 402 answer to a failed attempt, with the intent (§1.10); returning it keeps the attempt.

    `of` is what the request was about: an invoice, or a subscription that is only valid with its payment.
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


def pay_out_of_band(tx: Tx, invoice: Invoice) -> Invoice:
    """Mark an invoice as paid out of band, in full: the money is posted to the bank, and nothing is charged.

    Cancels its intent and timers, and locks its subscription. Emits `invoice.updated` and `invoice.paid`.
    """
    amount = invoice.amount_due - invoice.amount_paid
    cancel_intent(tx, invoice, "automatic")
    attached.recover_loss(tx, invoice, amount)
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
    changes = {"amount_paid": invoice.amount_due, "amount_paid_off_stripe": amount, "attempted": True}
    paid = mark_paid(tx, invoice, changes)
    reminders.thank(tx, paid)
    return paid
