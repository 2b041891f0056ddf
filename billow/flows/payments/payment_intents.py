"""Create, update and cancel payment intents."""

from typing import Any

from billow.api import rights, rows
from billow.api.operation import merged_value
from billow.api.params import made, merged
from billow.core import lifecycle
from billow.core.errors import Refused, require
from billow.flows.outside.outside import gateway_named
from billow.flows.payments import (
    abandoned,
    attached,
    capture_intent,
    card_terms,
    collect,
    confirmation_tokens,
    intent_methods,
    intent_states,
    refunds,
    settle,
    shares,
)
from billow.flows.payments.amounts import check_amount, check_descriptor
from billow.flows.payments.confirm_intent import confirm, kept
from billow.flows.payments.payment_intent_params import Cancel, Confirm, Create, Update
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge
from billow.resources.customer import Customer
from billow.resources.payment_intent import SHOWN_TO_BROWSERS, PaymentIntent, check_secret
from billow.resources.payment_method import PaymentMethod
from billow.store import clocks, jobs
from billow.store.ids import new_id, secret
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

#: What a request may say of a payment in every state of it; the rest only while it can still be confirmed.
ALWAYS = (
    "amount_details", "application_fee_amount", "description", "hooks", "metadata", "payment_details",
    "receipt_email", "shipping", "transfer_data", "transfer_group",
)  # fmt: skip
OF_INVOICES = ("amount", "currency", "customer", "capture_method")
"""What the invoice says of its payment, and no request changes."""
METHODS = ("allowed_payment_method_types", "excluded_payment_method_types", "payment_method_configuration")


@PaymentIntent.create(Create)
def create(tx: Tx, wanted: Create) -> Steps:
    """Create a payment intent, and confirm it if the request says so."""
    check_amount(wanted.amount, wanted.currency)
    check_terms(tx, wanted, wanted.amount)
    customer = rows.lock(tx, Customer, wanted.customer, param="customer") if wanted.customer else None
    tx = clocks.enter(tx, customer.test_clock if customer else None)
    columns = intent_methods.columns_of(tx, intent_methods.wish_of(wanted, wanted.currency))
    check_only_with_confirm(wanted)
    tx, method = yield from intent_methods.named(tx, wanted)
    tx = clocks.of_customer(tx, wanted.customer) if wanted.customer else tx
    if method:
        intent_methods.check_owner(method, wanted.customer)
    id = new_id(PaymentIntent.prefix)
    intent = PaymentIntent(
        id=id,
        amount=wanted.amount,
        capture_method=wanted.capture_method or "automatic_async",
        client_secret=secret(f"{id}_secret_", 25),
        confirmation_method=wanted.confirmation_method,
        currency=wanted.currency,
        customer=wanted.customer,
        metadata=merged({}, wanted.metadata),
        on_behalf_of=wanted.on_behalf_of,
        payment_method=method.id if method else None,
        status="requires_confirmation" if method else "requires_payment_method",
        **columns,
        **kept(wanted, PaymentIntent(id=id, amount=wanted.amount)),
    )
    said = card_terms.said(wanted.payment_method_options, confirming=wanted.confirm)
    plans = card_terms.with_plans(tx, intent, method)
    intent = intent.but(card_terms=said or None, payment_method_options=plans)
    if method:
        intent_methods.check_type(intent, method)
    inserted = rows.insert(tx, intent)
    if wanted.confirm:
        confirmed = yield from confirm(tx, inserted, confirmation_of(wanted, inserted))
        return confirmed
    return inserted


def confirmation_of(wanted: Create, intent: PaymentIntent) -> Confirm:
    """Return what a request that creates and confirms says of the confirmation."""
    names = (
        "confirmation_token",
        "error_on_requires_action",
        "mandate",
        "mandate_data",
        "off_session",
        "return_url",
        "use_stripe_sdk",
    )
    said = {name: getattr(wanted, name) for name in names if wanted.given(name)}
    said |= confirmation_tokens.said_before(wanted, intent)
    return made(Confirm, **said)


def check_only_with_confirm(wanted: Create) -> None:
    """Refuse what is said of a confirmation that is not asked for."""
    for name in (
        "confirmation_token",
        "error_on_requires_action",
        "mandate",
        "mandate_data",
        "off_session",
        "return_url",
    ):
        require(
            wanted.confirm or not wanted.given(name),
            f"The parameter `{name}` cannot be passed when creating a PaymentIntent unless `confirm` is"
            " set to"
            " true.",
            param=name,
        )


def check_terms(tx: Tx, wanted: Any, amount: int) -> None:
    """Check the statement's text, and the account to which a payment goes."""
    for name in ("statement_descriptor", "statement_descriptor_suffix"):
        check_descriptor(name, getattr(wanted, name))
    shares.check_terms(tx, wanted, amount, "PaymentIntent")


