"""Redeem coupons as discounts, mark them spent, and remove them."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import render, rows
from billow.api.params import Params
from billow.api.resource import Resource
from billow.core import discounts
from billow.core.errors import Inconsistent, Refused, require
from billow.flows.catalog import promotion_codes
from billow.resources import coupon as coupons
from billow.resources import promotion_code as codes
from billow.resources.coupon import Coupon
from billow.resources.customer import Customer
from billow.resources.discount import Discount
from billow.resources.promotion_code import PromotionCode
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store import outbox
from billow.store.tx import Tx

MAX_DISCOUNTS = 20
CREATED = "customer.discount.created"


class DiscountTerm(Params):
    """One discount that a request names: a coupon, a promotion code, or a discount that exists already."""

    coupon: str | None = f.ref("coupon")
    discount: str | None = f.ref("discount")
    promotion_code: str | None = f.ref("promotion_code")


@dataclass(frozen=True, slots=True)
class Owner:
    """The customer who gets discounts, and the object that they are for."""

    customer: Customer
    currency: str | None
    on: Mapping[str, str] = field(default_factory=dict)
    """The customer's object, as field and id: a subscription, subscription_item, invoice or invoice_item."""
    present: Sequence[str] = ()
    """Discounts of the object or of the ones above it: a request may name them to keep or to reuse them."""
    subtotal: int | None = None
    """The subtotal of the first invoice; None where a promotion code with a minimum amount is refused."""
    start: datetime | None = None
    """From when they apply, if not from now: for a subscription with an earlier start."""
    param: str = "discounts"
    redeemed: bool = False
    """Whether the redemptions were checked and counted before, as for a payment that was taken since."""


@dataclass(frozen=True, slots=True)
class Redemption:
    """A coupon to redeem, with the promotion code that gives it, or an existing discount to keep."""

    at: str
    coupon: Coupon
    code: PromotionCode | None = None
    kept: Discount | None = None


def update_discounts(
    tx: Tx, wanted: Sequence[DiscountTerm] | None, owner: Owner, before: Sequence[str] = (), *, given: bool
) -> list[str]:
    """Return the ids of an object's discounts after a request; redeem new ones and remove the others.

    `""` (None) removes all of them, `[]` leaves them as they are (T21). Emits `customer.discount.deleted` for
    each that is removed.
    """
    if not given or wanted == []:
        return list(before)
    now = redeem(tx, wanted or [], owner)
    gone = rows.find_many(tx, Discount, set(before) - set(now)).values()
    # One that it inherited, as an invoice does its customer's, stays where it came from.
    own = [one for one in gone if all(getattr(one, name) == id for name, id in owner.on.items())]
    rows.emit(tx, [(one, None) for one in own], "customer.discount.deleted")
    return now


def redeem(tx: Tx, wanted: Sequence[DiscountTerm], owner: Owner, *, event: str | None = CREATED) -> list[str]:
    """Redeem coupons and codes in the order in which they were sent; return the ids of the discounts.

    Locks the coupons, then the promotion codes.
    """
    found = redeemable(tx, wanted, owner)
    fresh = [redemption for redemption in found if redemption.kept is None]
    if not owner.redeemed:
        count_redemptions(tx, fresh)
    made = rows.insert_many(tx, [new_discount(tx, one, owner) for one in fresh], event=event)
    new = iter(made)
    return [one.kept.id if one.kept else next(new).id for one in found]


def redeemable(tx: Tx, wanted: Sequence[DiscountTerm], owner: Owner) -> list[Redemption]:
    """Return what a request names, after checking that each may be redeemed now."""
    require(
        len(wanted) <= MAX_DISCOUNTS, f"You can pass at most {MAX_DISCOUNTS} discounts.", param=owner.param
    )
    found = look_up(tx, wanted, owner)
    distinct = {redemption.coupon.id for redemption in found}
    require(
        len(distinct) == len(found),
        "You cannot apply the same coupon more than once: by itself, by a promotion code or by a discount.",
        param=owner.param,
    )
    for redemption in found:
        if redemption.kept is None and not owner.redeemed:
            check(tx, redemption, owner)
    return found


def named(terms: Sequence[DiscountTerm] | None) -> list[str]:
    """Return the ids of discounts that exist already."""
    return [term.discount for term in terms or [] if term.discount]


