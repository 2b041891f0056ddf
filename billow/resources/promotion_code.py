"""Promotion codes: codes that customers enter to redeem a coupon."""

import re
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import CREATE
from billow.api.params import Params, json_value, merged, specs
from billow.api.resource import Resource, Where
from billow.core.errors import Refused, require
from billow.core.money import CURRENCIES
from billow.resources import coupon as coupons
from billow.resources.coupon import Coupon
from billow.store.ids import secret
from billow.store.tx import Tx

CODE = re.compile(r"[A-Za-z0-9-]+")


class Promotion(Params):
    coupon: str = f.ref("coupon", required=True)
    type: str = f.choice(CREATE, "coupon", required=True)


class CurrencyOption(Params):
    minimum_amount: int = f.amount(min=1, required=True)


class Restrictions(Params):
    currency_options: dict[str, Any] = f.map_of(shape=CurrencyOption, include=True, default={})
    first_time_transaction: bool = f.boolean(default=False)
    minimum_amount: int | None = f.amount(min=1)
    minimum_amount_currency: str | None = f.currency()


class PromotionCode(
    Resource,
    object="promotion_code",
    path="/v1/promotion_codes",
    prefix="promo_",
    events=("created", "updated"),
):
    """A code that redeems its coupon, for every customer or for one."""

    active: bool = f.boolean(CREATE, default=True, filter=True)
    code: str = f.text(CREATE, max=200, default="")
    customer: str | None = f.ref("customer", CREATE, filter=True)
    customer_account: str | None = f.absent(filter=True)
    expires_at: datetime | None = f.timestamp(CREATE)
    max_redemptions: int | None = f.integer(CREATE, min=1)
    metadata: dict[str, str] = f.metadata(CREATE)
    promotion: dict[str, Any] = f.nested(CREATE, Promotion, required=True)
    restrictions: dict[str, Any] = f.nested(CREATE, Restrictions, default=f.blank(Restrictions, {}))
    times_redeemed: int = f.integer(default=0)

    coupon: str = f.text(required=True, hidden=True, filter=True)
    lowered: str = f.text(required=True, hidden=True)
    """The code in lower case, since codes are case-insensitive."""


class ChangedRestrictions(Params):
    currency_options: dict[str, Any] = f.map_of(shape=CurrencyOption, default={})


class Change(Params):
    """The params of an update. Currencies are added to the restrictions."""

    active: bool | None = f.boolean()
    metadata: dict[str, str] = f.metadata()
    restrictions: ChangedRestrictions | None = f.nested(shape=ChangedRestrictions)


# ------------------------------------------------------------------------------------- what is valid


def open_now(code: PromotionCode, coupon: Coupon | None, now: datetime) -> bool:
    """Whether a code can be redeemed if it is active; once it cannot, it never can again."""
    left = code.max_redemptions is None or code.times_redeemed < code.max_redemptions
    on_time = code.expires_at is None or now < code.expires_at
    return left and on_time and coupon is not None and coupons.is_valid(coupon, now)


def insert(tx: Tx, code: PromotionCode, coupon: Coupon) -> PromotionCode:
    """Insert a code for this coupon; it expires with the coupon at the latest."""
    require(
        coupons.is_valid(coupon, tx.now),
        f"The coupon '{coupon.id}' can no longer be redeemed.",
        param="promotion[coupon]",
        code="coupon_expired",
    )
    require(
        code.expires_at is None or tx.now < code.expires_at,
        "Invalid timestamp: expires_at must be in the future.",
        param="expires_at",
    )
    require(
        not (code.expires_at and coupon.redeem_by) or code.expires_at <= coupon.redeem_by,
        "expires_at cannot be later than the coupon's redeem_by.",
        param="expires_at",
    )
    require(
        not (code.max_redemptions and coupon.max_redemptions)
        or code.max_redemptions <= coupon.max_redemptions,
        "max_redemptions cannot be greater than the coupon's.",
        param="max_redemptions",
    )
    _check_restrictions(code.restrictions)
    text = code.code or secret("", 8).upper()
    require(CODE.fullmatch(text), "Invalid code: it consists of letters, digits and '-'.", param="code")
    code = code.but(
        code=text, lowered=text.lower(), coupon=coupon.id, expires_at=code.expires_at or coupon.redeem_by
    )
    if code.active:
        check_free(tx, code)
    return rows.insert(tx, code)


def _check_restrictions(given: dict[str, Any]) -> None:
    amount, currency = given.get("minimum_amount"), given.get("minimum_amount_currency")
    for missing, there, name in (
        (currency, amount, "minimum_amount_currency"),
        (amount, currency or given["currency_options"], "minimum_amount"),
    ):
        if there and not missing:
            at = f"restrictions[{name}]"
            raise Refused(f"Missing required param: {at}.", param=at, code="parameter_missing")
    _check_currencies(given["currency_options"], currency)


def _check_currencies(options: dict[str, Any], own: str | None) -> None:
    for currency in options:
        at = f"restrictions[currency_options][{currency}]"
        require(currency in CURRENCIES, f"Invalid currency: {currency[:12]}.", param=at)
        require(currency != own, f"The minimum amount in {currency} is set already.", param=at)


def is_free(tx: Tx, code: PromotionCode) -> bool:
    """Whether no other active code of the same scope has this text."""
    return not rows.select(
        tx,
        PromotionCode,
        "lowered = %(lowered)s and active and customer is not distinct from %(customer)s and id <> %(id)s",
        lowered=code.lowered,
        customer=code.customer,
        id=code.id,
    )


def check_free(tx: Tx, code: PromotionCode) -> None:
    """Refuse a code that another active code of the same scope has; an index prevents races."""
    require(
        is_free(tx, code),
        f"An active promotion code with `code: {code.code}` already exists.",
        param="code",
        code="resource_already_exists",
    )


# ------------------------------------------------------------------------------------- operations


def change(tx: Tx, code: PromotionCode, wanted: Change, coupon: Coupon | None) -> PromotionCode:
    """Activate or deactivate a code, and add currencies to its restrictions."""
    changes: dict[str, Any] = {}
    if wanted.active is not None:
        changes["active"] = wanted.active
    if wanted.active and not code.active:
        require(
            open_now(code, coupon, tx.now),
            "This promotion code cannot be activated: it has expired, is used up, or its coupon is no longer"
            " valid.",
            param="active",
        )
        check_free(tx, code)
    if wanted.given("metadata"):
        changes["metadata"] = merged(code.metadata, wanted.metadata)
    if wanted.restrictions:
        changes["restrictions"] = _with_currencies(code, wanted.restrictions)
    return rows.update(tx, code, **changes)


def _with_currencies(code: PromotionCode, wanted: ChangedRestrictions) -> dict[str, Any]:
    old = code.restrictions["currency_options"]
    sent = json_value(specs(ChangedRestrictions)["currency_options"], wanted.currency_options)
    found = {**code.restrictions, "currency_options": {**old, **sent}}
    _check_restrictions(found)
    return found


class Filters(Params):
    code: str | None = f.text()


@PromotionCode.listing(Filters)
def listing(tx: Tx, wanted: Filters) -> Where:
    """List promotion codes, newest first; `code` is case-insensitive."""
    return Where("lowered = %(lowered)s", lowered=wanted.code.lower()) if wanted.code else Where()
