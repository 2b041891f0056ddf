"""Attempts: one try to take money, written before the gateway is asked, so no crash can lose its answer."""

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource


class Attempt(Resource, object="attempt", prefix="par_", events=()):
    """One try; its id is the gateway's idempotency key. It is never shown."""

    payment_intent: str = f.text(required=True)
    invoice: str | None = f.text()
    customer: str = f.text(required=True)
    amount: int = f.amount(required=True)
    currency: str = f.currency(required=True)
    payment_method: str = f.text(required=True)
    token: str = f.text(required=True)
    """What the gateway calls the payment method."""
    off_session: bool = f.boolean(default=True)
    automatic: bool = f.boolean(default=True)
    """Whether the schedule made it, not a person: only these count as retries (§7.4)."""
    state: str = f.choice(SHOWN, "processing", "succeeded", "failed", "requires_action", default="processing")
