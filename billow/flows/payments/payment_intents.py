"""Create, confirm and cancel payment intents."""

from billow.api import fields as f
from billow.api import rights, rows
from billow.api.params import Params
from billow.core import lifecycle
from billow.core.errors import require
from billow.flows.customers import payment_methods
from billow.flows.outside.outside import gateway, gateway_named
from billow.flows.payments import collect, pay_invoice, settle
from billow.resources.attempt import Attempt
from billow.resources.customer import Customer
from billow.resources.payment_intent import SHOWN_TO_BROWSERS, PaymentIntent, check_secret
from billow.resources.payment_method import PaymentMethod
from billow.store import clocks
from billow.store.ids import new_id, secret
from billow.store.perform import Steps, ask
from billow.store.tx import Tx


class Create(Params):
    amount: int = f.amount(required=True, min=1)
    currency: str = f.currency(required=True)
    customer: str = f.ref("customer", required=True)
    confirm: bool = f.boolean(default=False)
    description: str | None = f.text(unset=True)
    metadata: dict[str, str] = f.metadata()
    off_session: bool = f.boolean(default=False)
    payment_method: str | None = f.ref("payment_method")


class Confirm(Params):
    client_secret: str | None = f.text()
    off_session: bool = f.boolean(default=False)
    payment_method: str | None = f.ref("payment_method")


@PaymentIntent.create(Create)
def create(tx: Tx, wanted: Create) -> Steps:
    """Create a payment intent, and confirm it if the request says so."""
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
    """Confirm a payment intent: take the payment now, with the given payment method or the intent's."""
    check_secret(intent, wanted.client_secret)
    require(
        intent.status in ("requires_payment_method", "requires_confirmation", "requires_action"),
        "You cannot confirm this PaymentIntent because it has already succeeded or is not ready: it is"
        f" {intent.status}.",
        code="payment_intent_unexpected_state",
    )
    gateway(tx)
    customer = rows.find(tx, Customer, intent.customer)
    id = wanted.payment_method or intent.payment_method or payment_methods.method_id(customer)
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
    tx, outcome = yield ask(gateway_named(tx, attempt.gateway).charge, collect.charge_of(attempt))
    settle.settle(tx, rows.lock(tx, Attempt, attempt.id), outcome)
    after = rows.find(tx, PaymentIntent, intent.id)
    return pay_invoice.decline_error(tx, after) if after.status == "requires_payment_method" else after


class Cancel(Params):
    cancellation_reason: str | None = f.choice(
        f.SHOWN, "abandoned", "duplicate", "fraudulent", "requested_by_customer"
    )


@PaymentIntent.action("cancel", Cancel)
def cancel(tx: Tx, intent: PaymentIntent, wanted: Cancel) -> PaymentIntent:
    """Cancel a payment intent. The intent of an invoice is canceled by voiding the invoice."""
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