def new_discount(tx: Tx, redemption: Redemption, owner: Owner) -> Discount:
    """Make the discount of a redemption, with the end that its coupon sets."""
    coupon = redemption.coupon
    start = owner.start or tx.now.replace(microsecond=0)
    made = Discount(
        coupon=coupon.id,
        customer=owner.customer.id,
        end=discounts.end_of(start, coupon.duration_in_months),
        promotion_code=redemption.code.id if redemption.code else None,
        source={"coupon": coupon.id, "type": "coupon"},
        start=start,
    )
    return made.but(**owner.on)


def look_up(tx: Tx, wanted: Sequence[DiscountTerm], owner: Owner) -> list[Redemption]:
    """Find what a request names; locks coupons before promotion codes, the order used everywhere."""
    for place, term in enumerate(wanted):
        require(
            len(term.sent()) == 1,
            "You must pass exactly one of coupon, discount or promotion_code.",
            param=f"{owner.param}[{place}]",
        )
    given = rows.find_many(tx, PromotionCode, [t.promotion_code for t in wanted if t.promotion_code])
    present = [t.discount for t in wanted if t.discount and t.discount in owner.present]
    kept = rows.find_many(tx, Discount, present)
    kept = {id: one for id, one in kept.items() if id not in lapsed(tx, kept.values())}
    redeemed = {t.coupon for t in wanted if t.coupon} | {code.coupon for code in given.values()}
    by_id = {coupon.id: coupon for coupon in rows.lock_many(tx, Coupon, redeemed)} if redeemed else {}
    by_id.update(rows.find_many(tx, Coupon, {one.coupon for one in kept.values()} - by_id.keys()))
    locked = {code.id: code for code in rows.lock_many(tx, PromotionCode, given)} if given else {}
    found = []
    for place, term in enumerate(wanted):
        [(name, id)] = term.sent().items()
        at = f"{owner.param}[{place}][{name}]"
        code, old = locked.get(term.promotion_code or ""), kept.get(term.discount or "")
        coupon = by_id.get(code.coupon if code else old.coupon if old else term.coupon or "")
        gone = coupon is not None and coupon.deleted and not old and not code
        if coupon is None or (gone and not owner.redeemed):
            nouns: dict[str, type[Resource]] = {"coupon": Coupon, "discount": Discount}
            raise rows.no_such(tx, nouns.get(name, PromotionCode), id, at)
        found.append(Redemption(at, coupon, code, old))
    return found


def check(tx: Tx, redemption: Redemption, owner: Owner) -> None:
    """Check that this customer may redeem a coupon, and the code that gives it (§2.6, §2.7)."""
    coupon, code = redemption.coupon, redemption.code
    if code:
        check_code(tx, redemption, code, owner)
    require(
        coupons.is_valid(coupon, tx.now),
        f"The coupon '{coupon.id}' can no longer be redeemed.",
        param=redemption.at,
        code="coupon_expired",
    )
    fits = coupon.amount_off is None or owner.currency in (None, coupon.currency, *coupon.currency_options)
    require(
        fits,
        f"The coupon '{coupon.id}' takes off an amount in another currency than {owner.currency}.",
        param=redemption.at,
    )


def check_code(tx: Tx, redemption: Redemption, code: PromotionCode, owner: Owner) -> None:
    """Check that a promotion code is active, and that its restrictions allow this customer."""
    require(
        code.active and codes.open_now(code, redemption.coupon, tx.now),
        f"The promotion code '{code.code}' can no longer be redeemed.",
        param=redemption.at,
        code="promotion_code_expired",
    )
    require(
        code.customer in (None, owner.customer.id),
        f"The promotion code '{code.code}' cannot be redeemed by this customer.",
        param=redemption.at,
    )
    require(
        not code.restrictions["first_time_transaction"] or is_first_transaction(tx, owner.customer),
        f"The promotion code '{code.code}' is for a customer's first transaction, and there was one before.",
        param=redemption.at,
    )
    check_minimum(redemption, code.restrictions, owner)


def is_first_transaction(tx: Tx, customer: Customer) -> bool:
    """Return whether the customer has paid nothing yet and has no finalized invoice."""
    return not tx.one(
        "select 1 from invoices where customer = %(id)s and status in ('open', 'paid', 'uncollectible')"
        " union all select 1 from charges where customer = %(id)s and status = 'succeeded' limit 1",
        id=customer.id,
    )


