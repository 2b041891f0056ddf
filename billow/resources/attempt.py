"""Attempts: one try to move money, written before the gateway is asked: no crash loses its answer."""

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource


class Attempt(Resource, object="attempt", prefix="par_", events=()):
    """One try; its id is the gateway's idempotency key. It is never shown."""

    kind: str = f.choice(SHOWN, "charge", "capture", "refund", default="charge")
    payment_intent: str | None = f.text()
    """The intent that is to be paid; a charge without one, a capture and a refund name their charge."""
    charge: str | None = f.text()
    refund: str | None = f.text()
    invoice: str | None = f.text()
    customer: str | None = f.text()
    amount: int = f.amount(required=True)
    currency: str = f.currency(required=True)
    payment_method: str | None = f.text()
    token: str = f.text(required=True)
    """What the gateway calls the payment method, or the charge that is captured or refunded."""
    off_session: bool = f.boolean(default=True)
    capture: bool = f.boolean(default=True)
    """Whether the money is taken at once, or held until it is captured."""
    automatic: bool = f.boolean(default=True)
    """Whether the schedule made it, not a person: only these count as retries (§7.4)."""
    state: str = f.choice(SHOWN, "processing", "succeeded", "failed", "requires_action", default="processing")
    request: str | None = f.text()
    """The request that began it, if one did: should that die, its caller is told what became of it."""
