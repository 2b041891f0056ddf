"""Decide where a subscription goes with a change: anchor, trial, end, and the period of each item."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from billow.core import calendar, introductory
from billow.core.change.items import Item, Recurrence, Target, free_until, new_items, old_items
from billow.core.errors import require

CYCLES = 12
"""How many periods of the shortest interval may be billed in advance, from now on."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A subscription before the change."""

    status: str
    classic: bool
    anchor: datetime
    started: datetime
    """Since when it is billed (`start_date`)."""
    trial_start: datetime | None
    trial_end: datetime | None
    cancel_at: datetime | None
    scheduled: bool
    """Whether a subscription schedule manages it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request wants of a subscription as a whole."""

    changed_at: datetime
    since: datetime | None
    """From when on prorations count, where that is not now."""
    trial_end: datetime | str | None
    trial_from_plan: bool
    anchor_now: bool
    cancel_at: datetime | str | None
    cancel_at_given: bool
    cancel_at_period_end: bool | None
    proration_behavior: str
    schedules_given: bool
    schedules_set: bool
    """Whether there are any among the billing schedules that are given."""

    @property
    def prorates(self) -> bool:
        return self.proration_behavior != "none"


@dataclass(frozen=True, slots=True)
class Goal:
    """The instant of a change, and what it does to the periods."""

    at: datetime
    """From when on prorations count."""
    changed_at: datetime
    anchor: datetime
    reset: bool
    """A new period begins for all items now."""
    trial: datetime | None
    """All items are in trial until then, from now on."""
    ends: datetime | None
    """The subscription ends then: no period goes beyond."""
    ended: datetime | None = None
    """Since when the periods run that end at this very instant: their renewal follows, and bills the next."""
    trial_over: bool = False
    """A trial ends with the change."""


def check_offers(terms: Terms, wish: Wish, targets: Sequence[Target]) -> None:
    """Refuse what trial offers do not go with: another trial, and a schedule."""
    if any(item.offer for item in new_items(targets)):
        for name in ("trial_end", "trial_from_plan"):
            require(
                not getattr(wish, name),
                f"You cannot set `{name}` while an item is in a trial offer.",
                param=name,
                code="parameters_exclusive",
            )
    if any(target.introduced for target in targets):
        require(
            not terms.scheduled and terms.status != "paused",
            "You cannot use trial offers on a subscription that is paused, or managed by a subscription"
            " schedule.",
            param="items",
        )
        require(
            terms.status != "trialing" or any(item.offer for item in old_items(targets)),
            "You cannot use trial offers on a subscription that is in a trial. End its trial first.",
            param="items",
        )


def prebilled(terms: Terms, wish: Wish, target: Target) -> Target:
    """Bill an item as far as billing schedules say, where they are given or the item is added (§5.16).

    What is billed stays billed, even where a schedule is cut or removed. With another interval an item is
    billed as far as it was, at most so many of its new periods.
    """
    new = target.new
    if new is None:
        return target
    added = target.old is None and terms.status not in ("trialing", "paused")
    if not new.metered and (wish.schedules_given or added):
        until = max((at for at in (new.billed_until, target.reach) if at), default=None)
    elif target.new_rhythm:
        until = in_rhythm(new, wish.changed_at)
    else:
        return target
    return replace(target, new=replace(new, billed_until=until))


def in_rhythm(item: Item, now: datetime) -> datetime | None:
    """Until when an item is billed whose price has another interval.

    What was billed for its period alone is not billed in advance, even where the new period is shorter.
    """
    until = item.billed_until
    if until is None or until <= item.end:
        return None
    return min(until, calendar.boundary(now, *item.rhythm, CYCLES))


def goal_of(terms: Terms, wish: Wish, targets: Sequence[Target]) -> Goal:
    now = wish.changed_at
    trial = wish.trial_end if isinstance(wish.trial_end, datetime) else offered(wish, targets)
    trial = None if terms.status == "paused" else trial or free_by_offers(terms, targets)
    over = terms.status == "trialing" and (wish.trial_end == "now" or paid_again(targets))
    before, after = ([one.recurrence for one in some] for some in (old_items(targets), new_items(targets)))
    by_itself = terms.classic and begins_by_itself(before, after)
    running = terms.status not in ("trialing", "paused") or over
    begins = (wish.anchor_now or over or by_itself) and running and trial is None
    since = now if begins or trial else wish.since or now
    due = ended_at(terms, targets, since)
    return Goal(
        at=since,
        changed_at=now,
        anchor=trial or (now if begins else terms.anchor),
        # Where all periods end now, the new one that is asked for is the renewal itself.
        reset=begins and len(due) < len(old_items(targets)),
        trial=trial,
        ends=planned_end(terms, wish, targets),
        ended=min((item.start for item in due), default=None),
        trial_over=over,
    )


