"""Read what a change of a subscription depends on, before anything is decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from billow.api import rows
from billow.core.change import items as core
from billow.core.change import periods
from billow.core.change.decision import Amounts
from billow.core.change.periods import Terms, Wish
from billow.flows.billing import priced_items
from billow.flows.subscription_changes import discounts, items, params, prorations
from billow.flows.subscription_changes.items import Target
from billow.flows.subscription_changes.params import Change
from billow.flows.subscription_changes.prorations import Billed
from billow.flows.subscription_terms import billing_schedules
from billow.resources.coupon import Coupon
from billow.resources.customer import Customer
from billow.resources.subscription import Subscription
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Loaded:
    """Everything that a change depends on: as rows, and as the core decides on it."""

    wanted: Change
    customer: Customer
    subscription: Subscription
    targets: Sequence[Target]
    schedules: list[dict[str, Any]]
    """The billing schedules after the change."""
    coupons: Sequence[Coupon]
    """The coupons of all discounts after the change, where items may be billed in advance."""
    billed: Mapping[str, Sequence[Billed]]
    """What was billed in advance and not yet credited, by item."""
    terms: Terms
    wish: Wish
    states: Sequence[core.Target]
    """The targets, in the same order."""
    amounts: Amounts


def load(tx: Tx, subscription: Subscription, wanted: Change, at: datetime | None) -> Loaded:
    """Check the params of a change against what they name, and load what it depends on.

    Creates the prices that are given as `price_data`, and the keys of billing schedules.
    """
    params.check(tx, subscription, wanted)
    customer = rows.find(tx, Customer, subscription.customer)
    parts = priced_items.parts_of(tx, [subscription.id]).get(subscription.id, [])
    targets = items.targets(tx, subscription, parts, wanted.items)
    terms, wish = terms_of(subscription), wish_of(tx, wanted, at)
    states = [state_of(target) for target in targets]
    periods.check_offers(terms, wish, states)
    schedules = schedules_of(subscription, wanted, wish.changed_at)
    states = [replace(one, reach=reach(schedules, one)) for one in states]
    billed = prorations.load_billed(tx, subscription.id) if has_paid_periods(subscription) else {}
    return Loaded(
        wanted=wanted,
        customer=customer,
        subscription=subscription,
        targets=targets,
        schedules=schedules,
        coupons=coupons_of(tx, subscription, wanted, targets, states),
        billed=billed,
        terms=terms,
        wish=wish,
        states=states,
        amounts=amounts_of(tx, subscription, wanted, targets, billed),
    )


def has_paid_periods(subscription: Subscription) -> bool:
    """Return whether anything is billed that a change could credit."""
    return subscription.status not in ("trialing", "paused")


def terms_of(subscription: Subscription) -> Terms:
    """Return the subscription as the core decides on it."""
    return Terms(
        status=subscription.status,
        classic=subscription.billing_mode["type"] == "classic",
        anchor=subscription.billing_cycle_anchor,
        started=subscription.start_date,
        trial_start=subscription.trial_start,
        trial_end=subscription.trial_end,
        cancel_at=subscription.cancel_at,
        scheduled=subscription.schedule is not None,
    )


def wish_of(tx: Tx, wanted: Change, at: datetime | None) -> Wish:
    """Return the params of a change as the core decides on them."""
    return Wish(
        changed_at=tx.now.replace(microsecond=0),
        since=at or wanted.proration_date,
        trial_end=wanted.trial_end,
        trial_from_plan=wanted.trial_from_plan,
        anchor_now=bool(wanted.billing_cycle_anchor and wanted.billing_cycle_anchor.type == "now"),
        cancel_at=wanted.cancel_at,
        cancel_at_given=wanted.given("cancel_at"),
        cancel_at_period_end=wanted.cancel_at_period_end,
        proration_behavior=wanted.proration_behavior,
        schedules_given=wanted.given("billing_schedules"),
        schedules_set=bool(wanted.billing_schedules),
    )


def state_of(target: Target) -> core.Target:
    """Return a target as the core decides on it."""
    old = prorations.item_of(target.old) if target.old else None
    new = prorations.item_of(target.new) if target.new else None
    return core.Target(old, new, target.clear_usage)


def schedules_of(subscription: Subscription, wanted: Change, now: datetime) -> list[dict[str, Any]]:
    """Return the billing schedules after a change: those that are sent replace the ones before (§5.16)."""
    known = subscription.billing_schedules
    if not wanted.given("billing_schedules"):
        return known
    return billing_schedules.schedules_after(wanted.billing_schedules or [], known, now)


def reach(schedules: Sequence[dict[str, Any]], target: core.Target) -> datetime | None:
    """Return until when a target is billed in advance."""
    return billing_schedules.billed_until(schedules, target.new.price) if target.new else None


def coupons_of(
    tx: Tx,
    subscription: Subscription,
    wanted: Change,
    targets: Sequence[Target],
    states: Sequence[core.Target],
) -> list[Coupon]:
    """Load the coupons to check against billing in advance, where a change may bill in advance."""
    ahead = any(item.billed_until for item in core.new_items(states)) or any(one.reach for one in states)
    if not (wanted.billing_schedules or (ahead and discounts.gives_discounts(wanted))):
        return []
    after = discounts.agreed(subscription, wanted)
    return billing_schedules.coupons_of(tx, after, [target.new for target in targets if target.new])


def amounts_of(
    tx: Tx,
    subscription: Subscription,
    wanted: Change,
    targets: Sequence[Target],
    billed: Mapping[str, Sequence[Billed]],
) -> Amounts:
    """Return what was billed, and the full prices of items before and after; empty while paused."""
    if subscription.status == "paused":
        return Amounts()
    after = discounts.agreed(subscription, wanted)
    return Amounts(
        billed={item: [one.in_core for one in some] for item, some in billed.items()},
        before=prorations.net_prices_of(tx, subscription, [target.old for target in targets if target.old]),
        after=prorations.net_prices_of(tx, after, [target.new for target in targets if target.new]),
    )
