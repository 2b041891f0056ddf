"""Refuse what the state of an intent does not allow, in Stripe's words."""

from typing import Any

from billow.api import render
from billow.core.errors import Refused
from billow.resources.payment_intent import PaymentIntent
from billow.resources.setup_intent import SetupIntent
from billow.store.tx import Tx

Intent = PaymentIntent | SetupIntent
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
"""The states in which what an intent collects, from whom and how can be changed, and it can be confirmed."""
CANCELABLE = {
    "payment_intent": (
        "requires_payment_method", "requires_capture", "requires_confirmation", "requires_action",
        "processing",
    ),
    "setup_intent": ("requires_payment_method", "requires_confirmation", "requires_action"),
}  # fmt: skip


def called(intent: Intent) -> str:
    """Return the name of the noun in an error."""
    return "PaymentIntent" if isinstance(intent, PaymentIntent) else "SetupIntent"


def unexpected(tx: Tx, intent: Intent, message: str) -> Refused:
    """Return the error of a request that the state of an intent does not allow, with the intent in it."""
    shown: dict[str, Any] = {intent.noun: render.one(tx, intent)}
    return Refused(message, code=f"{intent.noun}_unexpected_state", **shown)


def check_confirmable(tx: Tx, intent: Intent) -> None:
    """Refuse to confirm an intent that has succeeded, was canceled, or waits for the gateway."""
    if intent.status in OPEN:
        return
    name = called(intent)
    if intent.status == "succeeded":
        why = "it has already succeeded after being previously confirmed."
    else:
        why = (
            f"it has a status of {intent.status}. Only a {name} with one of the following statuses may be"
            " confirmed: requires_confirmation, requires_action."
        )
    raise unexpected(tx, intent, f"You cannot confirm this {name} because {why}")


def without_method(tx: Tx, intent: Intent) -> Refused:
    """Return the error of a confirmation without a payment method."""
    name = called(intent)
    return unexpected(
        tx,
        intent,
        f"You cannot confirm this {name} because it's missing a payment method. You can either update the"
        f" {name}"
        " with a payment method and then confirm it again, or confirm it again directly with a payment"
        " method or"
        " ConfirmationToken.",
    )


def check_updatable(tx: Tx, intent: Intent, names: list[str]) -> None:
    """Refuse to change what an intent collects, or how, once it is under way or has ended."""
    if intent.status in OPEN or not names:
        return
    name = called(intent)
    raise unexpected(
        tx,
        intent,
        f"This {name}'s {names[0]} could not be updated because it has a status of {intent.status}. You"
        " may only"
        f" update the {names[0]} of a {name} with one of the following statuses: {', '.join(OPEN)}.",
    )


def check_cancelable(tx: Tx, intent: Intent) -> None:
    """Refuse to cancel an intent that has succeeded or was canceled."""
    allowed = CANCELABLE[intent.noun]
    if intent.status in allowed:
        return
    name = called(intent)
    raise unexpected(
        tx,
        intent,
        f"You cannot cancel this {name} because it has a status of {intent.status}. Only a {name} with"
        " one of the"
        f" following statuses may be canceled: {', '.join(allowed)}.",
    )


def check_capturable(tx: Tx, intent: PaymentIntent) -> None:
    """Refuse to capture an intent that holds no money."""
    if intent.status != "requires_capture":
        raise not_capturable(tx, intent)


def not_capturable(tx: Tx, intent: PaymentIntent) -> Refused:
    """Return the error of a capture where no money is held, or none any more."""
    return unexpected(
        tx,
        intent,
        f"This PaymentIntent could not be captured because it has a status of {intent.status}. Only a"
        " PaymentIntent with one of the following statuses may be captured: requires_capture.",
    )
