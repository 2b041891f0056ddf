"""Billing periods: for what time an item of a subscription has been billed, at which price and quantity."""

from datetime import datetime
from decimal import Decimal

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource


class BillingPeriod(Resource, object="billing_period", prefix="bp_", events=()):
    """A stretch of an item's life. It is never shown.

    Two of one item never overlap: the database refuses it, so no time is billed twice (invariant 5). A
    credit for unused time ends a stretch where the credit begins. One without invoice and invoice item is
    measured use that is still to be billed at the price of its time.
    """

    order = "period_start, id"

    customer: str = f.text(required=True)
    subscription: str = f.text(required=True)
    subscription_item: str = f.text(required=True)
    kind: str = f.choice(SHOWN, "licensed", "metered", required=True)
    price: str = f.text(required=True)
    quantity: Decimal | None = f.decimal()
    """How many were billed; of measured use the meter knows."""
    period_start: datetime = f.timestamp(required=True)
    period_end: datetime = f.timestamp(required=True)
    invoice: str | None = f.text()
    """The invoice whose lines billed it."""
    invoice_item: str | None = f.text()
    """The proration that billed it, where one did."""
    counted_from: datetime | None = f.timestamp()
    """Since when the tiers of its price counted, where an earlier part of that use was billed (§4.5)."""
    billed_use: Decimal | None = f.decimal()
    """How much of the use since then was billed before."""
    continued: bool = f.boolean(default=False)
    """Whether the same use goes on after it: then what comes late is billed there."""
    credited: int = f.amount(default=0)
    """How much of what was billed has been credited since, in minor units."""
    discount: str | None = f.text()
    """What the proration that billed it says of discounts in its amount; its credit says it too (§5.7)."""
