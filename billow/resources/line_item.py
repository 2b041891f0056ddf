"""Line items: the lines of a quote, a checkout session or a payment link."""

from typing import Any

from billow.api import fields as f
from billow.api.resource import Resource
from billow.resources.checkout_terms import AdjustableQuantity


class LineItem(Resource, object="item", table="line_items", prefix="li_", events=()):
    """A line of what is offered: a price, a quantity, and the amounts as they were calculated last."""

    lacks = ("created", "livemode")
    order = "position"

    adjustable_quantity: dict[str, Any] | None = f.nested(shape=AdjustableQuantity)
    amount_discount: int = f.amount(default=0)
    amount_subtotal: int = f.amount(default=0)
    amount_tax: int = f.amount(default=0)
    amount_total: int = f.amount(default=0)
    currency: str = f.currency(required=True)
    description: str | None = f.text()
    discounts: list[dict[str, Any]] = f.array(default=[], include=True, refs={"discount": "discount"})
    metadata: dict[str, str] = f.metadata(f.SHOWN)
    price: str = f.ref("price", embed=True, required=True)
    quantity: int | None = f.integer()
    taxes: list[dict[str, Any]] = f.array(default=[], include=True)

    position: int = f.integer(default=0, hidden=True)
    quote: str | None = f.text(hidden=True)
    session: str | None = f.text(hidden=True)
    payment_link: str | None = f.text(hidden=True)
    optional: bool = f.boolean(default=False, hidden=True)
    """Whether the customer added it: an optional item of a checkout session."""
    own_discounts: list[str] = f.array(default=[], hidden=True)
    """Discounts on this line alone, before those of the quote."""
    tax_rates: list[str] = f.array(default=[], hidden=True)
    """Its own tax rates, instead of the quote's default tax rates."""
