"""Work out what a change of a subscription means: items, periods, prorations, invoice."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from billow.api import rows
from billow.core.errors import Inconsistent, needed, require
from billow.flows.billing import priced_items
from billow.flows.billing.lines import Period
from billow.flows.billing.priced_items import Part
from billow.flows.subscription_changes import discounts, items, params, prorations
from billow.flows.subscription_changes.items import Goal, Target
from billow.flows.subscription_changes.params import Change
from billow.flows.subscription_changes.prorations import Prorations
from billow.flows.subscription_terms import billing_schedules, trial_offers
from billow.resources.customer import Customer
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store.tx import Tx


@dataclass(slots=True)
class Case:
    """A subscription under change, with all that it touches; locked: customer, then subscription."""

    wanted: Change
    customer: Customer
    subscription: Subscription
    targets: list[Target]
    goal: Goal
    plan: Prorations
    schedules: list[dict[str, Any]] = field(default_factory=list)
    """What is billed in advance from now on."""
    fresh: list[Part] = field(default_factory=list)
    """Items whose whole new period is billed on the invoice of the change."""
    ahead: list[Period] = field(default_factory=list)
    """Periods that are billed in advance on the invoice of the change."""
    later: bool = False
    """Nobody waits for the invoice: it is a draft for its hour."""

    @property
    def agreed(self) -> Subscription:
        """The subscription with the discounts and default tax rates that it will have."""
        return discounts.agreed(self.subscription, self.wanted)

    @property
    def classic(self) -> bool:
        return bool(self.subscription.billing_mode["type"] == "classic")

    @property
    def prorates(self) -> bool:
        return self.wanted.proration_behavior != "none"


def considered(tx: Tx, subscription: Subscription, wanted: Change, at: datetime | None) -> Case:
    """What the change means, checked and weighed; nothing is written yet."""
    params.check(tx, subscription, wanted)
    customer = rows.find(tx, Customer, subscription.customer)
    parts = priced_items.parts_of(tx, [subscription.id]).get(subscription.id, [])
    found = items.targets(tx, subscription, parts, wanted.items)
    check_offers(subscription, wanted, found)
    schedules = scheduled(tx, subscription, wanted, found)
    goal = goal_of(tx, subscription, wanted, found, at)
    items.place(subscription, goal, found)
    plan = Prorations(customer, subscription, goal.anchor)
    case = Case(wanted, customer, subscription, found, goal, plan, schedules)
    check_schedules(tx, case)
    weigh(tx, case)
    return case


def check_offers(subscription: Subscription, wanted: Change, found: Sequence[Target]) -> None:
    """What trial offers do not go with: another trial, and a schedule."""
    if any(target.new and target.new.item.current_trial for target in found):
        for name in ("trial_end", "trial_from_plan"):
            require(
                not getattr(wanted, name),
                f"You cannot set `{name}` while an item is in a trial offer.",
                param=name,
                code="parameters_exclusive",
            )
    if any(target.introduced for target in found):
        require(
            subscription.schedule is None and subscription.status != "paused",
            "You cannot use trial offers on a subscription that is paused, or managed by a subscription"
            " schedule.",
            param="items",
        )
        others = [target.old.item for target in found if target.old]
        require(
            subscription.status != "trialing" or any(item.current_trial for item in others),
            "You cannot use trial offers on a subscription that is in a trial. End its trial first.",
            param="items",
        )


def scheduled(
    tx: Tx, subscription: Subscription, wanted: Change, found: Sequence[Target]
) -> list[dict[str, Any]]:
    """The billing schedules after the change, with the items billed as far as they say (§5.16).

    What they say is done when they are set; from then on it holds for what is added. What is billed stays
    billed, be they cut or removed. A trial gives all of it back, and they end with it.
    """
    known, now = subscription.billing_schedules, tx.now.replace(microsecond=0)
    given = wanted.given("billing_schedules")
    schedules = billing_schedules.agreed(wanted.billing_schedules or [], known, now) if given else known
    for target in found:
        added = target.old is None and subscription.status not in ("trialing", "paused")
        if target.new and not target.new.meter and (given or added):
            item = target.new.item
            reach = billing_schedules.reach(schedules, item.price)
            until = max((at for at in (item.billed_until, reach) if at), default=None)
            target.new = priced_items.with_item(target.new, item.but(billed_until=until))
        elif target.new and target.new_rhythm:
            target.new = priced_items.with_item(target.new, billing_schedules.in_rhythm(target.new, now))
    return schedules


def check_schedules(tx: Tx, case: Case) -> None:
    """Only what is asked for is refused: discounts also while earlier schedules are at work."""
    parts = [target.new for target in case.targets if target.new]
    status = "trialing" if case.goal.trial else "active" if case.goal.trial_over else case.subscription.status
    after = case.agreed.but(billing_schedules=case.schedules, cancel_at=case.goal.ends, status=status)
    if case.wanted.billing_schedules:
        billing_schedules.check_terms(tx, after, parts)
        billing_schedules.check_reach(after, parts, case.goal.now, case.subscription.billing_schedules)
    elif any(billing_schedules.running(part.item) for part in parts):
        billing_schedules.check_offers(parts)
        if discounts.asked(case.wanted):
            billing_schedules.check_discounts(tx, after, parts)


def goal_of(
    tx: Tx, subscription: Subscription, wanted: Change, found: Sequence[Target], at: datetime | None
) -> Goal:
    now = tx.now.replace(microsecond=0)
    trial = wanted.trial_end if isinstance(wanted.trial_end, datetime) else offered(wanted, found, now)
    trial = None if subscription.status == "paused" else trial or free_by_offers(subscription, found)
    ended = subscription.status == "trialing" and (wanted.trial_end == "now" or paid_again(found))
    asked = bool(wanted.billing_cycle_anchor and wanted.billing_cycle_anchor.type == "now")
    classic = subscription.billing_mode["type"] == "classic"
    by_itself = classic and any(target.new_rhythm or target.was_free for target in found)
    running = subscription.status not in ("trialing", "paused") or ended
    begins = (asked or ended or by_itself) and running and trial is None
    since = now if begins or trial else at or wanted.proration_date or now
    due = ended_at(subscription, found, since)
    return Goal(
        at=since,
        now=now,
        anchor=trial or (now if begins else subscription.billing_cycle_anchor),
        # Where all periods end now, the new one that is asked for is the renewal itself.
        reset=begins and len(due) < len([target for target in found if target.old]),
        trial=trial,
        ends=planned_end(subscription, wanted, found),
        ended=min((item.current_period_start for item in due), default=None),
        trial_over=ended,
    )


def ended_at(subscription: Subscription, found: Sequence[Target], since: datetime) -> list[SubscriptionItem]:
    """The items whose period ends at the very instant of the change: their renewal is still to come."""
    if subscription.status in ("trialing", "paused"):
        return []
    return [target.old.item for target in found if target.old and target.old.item.current_period_end == since]


def free_by_offers(subscription: Subscription, found: Sequence[Target]) -> datetime | None:
    """Until when everything is free by trial offers, where the change makes it so (§5.10)."""
    if not any(target.moved or target.introduced for target in found):
        return None
    until = trial_offers.free_until([target.new for target in found if target.new])
    known = subscription.status == "trialing" and until == subscription.trial_end
    return None if known else until


def paid_again(found: Sequence[Target]) -> bool:
    """Whether a trial by offers is over, since something costs money from now on."""
    offered = any(target.old and target.old.item.current_trial for target in found)
    return offered and trial_offers.free_until([target.new for target in found if target.new]) is None


def offered(wanted: Change, found: Sequence[Target], now: datetime) -> datetime | None:
    """The end of the longest trial that the prices offer, where that is asked for (§5.10)."""
    prices = [target.new.price for target in found if target.new] if wanted.trial_from_plan else []
    days = [(price.recurring or {}).get("trial_period_days") for price in prices]
    longest = max((one for one in days if one), default=None)
    return now + timedelta(days=longest) if longest else None


def planned_end(subscription: Subscription, wanted: Change, found: Sequence[Target]) -> datetime | None:
    """When the subscription ends by itself after the change; the named ends are resolved at once (§5.12)."""
    ends = [target.old.item.current_period_end for target in found if target.old]
    if wanted.cancel_at_period_end is not None:
        return min(ends) if wanted.cancel_at_period_end else None
    if not wanted.given("cancel_at"):
        return subscription.cancel_at
    if wanted.cancel_at == "max_billed_until":
        return max(ends + [at for target in found if target.new and (at := target.new.item.billed_until)])
    if isinstance(wanted.cancel_at, str):
        return min(ends) if wanted.cancel_at == "min_period_end" else max(ends)
    return wanted.cancel_at


def weigh(tx: Tx, case: Case) -> None:
    """The prorations of each item, in their order (§5.6, §5.7); none while it is paused (§5.13)."""
    subscription = case.subscription
    if subscription.status == "paused":
        return
    in_trial = subscription.status == "trialing"
    billed = {} if in_trial else prorations.billed(tx, subscription.id)
    olds = prorations.nets(tx, subscription, [t.old for t in case.targets if t.old])
    news = prorations.nets(tx, case.agreed, [t.new for t in case.targets if t.new])
    for target in case.targets:
        anyone = needed(target.new or target.old, "the item of a change, old or new")
        own = billed.get(anyone.item.id, [])
        settle_use(case, target)
        if case.prorates:
            take_back(case, target, own, olds)
        elif until := lapse(case, target):
            prorations.forfeit(case.plan, own, until)
        if target.new and not target.new.meter:
            charge(case, target, news)


def rebilled(case: Case, target: Target) -> bool:
    """Whether a new period of the item begins with the change, so that its time is billed anew."""
    if target.introduced or target.apart:
        return target.introduced
    return bool(target.new and (case.goal.reset or case.goal.trial or target.new_rhythm))


def lapse(case: Case, target: Target) -> datetime | None:
    """Where nothing is given back: until when what was billed counts, if something takes over (X42)."""
    old, new, goal = target.old, target.new, case.goal
    if new is None or target.apart:
        return None
    if target.introduced or goal.reset or goal.trial or (new.meter and old and not old.meter):
        return goal.at
    return new.item.current_period_end if target.new_rhythm or target.leaves else None


def take_back(
    case: Case, target: Target, own: Sequence[prorations.Billed], olds: dict[str, prorations.Net]
) -> None:
    """Credit what was billed and is not used: from the change on, or from the planned end on."""
    if target.old is None or target.old.meter:
        return
    goal, net = case.goal, olds[target.old.item.id] if case.classic else None
    if target.moved or rebilled(case, target):
        prorations.give_back(case.plan, target.old, own, goal.at, net)
    elif target.new and billing_schedules.through(target.new.item) < billing_schedules.through(
        target.old.item
    ):
        prorations.give_back(case.plan, target.old, own, billing_schedules.through(target.new.item), net)


def charge(case: Case, target: Target, news: dict[str, prorations.Net]) -> None:
    """Bill what the item costs from the change on: a whole new period, or the rest of the one it is in."""
    goal, new = case.goal, needed(target.new, "the new item to charge for")
    item, net = new.item, news[new.item.id]
    if item.current_trial and (trial_offers.free(new.rate) or not target.apart):
        case.fresh += [] if trial_offers.free(new.rate) else [new]
        return
    if goal.trial or (case.subscription.status == "trialing" and not goal.reset):
        return
    until = prorated_until(case, target)
    case.ahead += billing_schedules.ahead(new, goal.anchor, until)
    if goal.reset and not target.apart:
        case.fresh.append(new)
    elif not case.prorates:
        return  # another rhythm too is billed from its next period on, as any price is (§5.8.4, X40)
    elif target.moved:
        prorations.charge(case.plan, new, net, goal.at, item.current_period_end)
        for piece in billing_schedules.ahead(new, goal.anchor, max(goal.at, item.current_period_end), until):
            prorations.charge(case.plan, new, net, piece.start, piece.end)
    elif target.old and billing_schedules.through(target.old.item) < item.current_period_end:
        prorations.charge(
            case.plan, new, net, billing_schedules.through(target.old.item), item.current_period_end
        )


def prorated_until(case: Case, target: Target) -> datetime:
    """Until when a change of the item is a proration; what is billed beyond is billed as new periods are.

    A new price is charged as far as the old one was; an added item as far as the schedules that are there.
    """
    if target.new is None:
        raise Inconsistent("There is no new item whose change ends.")
    item, end = target.new.item, target.new.item.current_period_end
    if case.goal.reset or (target.old is None and case.wanted.billing_schedules):
        return end
    before = billing_schedules.through(target.old.item) if target.old else billing_schedules.through(item)
    return min(billing_schedules.through(item), max(end, before))


def settle_use(case: Case, target: Target) -> None:
    """Where measured use is priced anew, the use until now is closed at its own price (§5.17)."""
    old, new, goal = target.old, target.new, case.goal
    metered_from: datetime | None = None
    if (
        old
        and old.meter
        and case.subscription.status != "trialing"
        and (target.moved or rebilled(case, target))
    ):
        kept = not target.clear_usage and (not case.classic or goal.reset)
        metered_from = prorations.close_use(case.plan, old, goal.at, kept=kept)
    if new and new.meter:
        since = metered_from or (new.item.metered_from if old and old.meter else goal.at)
        fits = since and since > new.item.current_period_start
        item = new.item.but(metered_from=since if fits else None)
        if metered_from:  # at a new price, or in a new period, tiers count from the start
            item = item.but(counted_from=None, billed_use=None)
        target.new = priced_items.with_item(new, item)


def billed_now(case: Case) -> bool:
    """Whether an invoice is made with the change, and not with the next period (§5.8)."""
    if case.goal.trial:
        return case.subscription.status != "trialing"
    if case.goal.trial_over or (case.goal.reset and (case.classic or not case.prorates)):
        return True
    if case.wanted.proration_behavior == "always_invoice":
        return bool(case.plan.items or case.fresh or case.ahead)
    if case.ahead:
        return True
    if case.goal.reset:
        net = case.plan.net + sum(prorations.full(part) for part in case.fresh)
        return any(target.moved for target in case.targets) and net != 0
    return bool(case.fresh)
