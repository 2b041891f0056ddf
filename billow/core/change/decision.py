"""Decide what a change of a subscription writes: items, prorations, and whether it is billed at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from billow.core import anchors
from billow.core.anchors import Stretch
from billow.core.change import prorations
from billow.core.change.items import Item, Target
from billow.core.change.periods import Goal, Terms, Wish, goal_of, placed, prebilled
from billow.core.change.prorations import Billed, Net, Proration, Step
from billow.core.errors import needed


@dataclass(frozen=True, slots=True)
class Course:
    """Where a change leads: the goal of the subscription, and its items in their periods."""

    terms: Terms
    wish: Wish
    goal: Goal
    targets: list[Target]


@dataclass(frozen=True, slots=True)
class Amounts:
    """What was billed, and what items cost for a full period before and after a change, by item."""

    billed: Mapping[str, Sequence[Billed]] = field(default_factory=dict)
    before: Mapping[str, Net] = field(default_factory=dict)
    after: Mapping[str, Net] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Weighed:
    """One item after the change, with what the change credits and charges for it."""

    target: Target
    steps: list[Step] = field(default_factory=list)
    fresh: bool = False
    """Its whole new period is billed on the invoice of the change."""
    ahead: list[Stretch] = field(default_factory=list)
    """What is billed of it in advance on the invoice of the change."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a change writes, in the order of its items."""

    items: list[Weighed]
    billed_now: bool
    """Whether an invoice is made with the change, and not with the next period (§5.8)."""


def course(terms: Terms, wish: Wish, targets: Sequence[Target]) -> Course:
    """Decide where a change leads."""
    billed = [prebilled(terms, wish, target) for target in targets]
    goal = goal_of(terms, wish, billed)
    return Course(terms, wish, goal, placed(terms, goal, billed))


def decide(course: Course, amounts: Amounts) -> Decision:
    """Decide what a change credits and charges, item by item (§5.6, §5.7); nothing while paused (§5.13)."""
    if course.terms.status == "paused":
        items = [Weighed(target) for target in course.targets]
    else:
        items = [weighed(course, target, amounts) for target in course.targets]
    return Decision(items, billed_now(course, items))


def weighed(course: Course, target: Target, amounts: Amounts) -> Weighed:
    """Close the usage of an item, credit what is not used, and charge what it costs from now on."""
    target, steps = settle_usage(course, target)
    old, new = target.old, target.new
    known = needed(new or old, "the item of a change, old or new")
    own = amounts.billed.get(known.id, [])
    if course.wish.prorates:
        steps = steps + credit(course, target, own, amounts.before)
    elif until := lapse(course, target):
        steps = steps + prorations.forfeit(known, own, until)
    if new is None or new.metered:
        return Weighed(target, steps)
    charged = charge(course, target, new, amounts.after[new.id])
    return replace(charged, steps=steps + charged.steps)


def rebilled(course: Course, target: Target) -> bool:
    """Return whether a new period of the item begins with the change, so that its time is billed anew."""
    if target.introduced or target.apart:
        return target.introduced
    return bool(target.new and (course.goal.reset or course.goal.trial or target.new_rhythm))


def settle_usage(course: Course, target: Target) -> tuple[Target, list[Step]]:
    """Where usage is priced anew, the usage until now is closed at its own price (§5.17).

    In flexible mode it is kept (X29), else it is dropped (X28), unless a new period begins.
    """
    old, new, goal, steps = target.old, target.new, course.goal, []
    metered_from: datetime | None = None
    anew = target.moved or rebilled(course, target)
    if old and old.metered and course.terms.status != "trialing" and anew:
        closed = prorations.close_usage(old, goal.at)
        metered_from = closed.end
        kept = not target.clear_usage and (not course.terms.classic or goal.reset)
        steps = [closed] if kept and closed.start < closed.end else []
    if new and new.metered:
        since = metered_from or (new.metered_from if old and old.metered else goal.at)
        fits = since and since > new.start
        item = replace(new, metered_from=since if fits else None)
        if metered_from:  # at a new price, or in a new period, tiers count from the start
            item = replace(item, counted_from=None, billed_use=None)
        target = replace(target, new=item)
    return target, [*steps]


def lapse(course: Course, target: Target) -> datetime | None:
    """Where nothing is given back: until when what was billed counts, if something takes over (X42)."""
    old, new, goal = target.old, target.new, course.goal
    if new is None or target.apart:
        return None
    if target.introduced or goal.reset or goal.trial or (new.metered and old and not old.metered):
        return goal.at
    return new.end if target.new_rhythm or target.leaves else None


def credit(course: Course, target: Target, own: Sequence[Billed], before: Mapping[str, Net]) -> list[Step]:
    """Credit what was billed and is not used: from the change on, or from the planned end on."""
    old, new = target.old, target.new
    if old is None or old.metered:
        return []
    net, anchor = before[old.id] if course.terms.classic else None, course.terms.anchor
    if target.moved or rebilled(course, target):
        return prorations.give_back(old, own, course.goal.at, net, anchor)
    if new and new.billed_through < old.billed_through:
        return prorations.give_back(old, own, new.billed_through, net, anchor)
    return []


def charge(course: Course, target: Target, new: Item, net: Net) -> Weighed:
    """Charge what the item costs from the change on: a whole new period, or the rest of the one it is in."""
    goal, old, anchor = course.goal, target.old, course.goal.anchor
    if new.offer and (new.free or not target.apart):
        return Weighed(target, fresh=not new.free)
    if goal.trial or (course.terms.status == "trialing" and not goal.reset):
        return Weighed(target)
    until = prorated_until(course, target, new)
    ahead = anchors.stretches(anchor, new.rhythm, until, new.billed_through)
    steps: list[Step] = []
    if goal.reset and not target.apart:
        return Weighed(target, fresh=True, ahead=ahead)
    if not course.wish.prorates:
        pass  # another rhythm too is billed from its next period on, as any price is (§5.8.4, X40)
    elif target.moved:
        steps = prorations.charge(new, net, goal.at, new.end, anchor)
        for piece in anchors.stretches(anchor, new.rhythm, max(goal.at, new.end), until):
            steps += prorations.charge(new, net, piece.start, piece.end, anchor)
    elif old and old.billed_through < new.end:
        steps = prorations.charge(new, net, old.billed_through, new.end, anchor)
    return Weighed(target, steps, ahead=ahead)


def prorated_until(course: Course, target: Target, new: Item) -> datetime:
    """Until when a change of the item is a proration; what is billed beyond is billed as new periods are.

    A new price is charged as far as the old one was; an added item as far as the schedules that are there.
    """
    if course.goal.reset or (target.old is None and course.wish.schedules_set):
        return new.end
    before = target.old.billed_through if target.old else new.billed_through
    return min(new.billed_through, max(new.end, before))


def billed_now(course: Course, items: Sequence[Weighed]) -> bool:
    """Return whether an invoice is made with the change, and not with the next period (§5.8)."""
    goal, wish = course.goal, course.wish
    if goal.trial:
        return course.terms.status != "trialing"
    if goal.trial_over or (goal.reset and (course.terms.classic or not wish.prorates)):
        return True
    prorated = [step for item in items for step in item.steps if isinstance(step, Proration)]
    fresh = [item.target.new for item in items if item.fresh and item.target.new]
    ahead = any(item.ahead for item in items)
    if wish.proration_behavior == "always_invoice":
        return bool(prorated or fresh or ahead)
    if ahead:
        return True
    if goal.reset:
        net = sum(step.net.amount for step in prorated) + sum(item.full for item in fresh)
        return any(item.target.moved for item in items) and net != 0
    return bool(fresh)
