"""Redeem coupons as discounts, use them up, and remove them."""

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
    """One discount that is wished: of a coupon, of a promotion code, or one that is there already."""

    coupon: str | None = f.ref("coupon")
    discount: str | None = f.ref("discount")
    promotion_code: str | None = f.ref("promotion_code")


@dataclass(frozen=True, slots=True)
class Owner:
    """Who gets discounts, and on what."""

    customer: Customer
    currency: str | None
    on: Mapping[str, str] = field(default_factory=dict)
    """Which thing of the customer's: subscription, subscription_item, invoice or invoice_item, and its id."""
    present: Sequence[str] = ()
    """Discounts that are on it or above it: they may be named to be kept, or to be used here too."""
    subtotal: int | None = None
    """What the first invoice comes to; None where a promotion code with a minimum amount is refused."""
    start: datetime | None = None
    """Since when they count, where that is not now (a subscription whose start is set back)."""
    param: str = "discounts"


@dataclass(frozen=True, slots=True)
class Redemption:
    """A coupon to be redeemed, with the code that gave it; or a discount that is there, to be kept."""

    at: str
    coupon: Coupon
    code: PromotionCode | None = None
    kept: Discount | None = None


def update_discounts(
    tx: Tx, wanted: Sequence[DiscountTerm] | None, owner: Owner, before: Sequence[str] = (), *, given: bool
) -> list[str]:
    """The discounts of a thing after a request: `""` (None) takes them off, `[]` leaves them (T21)."""
    if not given or wanted == []:
        return list(before)
    now = redeem(tx, wanted or [], owner)
    gone = rows.find_many(tx, Discount, set(before) - set(now)).values()
    # What it had from above it, as an invoice has its customer's, goes on there.
    own = [one for one in gone if all(getattr(one, name) == id for name, id in owner.on.items())]
    rows.emit(tx, [(one, None) for one in own], "customer.discount.deleted")
    return now


def redeem(tx: Tx, wanted: Sequence[DiscountTerm], owner: Owner, *, event: str | None = CREATED) -> list[str]:
    """Make discounts, in the order in which they are wished; returns their ids."""
    found = redeemable(tx, wanted, owner)
    fresh = [redemption for redemption in found if redemption.kept is None]
    count_redemptions(tx, fresh)
    made = rows.insert_many(tx, [new_discount(tx, one, owner) for one in fresh], event=event)
    new = iter(made)
    return [one.kept.id if one.kept else next(new).id for one in found]


def redeemable(tx: Tx, wanted: Sequence[DiscountTerm], owner: Owner) -> list[Redemption]:
    """What the terms name, each of which may be redeemed now."""
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
        if redemption.kept is None:
            check(tx, redemption, owner)
    return found


def named(terms: Sequence[DiscountTerm] | None) -> list[str]:
    """The ids of discounts that are all there already."""
    return [term.discount for term in terms or [] if term.discount]


def new_discount(tx: Tx, redemption: Redemption, owner: Owner) -> Discount:
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
    """What the terms name. Coupons are locked before codes, as everywhere."""
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
        if coupon is None or (coupon.deleted and not old and not code):
            nouns: dict[str, type[Resource]] = {"coupon": Coupon, "discount": Discount}
            raise rows.no_such(tx, nouns.get(name, PromotionCode), id, at)
        found.append(Redemption(at, coupon, code, old))
    return found


def check(tx: Tx, redemption: Redemption, owner: Owner) -> None:
    """What a coupon, and the code that gives it, must be to be redeemed by this customer (§2.6, §2.7)."""
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
    """Whether nothing was paid before, and no invoice stands."""
    return not tx.one(
        "select 1 from invoices where customer = %(id)s and status in ('open', 'paid', 'uncollectible')"
        " union all select 1 from charges where customer = %(id)s and status = 'succeeded' limit 1",
        id=customer.id,
    )


