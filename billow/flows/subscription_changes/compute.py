"""Decide what a change of a subscription writes: items, periods, prorations, invoice."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billow.core.change import decision as core
from billow.core.change.decision import Course, Weighed
from billow.core.change.items import Item
from billow.core.change.periods import Goal
from billow.core.change.prorations import Proration
from billow.flows.billing import priced_items
from billow.flows.billing.lines import Period
from billow.flows.billing.priced_items import Part
from billow.flows.subscription_changes import discounts, prorations
from billow.flows.subscription_changes.items import Target
from billow.flows.subscription_changes.load import Loaded, load
from billow.flows.subscription_changes.params import Change
from billow.flows.subscription_changes.prorations import Prorations
from billow.flows.subscription_terms import billing_schedules
from billow.resources.customer import Customer
from billow.resources.subscription import Subscription
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Case:
    """A decided change, ready to be written."""

    wanted: Change
    customer: Customer
    subscription: Subscription
    schedules: list[dict[str, Any]]
    """The billing schedules after the change."""
    goal: Goal
    targets: list[Target]
    """The items before and after, in their new periods."""
    plan: Prorations
    fresh: list[Part]
    """Items whose whole new period is billed on the invoice of the change."""
    ahead: list[Period]
    """Periods that are billed in advance on the invoice of the change."""
    billed_now: bool
    """Whether the change has an invoice of its own, not only a place on the next one (§5.8)."""

    @property
    def agreed(self) -> Subscription:
        """Return the subscription with the discounts and default tax rates that it will have."""
        return discounts.agreed(self.subscription, self.wanted)


def compute(tx: Tx, subscription: Subscription, wanted: Change, at: datetime | None) -> Case:
    """Load what a change depends on, and decide what it writes; nothing is written yet."""
    loaded = load(tx, subscription, wanted, at)
    course = core.course(loaded.terms, loaded.wish, loaded.states)
    check_schedules(loaded, course)
    return case_of(loaded, course, core.decide(course, loaded.amounts))


def case_of(loaded: Loaded, course: Course, decision: core.Decision) -> Case:
    """Turn the core's decision into rows to write."""
    goal, plan = course.goal, Prorations(loaded.customer, loaded.subscription, course.goal.anchor)
    targets: list[Target] = []
    fresh: list[Part] = []
    ahead: list[Period] = []
    for before, weighed in zip(loaded.targets, decision.items, strict=True):
        target = with_period(before, weighed.target.new)
        targets.append(target)
        add_steps(loaded, plan, target, weighed)
        if target.new and weighed.fresh:
            fresh.append(target.new)
        if target.new:
            new = target.new
            ahead += [Period(new, "licensed", one.start, one.end, one.share) for one in weighed.ahead]
    return Case(
        wanted=loaded.wanted,
        customer=loaded.customer,
        subscription=loaded.subscription,
        schedules=loaded.schedules,
        goal=goal,
        targets=targets,
        plan=plan,
        fresh=fresh,
        ahead=ahead,
        billed_now=decision.billed_now,
    )


def with_period(target: Target, item: Item | None) -> Target:
    """Return a target with its item in the decided period."""
    if target.new is None or item is None:
        return target
    placed = target.new.item.but(
        current_period_start=item.start,
        current_period_end=item.end,
        billed_until=item.billed_until,
        metered_from=item.metered_from,
        counted_from=item.counted_from,
        billed_use=item.billed_use,
    )
    return Target(target.old, priced_items.with_item(target.new, placed), target.clear_usage)


def add_steps(loaded: Loaded, plan: Prorations, target: Target, weighed: Weighed) -> None:
    """Add an item's decided steps to the plan: charges at its new price, everything else at its old one."""
    for step in weighed.steps:
        charges = isinstance(step, Proration) and step.rest == "Remaining"
        part = (target.new or target.old) if charges else (target.old or target.new)
        if part:
            prorations.add_steps(plan, part, [step], loaded.billed.get(part.item.id, []))


def check_schedules(loaded: Loaded, course: Course) -> None:
    """Check billing in advance where it is requested, and discounts also while it is in effect."""
    wanted, goal, subscription = loaded.wanted, course.goal, loaded.subscription
    pairs = zip(loaded.targets, course.targets, strict=True)
    placed = [with_period(target, state.new) for target, state in pairs]
    parts = [target.new for target in placed if target.new]
    if wanted.billing_schedules:
        status = "trialing" if goal.trial else "active" if goal.trial_over else subscription.status
        agreed = discounts.agreed(subscription, wanted)
        agreed = agreed.but(billing_schedules=loaded.schedules, cancel_at=goal.ends, status=status)
        billing_schedules.check_terms(agreed, parts, loaded.coupons)
        billing_schedules.check_new_schedules(agreed, parts, goal.changed_at, subscription.billing_schedules)
    elif any(billing_schedules.is_billed_ahead(part.item) for part in parts):
        billing_schedules.check_offers(parts)
        if discounts.gives_discounts(wanted):
            billing_schedules.check_discounts(loaded.coupons)
