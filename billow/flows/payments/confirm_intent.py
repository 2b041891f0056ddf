"""Confirm payment intents: take the payment now, or hold it."""

from typing import Any

from billow.api import rights, rows
from billow.core.errors import require
from billow.core.payments import Declined, NeedsAction, Outcome
from billow.flows.outside.outside import gateway, gateway_named
from billow.flows.payments import (
    abandoned,
    amount_lines,
    card_terms,
    collect,
    confirmation_tokens,
    intent_methods,
    intent_states,
    mandates,
    pay_invoice,
    settle,
)
from billow.flows.payments.payment_intent_params import Confirm
from billow.resources.attempt import Attempt
from billow.resources.customer import Customer
from billow.resources.payment_intent import SHOWN_TO_BROWSERS, PaymentIntent, check_secret
from billow.resources.payment_method import PaymentMethod
from billow.resources.payment_method_types import BY_NAME
from billow.store import clocks
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

KEPT = (
    "amount_details", "application_fee_amount", "description", "hooks", "payment_details", "radar_options",
    "receipt_email", "return_url", "setup_future_usage", "shipping", "statement_descriptor",
    "statement_descriptor_suffix", "transfer_data", "transfer_group",
)  # fmt: skip
"""What requests say of a payment, and it shows as it was sent."""
ACTION_REFUSED = Declined(
    "authentication_required",
    "authentication_required",
    "This payment required an authentication action to complete, but `error_on_requires_action` was set. When"
    " you're ready, you can upgrade your integration to handle actions at"
    " https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions.",
    retry=False,
)


@PaymentIntent.action("confirm", Confirm)
@rights.browser(*SHOWN_TO_BROWSERS)
def confirm(tx: Tx, intent: PaymentIntent, wanted: Confirm) -> Steps:
    """Confirm a payment intent: take the payment now, with the given payment method or the intent's."""
    check_secret(intent, wanted.client_secret)
    intent_states.check_confirmable(tx, intent)
    gateway(tx)
    check_amount_to_confirm(intent, wanted.amount_to_confirm)
    wanted = confirmation_tokens.filled(tx, wanted)
    tx, method = yield from intent_methods.named(tx, wanted)
    tx, acted = yield from after_action(tx, intent)
    if acted:
        return acted
    intent = rows.lock(tx, PaymentIntent, intent.id)
    intent_states.check_confirmable(tx, intent)
    tx = clocks.of_customer(tx, intent.customer) if intent.customer else tx
    confirmation_tokens.use(tx, wanted.confirmation_token, intent)
    method = method or method_of(tx, intent)
    intent = rows.update(tx, intent, event=None, **confirmed_changes(tx, intent, wanted, method))
    check_return_url(intent, wanted)
    attempt = collect.begin(tx, intent, method, automatic=False, off_session=wanted.off_session != "false")
    tx, outcome = yield ask(gateway_named(tx, attempt.gateway).charge, collect.charge_of(attempt))
    settle.settle(tx, rows.lock(tx, Attempt, attempt.id), judged(outcome, wanted))
    after = rows.find(tx, PaymentIntent, intent.id)
    return pay_invoice.decline_error(tx, after) if after.status == "requires_payment_method" else after


def judged(outcome: Outcome, wanted: Confirm) -> Outcome:
    """Return the outcome of a confirmation; one that needs an action fails where the request says so."""
    needs = isinstance(outcome, NeedsAction) and wanted.error_on_requires_action
    return ACTION_REFUSED if needs else outcome


def check_amount_to_confirm(intent: PaymentIntent, amount: int | None) -> None:
    require(
        amount in (None, intent.amount),
        "The amount_to_confirm must be the amount of the PaymentIntent.",
        param="amount_to_confirm",
    )


