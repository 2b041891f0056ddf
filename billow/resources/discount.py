"""Discounts: a coupon that was redeemed, by whom, for what, and until when it counts."""

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
    """A coupon at work. It stays when it is taken off, for the invoices that it was on."""

    lacks = ("created", "livemode")

    checkout_session: str | None = f.text()
    customer: str | None = f.ref("customer")
    customer_account: str | None = f.absent()
    end: datetime | None = f.timestamp()
    invoice: str | None = f.text()
    invoice_item: str | None = f.text()
    promotion_code: str | None = f.ref("promotion_code")
    source: dict[str, Any] = f.hash(shape=Source, required=True)
    start: datetime = f.timestamp(required=True)
    subscription: str | None = f.text()
    subscription_item: str | None = f.text()

    coupon: str = f.text(required=True, hidden=True)
    spent_on: str | None = f.text(hidden=True)
    """The invoice that used up a coupon for one invoice: no other may take it."""


def in_core(discount: Discount, coupon: Coupon, currency: str) -> discounts.Discount:
    """A discount as the core reckons with it. What cannot be had in a currency takes nothing there."""
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