def check_minimum(redemption: Redemption, restrictions: dict[str, Any], owner: Owner) -> None:
    """Check a code's minimum amount against the first invoice; without such an invoice refuse it (§2.7)."""
    if not restrictions["minimum_amount"]:
        return
    require(
        owner.subtotal is not None,
        "This promotion code has a minimum amount, and cannot be redeemed here.",
        param=redemption.at,
    )
    minimum = restrictions["minimum_amount"]
    if owner.currency != restrictions["minimum_amount_currency"]:
        option = restrictions["currency_options"].get(owner.currency)
        require(
            option, f"This promotion code has no minimum amount in {owner.currency}.", param=redemption.at
        )
        minimum = option["minimum_amount"]
    if owner.subtotal is None:
        raise Inconsistent("A minimum amount is compared with a subtotal.")
    require(
        owner.subtotal >= minimum,
        "The minimum amount of this promotion code is not reached.",
        param=redemption.at,
    )


def count_redemptions(tx: Tx, redeemed: Sequence[Redemption]) -> None:
    """Count each redemption on its coupon and code; deactivate codes that have reached their limit (§2.7)."""
    for redemption in redeemed:
        coupon, code = redemption.coupon, redemption.code
        coupon = rows.update(tx, coupon, times_redeemed=coupon.times_redeemed + 1)
        if code:
            used = code.but(times_redeemed=code.times_redeemed + 1)
            open_still = codes.open_now(used, coupon, tx.now)
            rows.update(tx, code, times_redeemed=used.times_redeemed, active=open_still)
        if not coupons.is_valid(coupon, tx.now):
            promotion_codes.deactivate_codes(tx, coupon)


def give_to_customer(tx: Tx, customer: Customer, term: DiscountTerm) -> Customer:
    """Give a customer a discount for all that has none of its own; it replaces the one before."""
    owner = Owner(customer, customer.currency)
    [id] = redeem(tx, [term], owner, event=None if customer.discount else CREATED)
    if customer.discount:
        found = rows.find_many(tx, Discount, [customer.discount, id])
        rows.emit(tx, [(found[id], found[customer.discount])], "customer.discount.updated")
    return rows.update(tx, customer, discount=id)


@Customer.below("DELETE", "discount", of=Customer)
def remove_from_customer(tx: Tx, customer: Customer) -> dict[str, Any]:
    """Remove the discount of a customer. Invoices that have it keep it."""
    held = rows.find_many(tx, Discount, [customer.discount or ""])
    return remove_all(tx, list(held.values()), f"No active discount for customer: {customer.id}")


@Subscription.below("DELETE", "discount", of=Subscription)
def remove_from_subscription(tx: Tx, subscription: Subscription) -> dict[str, Any]:
    """Remove the discounts of a subscription; the customer's applies again."""
    held = rows.find_many(tx, Discount, subscription.discounts)
    ordered = [held[id] for id in subscription.discounts]
    return remove_all(tx, ordered, f"No active discount for subscription: {subscription.id}")


def remove_all(tx: Tx, held: Sequence[Discount], none: str) -> dict[str, Any]:
    """Remove discounts and return the first, as deleted; refuse with 404 where there are none."""
    if not held:
        raise Refused(none, param="id", code="resource_missing", status=404)
    remove(tx, held)
    return {**render.one(tx, held[0]), "deleted": True}


def lapsed(tx: Tx, found: Iterable[Discount]) -> set[str]:
    """Return the ids of discounts that do not apply any more: expired (T42) or spent on an invoice (T41)."""
    return {one.id for one in found if one.spent_on or (one.end and one.end <= tx.now)}


def mark_spent(tx: Tx, spent: Mapping[str, Discount]) -> None:
    """Record on which invoice discounts of duration `once` were spent, and remove them (§2.6, T41)."""
    rows.update_many(tx, [(one, {"spent_on": one.spent_on}) for one in spent.values()], event=None)
    remove(tx, list(spent.values()))