def check_minimum(redemption: Redemption, restrictions: dict[str, Any], owner: Owner) -> None:
    """The minimum counts for the first invoice only: where there is none, such a code is refused (§2.7)."""
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
    """Note each redemption on its coupon and its code; what is used up is closed for good (§2.7)."""
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
    """Give a customer a discount for all that has none of its own; it takes the place of the one before."""
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
    if not held:
        raise Refused(none, param="id", code="resource_missing", status=404)
    remove(tx, held)
    return {**render.one(tx, held[0]), "deleted": True}


def lapsed(tx: Tx, found: Iterable[Discount]) -> set[str]:
    """Which of them count no more: their months are over (T42), or another invoice used them up (T41)."""
    return {one.id for one in found if one.spent_on or (one.end and one.end <= tx.now)}


def mark_spent(tx: Tx, spent: Mapping[str, Discount]) -> None:
    """Coupons for one invoice are used up by the first that is finalized with them (§2.6, T41)."""
    rows.update_many(tx, [(one, {"spent_on": one.spent_on}) for one in spent.values()], event=None)
    remove(tx, list(spent.values()))


def remove(tx: Tx, gone: Sequence[Discount]) -> None:
    """Take discounts off the customers, subscriptions and items that hold them, and tell it.

    A fixed number of statements for any number of discounts, none for none.
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
    # The beginning of a subscription is told when its first payment is settled, as it is then.
    told = [one for one in subscriptions if one.told]
    before = render.show(tx, told)
    rows.update_many(tx, [without(one, ids) for one in items])
    changed = rows.update_many(tx, [without(one, ids) for one in subscriptions], event=None)
    rows.update_many(tx, [(one, {"discount": None}) for one in customers])
    emit_changes(tx, before, render.show(tx, [one for one in changed if one.told]))


def without(holder: Subscription | SubscriptionItem, ids: Container[str]) -> tuple[Any, dict[str, list[str]]]:
    return holder, {"discounts": [id for id in holder.discounts if id not in ids]}


def emit_changes(tx: Tx, before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> None:
    """A subscription shows its items, and so does the word of what changed in them."""
    event = "customer.subscription.updated"
    outbox.write(
        tx,
        [
            outbox.Told(event, now, {n: render.difference(old[n], now[n]) for n in old if old[n] != now[n]})
            for old, now in zip(before, after, strict=True)
            if old != now
        ],
    )


def release(tx: Tx, ids: Iterable[str]) -> None:
    """Undo redemptions for what never came to be: the coupons and codes are as free as before."""
    found = list(rows.find_many(tx, Discount, ids).values())
    if not found:
        return
    its = {one.id: one for one in rows.lock_many(tx, Coupon, {one.coupon for one in found})}
    used = [one.promotion_code for one in found if one.promotion_code]
    given = {one.id: one for one in rows.lock_many(tx, PromotionCode, used)} if used else {}
    for one in found:
        coupon, code = its[one.coupon], given.get(one.promotion_code or "")
        its[coupon.id] = rows.update(tx, coupon, times_redeemed=coupon.times_redeemed - 1)
        if code:
            full = code.times_redeemed in (code.max_redemptions, coupon.max_redemptions)
            active = code.active or (full and codes.is_free(tx, code))
            rows.update(tx, code, times_redeemed=code.times_redeemed - 1, active=active)
    told = [one for one in found if one.subscription or one.subscription_item]
    rows.emit(tx, [(one, None) for one in told], "customer.discount.deleted")


def release_of(tx: Tx, subscription: Subscription, items: Sequence[SubscriptionItem]) -> None:
    """Those that were made for a subscription that is taken back, and for its items."""
    made = rows.select(
        tx,
        Discount,
        "customer = %(customer)s and (subscription = %(id)s or subscription_item = any(%(items)s))",
        customer=subscription.customer,
        id=subscription.id,
        items=[item.id for item in items],
    )
    release(tx, [one.id for one in made])