@PaymentIntent.update(Update)
def update(tx: Tx, intent: PaymentIntent, wanted: Update) -> Steps:
    """Update a payment intent: what it says always, what it collects and how until it is confirmed."""
    sent = wanted.sent()
    fixed = [name for name in sent if name not in ALWAYS]
    intent_states.check_updatable(tx, intent, fixed)
    for name in OF_INVOICES:
        require(
            intent.invoice is None or name not in sent,
            f"The {name} of this PaymentIntent is that of its invoice, and cannot be updated.",
            param=name,
        )
    check_amount(wanted.amount or intent.amount, wanted.currency or intent.currency)
    check_terms(tx, wanted, wanted.amount or intent.amount)
    tx, method = yield from intent_methods.named(tx, wanted)
    intent = rows.lock(tx, PaymentIntent, intent.id)
    tx = clocks.of_customer(tx, intent.customer) if intent.customer else tx
    changes = {**kept(wanted, intent), **own_changes(tx, intent, wanted)}
    if fixed and (waiting := abandoned.of_intent(tx, intent.id)):
        # What the customer is asked to confirm at the bank would be another payment.
        tx = yield from abandoned.end(tx, waiting)
        intent = rows.lock(tx, PaymentIntent, intent.id)
        try:
            intent_states.check_updatable(tx, intent, fixed)
        except Refused as refused:  # returned, so that the payment is kept that was completed meanwhile
            return refused
        changes["status"] = lifecycle.after(lifecycle.PAYMENT_INTENT, intent.status, "attach_method")
        changes["next_action"] = None
    if method:
        intent_methods.check_owner(method, changes.get("customer") or intent.customer)
        changes["payment_method"] = method.id
        changes["status"] = lifecycle.after(lifecycle.PAYMENT_INTENT, intent.status, "attach_method")
        changes["next_action"] = None
    said = card_terms.said(wanted.payment_method_options, confirming=False)
    if said:
        changes["card_terms"] = {**(intent.card_terms or {}), **said}
    changed = intent.but(**changes)
    changes["payment_method_options"] = card_terms.with_plans(tx, changed, method)
    if method:
        intent_methods.check_type(changed, method)
    return rows.update(tx, intent, event=None, **changes)


def own_changes(tx: Tx, intent: PaymentIntent, wanted: Update) -> dict[str, Any]:
    """Return what an update changes besides what is kept as it was sent."""
    sent = wanted.sent()
    changes: dict[str, Any] = {
        name: sent[name] for name in ("amount", "currency", "customer", "capture_method") if name in sent
    }
    if "metadata" in sent:
        changes["metadata"] = merged_value(intent, "metadata", sent["metadata"])
    if wanted.customer:
        rows.find(tx, Customer, wanted.customer, param="customer")
        if intent.payment_method and not wanted.payment_method:
            found = rows.find(tx, PaymentMethod, intent.payment_method)
            intent_methods.check_owner(found, wanted.customer)
    if "currency" in sent or any(name in sent for name in METHODS):
        changes |= intent_methods.columns_after(tx, intent, wanted, wanted.currency or intent.currency)
    elif wanted.payment_method_options:
        changes["payment_method_options"] = intent_methods.options_after(
            intent, wanted.payment_method_options
        )
    return changes


@PaymentIntent.action("cancel", Cancel)
@rights.browser(*SHOWN_TO_BROWSERS)
def cancel(tx: Tx, intent: PaymentIntent, wanted: Cancel) -> Steps:
    """Cancel a payment intent, and let go what it holds. That of an invoice is canceled by voiding it.

    One that was captured in part has succeeded with what it has received, and only the rest is let go.
    """
    check_secret(intent, wanted.client_secret)
    require(
        intent.invoice is None,
        "You cannot cancel a PaymentIntent that belongs to an invoice. Void the invoice.",
        code="payment_intent_unexpected_state",
    )
    intent_states.check_cancelable(tx, intent)
    if intent.status == "requires_capture" and intent.amount_received:
        answer = yield from capture_intent.let_go_rest(tx, intent)
        return answer
    if intent.status == "requires_capture":
        # The answer of the gateway cancels it (settle_refund.py), be it after a crash.
        intent = rows.update(tx, intent, event=None, cancellation_reason=wanted.cancellation_reason)
        tx = yield from release(tx, intent)
        return rows.find(tx, PaymentIntent, intent.id)
    if waiting := abandoned.of_intent(tx, intent.id):
        tx = yield from abandoned.end(tx, waiting)
        intent = rows.lock(tx, PaymentIntent, intent.id)
        try:
            intent_states.check_cancelable(tx, intent)
        except Refused as refused:  # returned, so that the payment is kept that was completed meanwhile
            return refused
    return canceled(tx, intent, wanted.cancellation_reason)


def canceled(tx: Tx, intent: PaymentIntent, reason: str | None) -> PaymentIntent:
    """Write that an intent is canceled. Emits `payment_intent.canceled`."""
    attached.release(tx, intent)
    return rows.update(
        tx,
        intent,
        event="payment_intent.canceled",
        canceled_at=tx.now,
        cancellation_reason=reason,
        next_action=None,
        status=lifecycle.after(lifecycle.PAYMENT_INTENT, intent.status, "cancel"),
    )


def release(tx: Tx, intent: PaymentIntent) -> Steps:
    """Let go what an intent holds: `tx = yield from release(…)`. Emits `charge.refunded`."""
    tx, charge = refunds.lock_charge(tx, rows.find(tx, Charge, intent.latest_charge or ""))
    if charge.captured:
        raise refunds.in_use(charge)
    attempt = refunds.begin(tx, charge, charge.amount)
    jobs.cancel(tx, "charge.expire", charge.id)
    tx, outcome = yield ask(collect.carry_out, gateway_named(tx, attempt.gateway), attempt)
    settle.settle(tx, rows.lock(tx, Attempt, attempt.id), outcome)
    return tx
