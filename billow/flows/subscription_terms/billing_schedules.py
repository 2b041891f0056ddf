"""Bill items in advance for several periods."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from billow.api import rows
from billow.api.fields import instant, seconds
from billow.api.params import missing
from billow.core import anchors, calendar
from billow.core.change.items import billed_through
from billow.core.change.periods import CYCLES
from billow.core.errors import Refused, needed, require
from billow.flows.billing import net_prices
from billow.flows.billing.lines import Period
from billow.flows.billing.priced_items import Part
from billow.resources.coupon import Coupon
from billow.resources.discount import Discount
from billow.resources.subscription import BillingSchedule, Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store.ids import secret
from billow.store.tx import Tx

Schedule = dict[str, Any]


def schedules_after(
    wanted: Sequence[BillingSchedule], known: Sequence[Schedule], now: datetime
) -> list[Schedule]:
    """Return the billing schedules after a request, as they are stored.

    In an update, one that is named by its key alone stays as it is.
    """
    before = {one["key"]: one for one in known}
    found: dict[str, Schedule] = {}
    for place, one in enumerate(wanted):
        at = f"billing_schedules[{place}]"
        key = one.key or secret("", 16)
        require(
            key.isalnum() and key.isascii(), "A key may only have letters and digits.", param=f"{at}[key]"
        )
        require(key not in found, f"The key {key} is given twice.", param=f"{at}[key]")
        found[key] = {**one.shown(), "key": key, "bill_until": bill_until_of(one, before.get(key), now, at)}
        if key in before and not one.given("applies_to"):
            found[key]["applies_to"] = before[key]["applies_to"]
    return list(found.values())


def bill_until_of(wanted: BillingSchedule, known: Schedule | None, now: datetime, at: str) -> dict[str, Any]:
    """Return `bill_until` as it was sent, with the instant it means. A duration counts from the request."""
    if wanted.bill_until is None:
        if known is None:
            raise missing(f"{at}[bill_until]")
        kept: dict[str, Any] = known["bill_until"]
        return kept
    sent = wanted.bill_until
    other = "timestamp" if sent.type == "duration" else "duration"
    if getattr(sent, sent.type) is None:
        raise missing(f"{at}[bill_until][{sent.type}]")
    require(
        getattr(sent, other) is None,
        f"You can only set `bill_until[{other}]` if `bill_until[type]` is `{other}`.",
        param=f"{at}[bill_until][{other}]",
    )
    return {**sent.shown(), "computed_timestamp": seconds(instant_of(wanted, now))}


def instant_of(wanted: BillingSchedule, now: datetime) -> datetime | None:
    """Return the instant until which a schedule bills."""
    until = wanted.bill_until
    if until is None or until.type == "timestamp" or until.duration is None:
        return until.timestamp if until else None
    return calendar.boundary(now, until.duration.interval, until.duration.interval_count, 1)


def instants(wanted: Sequence[BillingSchedule], now: datetime) -> list[datetime]:
    """Return the instants until which the schedules bill."""
    return [at for one in wanted if (at := instant_of(one, now))]


def end_of(schedule: Schedule) -> datetime:
    """Return the stored instant until which a schedule bills."""
    return needed(instant(schedule["bill_until"]["computed_timestamp"]), "the end of a billing schedule")


def applies(schedule: Schedule, price: str) -> bool:
    """Return whether a schedule applies to a price; without `applies_to` it applies to all licensed items."""
    named = schedule["applies_to"]
    return not named or any(one["price"] == price for one in named)


def billed_until(schedules: Sequence[Schedule], price: str) -> datetime | None:
    """Return until when the schedules bill an item with this price; None where none of them applies."""
    return max((end_of(one) for one in schedules if applies(one, price)), default=None)


def billed_through_of(item: SubscriptionItem) -> datetime:
    """Return until when an item is billed: to the end of its period, or further."""
    return billed_through(item.current_period_end, item.billed_until)


def periods_ahead(
    part: Part, anchor: datetime, since: datetime, until: datetime | None = None
) -> list[Period]:
    """Make a period for each natural one from an instant on; the last one may be partial."""
    until = until or billed_through_of(part.item)
    pieces = [] if part.meter else anchors.stretches(anchor, part.interval, since, until)
    return [Period(part, "licensed", one.start, one.end, one.share) for one in pieces]


def is_billed_ahead(item: SubscriptionItem) -> bool:
    """Return whether an item is billed beyond its current period."""
    return item.billed_until is not None and item.billed_until > item.current_period_end


def any_billed_ahead(tx: Tx, subscription: Subscription) -> bool:
    """Return whether any item of a subscription is billed beyond its current period."""
    items = rows.below(tx, SubscriptionItem, "subscription", [subscription.id])[subscription.id]
    return any(is_billed_ahead(item) for item in items)


def clear_billed_until(tx: Tx, subscription: Subscription) -> None:
    """Record that the items of a subscription are billed in advance no longer, since it was credited."""
    items = rows.below(tx, SubscriptionItem, "subscription", [subscription.id])[subscription.id]
    rows.update_many(tx, [(item, {"billed_until": None}) for item in items if item.billed_until])


def check_new(tx: Tx, subscription: Subscription, parts: Sequence[Part], behavior: str) -> None:
    """Check the billing schedules of a new subscription."""
    if subscription.billing_schedules:
        check_proration(behavior)
        check_terms(subscription, parts, coupons_of(tx, subscription, parts))
        check_new_schedules(subscription, parts, tx.now.replace(microsecond=0))


def check_not_billed_ahead(tx: Tx, subscription: Subscription) -> None:
    """Refuse to migrate a subscription that is billed in advance to a schedule of phases."""
    require(
        not any_billed_ahead(tx, subscription),
        "You cannot migrate a subscription that is billed in advance by `billing_schedules`.",
        param="from_subscription",
    )


def check_proration(behavior: str) -> None:
    """Refuse `proration_behavior=none` with billing in advance."""
    require(
        behavior != "none",
        "You cannot set `proration_behavior` to `none` for a subscription that is billed in advance.",
        param="proration_behavior",
    )


def check_terms(subscription: Subscription, parts: Sequence[Part], coupons: Sequence[Coupon]) -> None:
    """Check that the subscription may be billed in advance.

    It must be flexible and active, without a subscription schedule, with a licensed item and without trial
    offers; its coupons must take a percentage that does not depend on a date.
    """
    param = "billing_schedules"
    mode = subscription.billing_mode["type"]
    require(
        mode == "flexible",
        "You can only set `billing_schedules` on subscriptions with `billing_mode[type]=flexible`.",
        param=param,
    )
    require(
        subscription.schedule is None,
        "You cannot set `billing_schedules` on a subscription that is managed by a subscription schedule.",
        param=param,
    )
    require(
        subscription.status not in ("trialing", "paused"),
        "You cannot set `billing_schedules` on a subscription that is trialing or paused.",
        param=param,
    )
    check_offers(parts)
    require(
        any(part.meter is None for part in parts),
        "You cannot set `billing_schedules` if all items have metered prices.",
        param=param,
    )
    check_discounts(coupons)


def check_offers(parts: Sequence[Part]) -> None:
    """Refuse trial offers with billing in advance: what follows an offer is not billed before it ends."""
    require(
        all(part.item.current_trial is None for part in parts),
        "You cannot use trial offers on a subscription that is billed in advance by `billing_schedules`.",
        param="billing_schedules",
    )


def coupons_of(tx: Tx, subscription: Subscription, parts: Sequence[Part]) -> list[Coupon]:
    """Load the coupons of all discounts of a subscription and its items."""
    whole = subscription.discounts or net_prices.discounts_of_customer(tx, subscription.customer)
    ids = {*whole, *(id for part in parts for id in part.item.discounts)}
    found = rows.find_many(tx, Discount, ids).values()
    return list(rows.find_many(tx, Coupon, [one.coupon for one in found]).values())


def check_discounts(coupons: Sequence[Coupon]) -> None:
    """Refuse coupons with a fixed amount or a limited number of months."""
    require(
        all(one.percent_off is not None and one.duration != "repeating" for one in coupons),
        "Only coupons with `percent_off` and a `duration` of `once` or `forever` can be used on a"
        " subscription that is billed in advance.",
        param="discounts",
    )


def check_new_schedules(
    subscription: Subscription, parts: Sequence[Part], now: datetime, known: Sequence[Schedule] = ()
) -> None:
    """Check that each schedule names licensed prices of the subscription and an instant that they allow.

    One that is `known` stays as it is, even if its time is over.
    """
    licensed = {part.price.id: part for part in parts if part.meter is None}
    for place, one in enumerate(subscription.billing_schedules):
        at = f"billing_schedules[{place}]"
        if one in known:
            continue
        for number, named in enumerate(one["applies_to"] or []):
            if named["price"] not in licensed:
                raise Refused(
                    f"The subscription has no item with the licensed price {named['price']}.",
                    param=f"{at}[applies_to][{number}][price]",
                )
        its = [part for part in licensed.values() if applies(one, part.price.id)]
        check_instant(subscription, its, end_of(one), now, f"{at}[bill_until]")


def check_instant(
    subscription: Subscription, parts: Sequence[Part], until: datetime, now: datetime, param: str
) -> None:
    """Check that an instant is not before a period end, and not further ahead than allowed."""
    require(
        all(part.item.current_period_end <= until for part in parts),
        "`bill_until` cannot be earlier than the current period end of an item that it applies to.",
        param=param,
    )
    require(
        all(until <= calendar.boundary(now, *part.interval, CYCLES) for part in parts),
        f"You cannot bill more than {CYCLES} billing cycles in advance.",
        param=param,
    )
    require(
        subscription.cancel_at is None or until <= subscription.cancel_at,
        "You cannot bill beyond the time at which the subscription is canceled.",
        param=param,
    )
