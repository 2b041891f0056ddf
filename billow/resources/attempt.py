"""Attempts: requests to a gateway, written before they are sent so that a crash loses none."""

from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource


class Attempt(Resource, object="attempt", prefix="par_", events=()):
    """One request to a gateway; its id is the gateway's idempotency key. The API never shows it."""

    kind: str = f.choice(SHOWN, "charge", "capture", "increment", "refund", "setup", default="charge")
    payment_intent: str | None = f.text()
    """The intent to pay. Otherwise `charge` says what is charged, captured or refunded."""
    setup_intent: str | None = f.text()
    charge: str | None = f.text()
    refund: str | None = f.text()
    invoice: str | None = f.text()
    customer: str | None = f.text()
    amount: int = f.amount(required=True)
    currency: str = f.currency(required=True)
    """Empty for a set-up, which moves no money."""
    payment_method: str | None = f.text()
    token: str = f.text(required=True)
    """The gateway's id of the payment method, or of the charge that is captured or refunded."""
    method_type: str = f.text(default="card")
    """The type of the payment method."""
    off_session: bool = f.boolean(default=True)
    capture: bool = f.boolean(default=True)
    """Whether the charge is captured at once, or held until it is captured."""
    wishes: list[str] = f.array(default=[])
    """What is asked of the gateway for a payment, such as to be captured more than once."""
    three_d_secure: str | None = f.choice(SHOWN, "any", "challenge")
    """How the holder of a card is asked to authenticate, where the bank would not ask."""
    card_terms: dict[str, Any] | None = f.nested()
    """What a payment by card is made with, once (core/payments.py)."""
    final: bool = f.boolean(default=True)
    """Whether a capture is the last one, so that the rest of the hold is let go."""
    terms: dict[str, Any] | None = f.nested()
    """What a raised hold changes on its intent, once it has succeeded."""
    movement: str | None = f.text()
    """The balance transaction of a capture that succeeded."""
    automatic: bool = f.boolean(default=True)
    """Whether it was made automatically, not at a request: only these count as retries (§7.4)."""
    keep: bool = f.boolean(default=False)
    """Whether its method is the customer's from now on, once it has paid."""
    state: str = f.choice(SHOWN, "processing", "succeeded", "failed", "requires_action", default="processing")
    gateway: str | None = f.text()
    """The name of the gateway that is asked."""
    return_url: str | None = f.text()
    """Where its customer comes back to whom the bank asks on a page elsewhere."""
    action_url: str | None = f.text()
    """Where its customer confirms it, if that is not on a page of ours."""
    request: str | None = f.text()
    """The request that began it, if any; if that request dies, its retry is answered with the outcome."""
