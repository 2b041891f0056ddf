"""Migrate a subscription from classic to flexible billing mode."""

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN, seconds
from billow.api.params import Params
from billow.core.errors import require
from billow.resources.subscription import Subscription
from billow.store.tx import Tx


class Flexible(Params):
    proration_discounts: str = f.choice(SHOWN, "included", "itemized", default="included")


class Mode(Params):
    flexible: Flexible | None = f.nested(shape=Flexible)
    type: str = f.choice(SHOWN, "flexible", required=True)


class Migrate(Params):
    billing_mode: Mode = f.nested(shape=Mode, required=True)


@Subscription.action("migrate", Migrate)
def migrate(tx: Tx, subscription: Subscription, wanted: Migrate) -> Subscription:
    """Move a subscription to `billing_mode[type]=flexible`; there is no way back."""
    require(
        subscription.billing_mode["type"] == "classic",
        "The subscription already has `billing_mode[type]=flexible`.",
        param="billing_mode[type]",
    )
    require(
        subscription.status not in ("canceled", "incomplete", "incomplete_expired"),
        f"You cannot migrate a subscription whose status is `{subscription.status}`.",
    )
    flexible = (wanted.billing_mode.flexible or Flexible()).shown()
    mode = {"flexible": flexible, "type": "flexible", "updated_at": seconds(tx.now)}
    return rows.update(tx, subscription, billing_mode=mode)
