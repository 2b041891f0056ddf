"""Discounts: redeemed coupons, with their customer, what they apply to, and when they end."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.params import Params
from billow.api.resource import Resource
from billow.core import discounts
from billow.resources.coupon import Coupon


class Source(Params):
    coupon: str | None = f.ref("coupon")
    type: str = f.text(required=True)


class Discount(Resource, object="discount", prefix="di_", events=()):
    """A redeemed coupon. It is kept after it is removed, for the invoices that it was on."""

    lacks = ("created", "livemode")

    checkout_session: str | None = f.text()
    customer: str | None = f.ref("customer")
    customer_account: str | None = f.absent()
    end: datetime | None = f.timestamp()
    invoice: str | None = f.text()
    invoice_item: str | None = f.text()
    promotion_code: str | None = f.ref("promotion_code")
    source: dict[str, Any] = f.nested(shape=Source, required=True)
    start: datetime = f.timestamp(required=True)
    subscription: str | None = f.text()
    subscription_item: str | None = f.text()

    coupon: str = f.text(required=True, hidden=True)
    spent_on: str | None = f.text(hidden=True)
    """The invoice that used a discount for one invoice; no other invoice can use it."""


def in_core(discount: Discount, coupon: Coupon, currency: str) -> discounts.Discount:
    """Return a discount as the core calculates with it. Without an amount in the currency it is zero."""
    amount = coupon.amount_off
    if amount is not None and coupon.currency != currency:
        amount = coupon.currency_options.get(currency, {}).get("amount_off", 0)
    products = (coupon.applies_to or {}).get("products")
    return discounts.Discount(
        discount.id,
        percent=coupon.percent_off,
        amount=amount,
        products=frozenset(products) if products else None,
        until=discount.end,
    )