def remove(tx: Tx, gone: Sequence[Discount]) -> None:
    """Remove discounts from the customers, subscriptions and items that have them.

    Emits `customer.discount.deleted` and `customer.subscription.updated`. A fixed number of statements for
    any number of discounts, none for none.
    """
    if not gone:
        return
    ids = {one.id for one in gone}
    where: dict[str, Any] = {
        "ids": sorted(ids),
        "customers": sorted({one.customer for one in gone if one.customer}),
    }
    has = "jsonb_exists_any(discounts, %(ids)s)"
    customers = rows.select(tx, Customer, "id = any(%(customers)s) and discount = any(%(ids)s)", **where)
    own = "select id from subscriptions where customer = any(%(customers)s)"
    items = rows.select(tx, SubscriptionItem, f"subscription in ({own}) and {has}", **where)
    holding = f"customer = any(%(customers)s) and {has} or id = any(%(holders)s)"
    holders = [item.subscription for item in items]
    subscriptions = rows.select(tx, Subscription, holding, **where, holders=holders)
    held = {id for one in subscriptions for id in one.discounts}
    held |= {id for item in items for id in item.discounts} | {one.discount or "" for one in customers}
    rows.emit(tx, [(one, None) for one in gone if one.id in held], "customer.discount.deleted")
    # A subscription's creation is emitted once its first payment is settled; until then it has no updates.
    before = render.show(tx, [one for one in subscriptions if one.emitted])
    rows.update_many(tx, [without(one, ids) for one in items])
    changed = rows.update_many(tx, [without(one, ids) for one in subscriptions], event=None)
    rows.update_many(tx, [(one, {"discount": None}) for one in customers])
    emit_changes(tx, before, render.show(tx, [one for one in changed if one.emitted]))


def without(holder: Subscription | SubscriptionItem, ids: Container[str]) -> tuple[Any, dict[str, list[str]]]:
    """Return the changes that remove discounts from an object."""
    return holder, {"discounts": [id for id in holder.discounts if id not in ids]}


def emit_changes(tx: Tx, before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> None:
    """Emit one update for each subscription that changed, its items included."""
    event = "customer.subscription.updated"
    outbox.write(
        tx,
        [
            outbox.NewEvent(
                event, now, {n: render.difference(old[n], now[n]) for n in old if old[n] != now[n]}
            )
            for old, now in zip(before, after, strict=True)
            if old != now
        ],
    )


def release(tx: Tx, ids: Iterable[str]) -> None:
    """Undo redemptions of what was never carried out: coupons and codes can be redeemed as before.

    Locks the coupons, then the promotion codes.
    """
    found = list(rows.find_many(tx, Discount, ids).values())
    uncount_redemptions(tx, [(one.coupon, one.promotion_code) for one in found])
    emitted = [one for one in found if one.subscription or one.subscription_item]
    rows.emit(tx, [(one, None) for one in emitted], "customer.discount.deleted")


def uncount_redemptions(tx: Tx, redeemed: Sequence[tuple[str, str | None]]) -> None:
    """Take back the counts of redemptions, each a coupon with its code, if it has one.

    A code that reached its limit by them is active again. Locks the coupons, then the promotion codes.
    """
    if not redeemed:
        return
    by_id = {one.id: one for one in rows.lock_many(tx, Coupon, {coupon for coupon, _ in redeemed})}
    used = [code for _, code in redeemed if code]
    given = {one.id: one for one in rows.lock_many(tx, PromotionCode, used)} if used else {}
    for id, promotion_code in redeemed:
        coupon, code = by_id[id], given.get(promotion_code or "")
        by_id[id] = rows.update(tx, coupon, times_redeemed=coupon.times_redeemed - 1)
        if code:
            full = code.times_redeemed in (code.max_redemptions, coupon.max_redemptions)
            active = code.active or (full and codes.is_free(tx, code))
            rows.update(tx, code, times_redeemed=code.times_redeemed - 1, active=active)


def release_of(tx: Tx, subscription: Subscription, items: Sequence[SubscriptionItem]) -> None:
    """Release the discounts of a subscription that is removed, and of its items."""
    made = rows.select(
        tx,
        Discount,
        "customer = %(customer)s and (subscription = %(id)s or subscription_item = any(%(items)s))",
        customer=subscription.customer,
        id=subscription.id,
        items=[item.id for item in items],
    )
    release(tx, [one.id for one in made])
