"""Say what the customer must do next: authenticate, confirm on another page, or verify a bank account."""

from datetime import timedelta
from typing import Any

from billow.api.fields import seconds
from billow.core.payments import NeedsAction
from billow.flows.papers import links
from billow.flows.payments import transfer_instructions
from billow.resources.payment_intent import PaymentIntent
from billow.resources.setup_intent import SetupIntent
from billow.store.tx import Tx

DEPOSITS_ARRIVE = timedelta(days=2)


def url_of(tx: Tx, intent: PaymentIntent | SetupIntent) -> str:
    """Return the address of the page on which the customer acts."""
    return links.authentication(tx, intent.id)


def of(tx: Tx, intent: PaymentIntent | SetupIntent, outcome: NeedsAction) -> dict[str, Any]:
    """Return the `next_action` of an intent: a page to be sent to, or what the SDK in the browser does."""
    url = url_of(tx, intent)
    if outcome.kind == "verify_with_microdeposits":
        deposits = {
            "arrival_date": seconds(tx.now + DEPOSITS_ARRIVE),
            "hosted_verification_url": url,
            "microdeposit_type": "amounts",
        }
        return {"type": outcome.kind, outcome.kind: deposits}
    if outcome.kind == transfer_instructions.KIND and isinstance(intent, PaymentIntent):
        return transfer_instructions.of(tx, intent)
    if intent.return_url or outcome.kind == "redirect_to_url":
        return {"type": "redirect_to_url", "redirect_to_url": {"return_url": intent.return_url, "url": url}}
    browser = {"type": "three_d_secure_redirect", "stripe_js": url, "source": intent.id}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": browser}