def after_action(tx: Tx, intent: PaymentIntent) -> Steps:
    """Settle an attempt whose customer has acted meanwhile: `tx, intent = yield from after_action(…)`.

    None where nobody has: that attempt is canceled, so that only the one that follows can be completed.
    """
    waiting = abandoned.of_intent(tx, intent.id)
    if not waiting:
        return tx, None
    tx = yield from abandoned.end(tx, waiting)
    after = rows.find(tx, PaymentIntent, intent.id)
    if after.status in ("requires_action", "requires_confirmation"):
        return tx, None
    declined = after.status == "requires_payment_method"
    return tx, pay_invoice.decline_error(tx, after) if declined else after


def method_of(tx: Tx, intent: PaymentIntent) -> PaymentMethod:
    """Return the method of an intent, or the default source of its customer."""
    id = intent.payment_method
    if id is None and intent.customer:
        id = rows.find(tx, Customer, intent.customer).default_source
    if id is None:
        raise intent_states.without_method(tx, intent)
    return rows.find(tx, PaymentMethod, id, param="payment_method")


def confirmed_changes(
    tx: Tx, intent: PaymentIntent, wanted: Confirm, method: PaymentMethod
) -> dict[str, Any]:
    """Return what a confirmation changes on the intent besides its state."""
    changes = kept(wanted, intent)
    if wanted.capture_method:
        changes["capture_method"] = wanted.capture_method
    if wanted.allowed_payment_method_types or wanted.excluded_payment_method_types:
        changes |= intent_methods.columns_after(tx, intent, wanted, intent.currency)
    elif wanted.payment_method_options:
        changes["payment_method_options"] = intent_methods.options_after(
            intent, wanted.payment_method_options
        )
    said = card_terms.said(
        wanted.payment_method_options, confirming=True, browser=wanted.client_secret is not None
    )
    changes["card_terms"] = {**(intent.card_terms or {}), **said} or None
    changes["payment_method_options"] = card_terms.with_plans(tx, intent.but(**changes), method)
    changed = intent.but(**changes)
    intent_methods.check_owner(method, intent.customer)
    intent_methods.check_type(changed, method)
    card_terms.check_payable(tx, changed, method)
    mandate = mandate_of(tx, changed, wanted, method)
    if mandate:
        changes["mandate"] = mandate
    return changes


def mandate_of(tx: Tx, intent: PaymentIntent, wanted: Confirm, method: PaymentMethod) -> str | None:
    """Return the mandate by which a payment is made, if its method needs or the request names one."""
    if wanted.mandate:
        return mandates.covering(tx, wanted.mandate, method.id).id
    if intent.invoice and not wanted.mandate_data:
        return None
    found = mandates.of_intent(tx, method, wanted.mandate_data, intent)
    return found.id if found else None


def check_return_url(intent: PaymentIntent, wanted: Confirm) -> None:
    """Refuse a confirmation that may send the customer to another page without saying where to return to."""
    automatic = intent.automatic_payment_methods
    redirected = [name for name in intent.payment_method_types if BY_NAME[name].redirects]
    require(
        not automatic or not redirected or intent.return_url or wanted.off_session != "false",
        "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because"
        " some of"
        " these payment methods might redirect your customer off of your page, you must provide a"
        " `return_url`. If"
        " you don't want to accept redirect-based payment methods, set"
        " `automatic_payment_methods[enabled]` to"
        " `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and"
        " Payment Intents.",
        param="return_url",
    )


def kept(wanted: Any, intent: PaymentIntent) -> dict[str, Any]:
    """Return what a request says of a payment that is kept and shown as it was sent."""
    sent = {name: value for name, value in wanted.sent().items() if name in KEPT}
    changes = {name: rows.plain_value(value) for name, value in sent.items()}
    if "amount_details" in changes:
        changes["amount_details"] = amount_lines.kept(intent.id, wanted.amount_details, asked(wanted, intent))
    return changes


def asked(wanted: Any, intent: PaymentIntent) -> int:
    """Return the amount that a request is about: what it asks for or captures, else that of its intent."""
    for name in ("amount_to_capture", "amount"):
        if amount := getattr(wanted, name, None):
            return int(amount)
    return intent.amount_capturable or intent.amount
