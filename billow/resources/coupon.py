"""Coupons: how much a discount is, how long it lasts, and how often it may be redeemed."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import CREATE, WRITE
from billow.api.params import Params
from billow.api.resource import REGISTRY, Resource, Where, route
from billow.core.errors import Refused, require
from billow.core.money import CURRENCIES
from billow.store.ids import secret
from billow.store.tx import Tx

ID = re.compile(r"[A-Za-z0-9._-]+")
AHEAD = timedelta(days=5 * 366)
"""How far in the future `redeem_by` may be."""


class AppliesTo(Params):
    products: list[str] = f.array(item=f.text(), default=[])


class CurrencyOption(Params):
    amount_off: int = f.amount(min=1, required=True)


def is_valid(coupon: "Coupon", now: datetime) -> bool:
    """Whether a coupon can still be redeemed. Discounts that it was redeemed for continue either way."""
    left = coupon.max_redemptions is None or coupon.times_redeemed < coupon.max_redemptions
    return left and not coupon.deleted and (coupon.redeem_by is None or now < coupon.redeem_by)


class Coupon(Resource, object="coupon", path="/v1/coupons", prefix=""):
    """A discount to redeem: a percentage, or an amount in one or more currencies."""

    id: str = f.text(CREATE, max=200, default="")
    amount_off: int | None = f.amount(CREATE, min=1)
    applies_to: dict[str, Any] | None = f.nested(CREATE, AppliesTo, include=True)
    currency: str | None = f.currency(CREATE)
    currency_options: dict[str, Any] = f.map_of(WRITE, CurrencyOption, default={}, include=True)
    duration: str = f.choice(CREATE, "forever", "once", "repeating", default="once")
    duration_in_months: int | None = f.integer(CREATE, min=1, max=1200)
    max_redemptions: int | None = f.integer(CREATE, min=1)
    metadata: dict[str, str] = f.metadata()
    name: str | None = f.text(WRITE, max=40, unset=True)
    percent_off: Decimal | None = f.number(CREATE, places=2, above=0, max=100)
    redeem_by: datetime | None = f.timestamp(CREATE)
    times_redeemed: int = f.integer(default=0)
    valid: bool = f.computed(lambda row, now, shown: is_valid(row, now))

    deleted: bool = f.boolean(default=False, hidden=True)
    """Whether it was deleted; it is kept for the discounts made from it."""


# ------------------------------------------------------------------------------------- what is valid


def _check(tx: Tx, coupon: Coupon) -> None:
    _check_id(tx, coupon.id)
    _check_amount(coupon)
    repeats = coupon.duration == "repeating"
    require(
        not repeats or coupon.duration_in_months,
        "Missing required param: duration_in_months. It is required with duration=repeating.",
        param="duration_in_months",
        code="parameter_missing",
    )
    require(
        repeats or coupon.duration_in_months is None,
        "You can only set duration_in_months if duration is repeating.",
        param="duration_in_months",
    )
    require(
        coupon.redeem_by is None or tx.now < coupon.redeem_by <= tx.now + AHEAD,
        "Invalid timestamp: redeem_by must be in the future, and at most five years from now.",
        param="redeem_by",
    )
    for place, product in enumerate((coupon.applies_to or {}).get("products", ())):
        rows.find(tx, REGISTRY["product"], product, param=f"applies_to[products][{place}]")


def _check_id(tx: Tx, id: str) -> None:
    if id:
        good = ID.fullmatch(id)
        require(good, "Invalid id: it consists of letters, digits, '.', '_' and '-'.", param="id")
        taken = rows.select(tx, Coupon, "id = %(id)s", id=id)
        require(not taken, "Coupon already exists.", param="id", code="resource_already_exists")


def _check_amount(coupon: Coupon) -> None:
    if coupon.percent_off is None and coupon.amount_off is None:
        message = "You must pass either percent_off or amount_off."
        raise Refused(message, param="percent_off", code="parameter_missing")
    require(
        coupon.percent_off is None or coupon.amount_off is None,
        "You may only specify one of these parameters: amount_off, percent_off.",
        param="percent_off",
        code="parameters_exclusive",
    )
    if coupon.percent_off is not None:
        for name in ("currency", "currency_options"):
            require(not getattr(coupon, name), f"You can only set {name} with amount_off.", param=name)
    elif coupon.currency is None:
        raise Refused("Missing required param: currency.", param="currency", code="parameter_missing")
    _check_currencies(coupon, coupon.currency_options)


def _check_currencies(coupon: Coupon, options: dict[str, Any]) -> None:
    for currency in options:
        at = f"currency_options[{currency}]"
        require(currency in CURRENCIES, f"Invalid currency: {currency[:12]}.", param=at)
        require(currency != coupon.currency, f"The coupon's own currency is {currency} already.", param=at)


# ------------------------------------------------------------------------------------- operations


@Coupon.create
def create(tx: Tx, coupon: Coupon) -> Coupon:
    """Create a coupon; the caller may choose its id, which customers may see."""
    _check(tx, coupon)
    return rows.insert(tx, coupon.but(id=coupon.id or secret("", 8)))


@route("GET", "/v1/coupons/{id}")
def retrieve(tx: Tx, id: str) -> Coupon:
    """Retrieve a coupon. A deleted coupon is not found."""
    return rows.find(tx, Coupon, id)


@Coupon.update
def update(tx: Tx, coupon: Coupon, changes: dict[str, Any]) -> Coupon:
    """Update the name of a coupon, or add currencies; its discount never changes."""
    sent = changes.get("currency_options", {})
    require(
        not sent or coupon.amount_off is not None,
        "You can only set currency_options with amount_off.",
        param="currency_options",
    )
    _check_currencies(coupon, sent)
    for currency, option in sent.items():
        require(
            coupon.currency_options.get(currency, option) == option,
            f"The amount in {currency} is set already and cannot be changed.",
            param=f"currency_options[{currency}]",
        )
    if sent or "currency_options" in changes:
        changes["currency_options"] = {**coupon.currency_options, **sent}
    return rows.update(tx, coupon, **changes)


class Filters(Params):
    """No filters besides paging and the time of creation."""


@Coupon.listing(Filters)
def listing(tx: Tx, wanted: Filters) -> Where:
    """List coupons, newest first."""
    return Where("not deleted")


def delete(tx: Tx, coupon: Coupon) -> dict[str, Any]:
    """Delete a coupon. The discounts that it was redeemed for continue."""
    # Open quotes and checkout sessions have discounts that are not counted yet.
    offered = tx.one("select id from discounts where coupon = %(id)s limit 1", id=coupon.id)
    if not coupon.times_redeemed and offered is None:
        return rows.delete(tx, coupon)
    rows.emit(tx, [(coupon, None)], "deleted")
    rows.update(tx, coupon, event=None, deleted=True)
    return rows.stub(coupon)
