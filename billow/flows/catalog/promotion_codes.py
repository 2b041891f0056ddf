"""Create and update promotion codes, and delete a coupon with its codes."""

from typing import Any

from billow.api import rows
from billow.resources import coupon as coupons
from billow.resources import promotion_code as codes
from billow.resources.coupon import Coupon
from billow.resources.promotion_code import Change, PromotionCode
from billow.store import clocks, jobs
from billow.store.jobs import job
from billow.store.tx import Tx


@PromotionCode.create
def create_code(tx: Tx, code: PromotionCode) -> PromotionCode:
    """Create a promotion code; `code` is generated if it is not given."""
    coupon = rows.lock(tx, Coupon, code.promotion["coupon"], param="promotion[coupon]")
    if code.customer:
        tx = clocks.of_customer(tx, code.customer)
    made = codes.insert(tx, code, coupon)
    if made.active and made.expires_at:
        jobs.put(tx, "promotion_code.expire", made.id, made.expires_at)
    return made


@PromotionCode.update(Change)
def change_code(tx: Tx, code: PromotionCode, wanted: Change) -> PromotionCode:
    """Update a promotion code. A code that can no longer be redeemed cannot become active."""
    changed = codes.change(tx, code, wanted, coupon_of(tx, code))
    if changed.active and changed.expires_at and not code.active:
        jobs.put(tx, "promotion_code.expire", code.id, changed.expires_at)
    return changed


def coupon_of(tx: Tx, code: PromotionCode) -> Coupon | None:
    return rows.find_many(tx, Coupon, [code.coupon]).get(code.coupon)


@job("promotion_code.expire", batch=1)
def expire(tx: Tx, refs: list[str]) -> None:
    """Deactivate promotion codes that have expired. Locks them; emits their updates."""
    for code in rows.lock_many(tx, PromotionCode, rows.find_all(tx, PromotionCode, refs)):
        if not codes.open_now(code, coupon_of(tx, code), tx.now):
            rows.update(tx, code, active=False)


@Coupon.delete
def delete_coupon(tx: Tx, coupon: Coupon) -> dict[str, Any]:
    """Delete a coupon: its discounts continue, its promotion codes become inactive."""
    deactivate_codes(tx, coupon)
    return coupons.delete(tx, coupon)


def deactivate_codes(tx: Tx, coupon: Coupon) -> None:
    """Deactivate the promotion codes of a coupon. Locks all of them; emits updates of the active ones."""
    # Inactive codes are locked too: a code that another transaction activates now is waited for.
    codes_of_coupon = rows.select(
        tx, PromotionCode, "coupon = %(coupon)s", "order by id for update", coupon=coupon.id
    )
    rows.update_many(tx, [(code, {"active": False}) for code in codes_of_coupon if code.active])
    jobs.cancel(tx, "promotion_code.expire", *[code.id for code in codes_of_coupon])
