"""Early fraud warnings: charges that the issuer of the card suspects to be fraud."""

from billow.api import fields as f
from billow.api.resource import Resource


class EarlyFraudWarning(
    Resource,
    object="radar.early_fraud_warning",
    path="/v1/radar/early_fraud_warnings",
    prefix="issfr_",
    events=("created", "updated"),
):
    """A warning of the card's issuer that a charge may be fraud; a dispute often follows."""

    actionable: bool = f.boolean(default=True)
    """Whether refunding the charge would still prevent a dispute."""
    charge: str = f.ref("charge", required=True, filter=True)
    fraud_type: str = f.text(required=True)
    payment_intent: str | None = f.ref("payment_intent", filter=True)

    gateway: str = f.text(required=True, hidden=True)
    reference: str = f.text(required=True, hidden=True)
    """The gateway's id of it."""
