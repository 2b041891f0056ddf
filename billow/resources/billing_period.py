"""Billing periods: the time for which a subscription item has been billed, with its price and quantity."""

from datetime import datetime
from decimal import Decimal

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource


class BillingPeriod(Resource, object="billing_period", prefix="bp_", events=()):
    """A period of a subscription item that was billed. The API never shows it.

    The periods of an item never overlap: the database refuses it, so no time is billed twice (invariant 5). A
    credit for unused time ends a period where the credit begins. A period without invoice and invoice item
    has metered usage that is still to be billed, at the price of that time.
    """

    order = "period_start, id"

    customer: str = f.text(required=True)
    subscription: str = f.text(required=True)
    subscription_item: str = f.text(required=True)
    kind: str = f.choice(SHOWN, "licensed", "metered", required=True)
    price: str = f.text(required=True)
    quantity: Decimal | None = f.decimal()
    """The billed quantity; None for a metered price, whose meter has the usage."""
    period_start: datetime = f.timestamp(required=True)
    period_end: datetime = f.timestamp(required=True)
    invoice: str | None = f.text()
    """The invoice that billed it."""
    invoice_item: str | None = f.text()
    """The proration that billed it, if one did."""
    counted_from: datetime | None = f.timestamp()
    """The start of the usage that its tiers count, if a part of that usage was billed before (§4.5)."""
    billed_use: Decimal | None = f.decimal()
    """How much of the usage since `counted_from` was billed before."""
    continued: bool = f.boolean(default=False)
    """Whether the next period continues the same usage, so that late events are billed there."""
    credited: int = f.amount(default=0)
    """How much of the billed amount has been credited since, in minor units."""
    discount: str | None = f.text()
    """How the proration that billed it shows discounts; a credit of it shows them in the same way (§5.7)."""