def begins_by_itself(before: Collection[Recurrence], after: Collection[Recurrence]) -> bool:
    """Return whether a classic subscription begins a new period with other items, without being told (§5.5).

    It does with another interval, and where everything was free and now something is charged in advance. The
    items are compared together, so that one that takes the place of another counts as its change.
    """
    if {one.rhythm for one in before} != {one.rhythm for one in after}:
        return True
    return all(one.free for one in before) and any(not one.free and not one.metered for one in after)


def ended_at(terms: Terms, targets: Sequence[Target], since: datetime) -> list[Item]:
    """Return the items whose period ends at the instant of the change: their renewal is still to come."""
    if terms.status in ("trialing", "paused"):
        return []
    return [item for item in old_items(targets) if item.end == since]


def free_by_offers(terms: Terms, targets: Sequence[Target]) -> datetime | None:
    """Until when everything is free by trial offers, where the change makes it so (§5.10)."""
    if not any(target.moved or target.introduced for target in targets):
        return None
    until = free_until(new_items(targets))
    known = terms.status == "trialing" and until == terms.trial_end
    return None if known else until


def paid_again(targets: Sequence[Target]) -> bool:
    """Return whether a trial by offers is over, since something costs money from now on."""
    return any(item.offer for item in old_items(targets)) and free_until(new_items(targets)) is None


def offered(wish: Wish, targets: Sequence[Target]) -> datetime | None:
    """Return the end of the longest trial that the prices offer, where that is asked for (§5.10)."""
    days = [item.trial_days for item in new_items(targets)] if wish.trial_from_plan else []
    longest = max((one for one in days if one), default=None)
    return wish.changed_at + timedelta(days=longest) if longest else None


def planned_end(terms: Terms, wish: Wish, targets: Sequence[Target]) -> datetime | None:
    """Return when the subscription ends by itself after the change; named ends become instants (§5.12)."""
    ends = [item.end for item in old_items(targets)]
    if wish.cancel_at_period_end is not None:
        return min(ends) if wish.cancel_at_period_end else None
    if not wish.cancel_at_given:
        return terms.cancel_at
    if wish.cancel_at == "max_billed_until":
        return max(ends + [at for item in new_items(targets) if (at := item.billed_until)])
    if isinstance(wish.cancel_at, str):
        return min(ends) if wish.cancel_at == "min_period_end" else max(ends)
    return wish.cancel_at


def placed(terms: Terms, goal: Goal, targets: Sequence[Target]) -> list[Target]:
    """Give each item that stays the period that it will be in.

    While the subscription is paused no period runs: an added item gets the period of the others (§5.13).
    """
    held = min(old_items(targets), key=lambda item: item.start, default=None)
    found = []
    for target in targets:
        if target.new is None:
            found.append(target)
        elif held and terms.status == "paused":
            known = target.old or held
            found.append(replace(target, new=replace(target.new, start=known.start, end=known.end)))
        else:
            start, end = period(terms, goal, target, target.new)
            end = min(end, goal.ends) if goal.ends and goal.ends > start else end
            item = replace(target.new, start=start, end=end)
            found.append(replace(target, new=replace(item, billed_until=still_billed(goal, item))))
    return found


def still_billed(goal: Goal, item: Item) -> datetime | None:
    """Until when it is billed in advance: never beyond a planned end, nor in a trial (§5.16)."""
    until = item.billed_until
    if until is None or item.metered or goal.trial:
        return None
    until = min(until, goal.ends) if goal.ends else until
    return until if until >= item.end else None


def period(terms: Terms, goal: Goal, target: Target, item: Item) -> tuple[datetime, datetime]:
    """Return the natural period of one item, before a planned end cuts it."""
    if item.offer:
        at = goal.changed_at if target.introduced else item.start
        return introductory.period((item.offer.start, item.offer.end), item.rhythm, at, free=item.free)
    if goal.trial:
        return goal.changed_at, goal.trial
    if goal.reset:
        return goal.changed_at, calendar.boundary(goal.changed_at, *item.rhythm, 1)
    if terms.status == "trialing" and terms.trial_end:
        return (terms.trial_start or goal.changed_at), terms.trial_end
    if target.old is None or target.new_rhythm or target.leaves:
        start, end = calendar.period_at(goal.anchor, *item.rhythm, goal.at)
        if goal.ended and start == goal.at:
            return goal.ended, goal.at
        return max(start, terms.started), end
    # Counted from the start, since a planned end may have cut it.
    return item.start, calendar.next_boundary(goal.anchor, *item.rhythm, item.start)
