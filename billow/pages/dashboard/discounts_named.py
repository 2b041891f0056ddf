"""Name discounts by what they take off."""

from collections.abc import Sequence

from billow.api import rows
from billow.pages.dashboard import coupons
from billow.resources.coupon import Coupon
from billow.resources.discount import Discount
from billow.store.tx import Tx


def of(tx: Tx, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Return discounts by id, each with what it takes off."""
    found = rows.find_many(tx, Discount, ids)
    known = rows.find_many(tx, Coupon, {one.coupon for one in found.values() if one.coupon})
    return [(id, said(known[found[id].coupon])) for id in ids if id in found and found[id].coupon in known]


def said(coupon: Coupon) -> str:
    return f"{coupon.name or coupon.id}: {coupons.worth(coupon)}"
