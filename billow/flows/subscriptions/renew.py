"""Renew due subscriptions: bill the period that ended and begin the next."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from billow.api import rows
from billow.core import anchors, calendar, lifecycle
from billow.flows.billing import advance_notice, billing_periods, metered_usage, pending_items, priced_items
from billow.flows.billing import drafts as billing_drafts
from billow.flows.billing.lines import Period, lines_of
from billow.flows.billing.priced_items import Part
from billow.flows.invoices import paused_collection
from billow.flows.subscription_changes import prorations
from billow.flows.subscription_changes.prorations import Prorations
from billow.flows.subscription_status import entitlements, transitions
from billow.flows.subscription_terms import trial_offers, trials
from billow.resources.billing_period import BillingPeriod
from billow.resources.customer import Customer
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx

RETRY_DELAY = timedelta(seconds=1)
"""How soon a renewal is tried again whose schedule has a phase to begin first."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """A subscription with the parts whose period ends at `due`, and when their next period ends."""

    subscription: Subscription
    customer: Customer
    due: datetime
    ends: dict[str, datetime]
    parts: list[Part]
    next_due: datetime
    anchor: datetime
    """The anchor of the next periods; the end of a trial offer may move it (§5.10)."""
    moved: dict[str, Part]
    """The parts as they are at their new price, for items whose trial offer ends."""
    cut: list[Part]
    """The parts in mid-period, whose period starts again because the anchor moves."""
    closed: list[BillingPeriod]
    """Closed periods of usage at earlier prices, which are billed now."""
    items: list[SubscriptionItem]
    """All items of the subscription."""


@job("subscription.renew", batch=jobs.BATCH)
def renew(tx: Tx, refs: list[str]) -> None:
    """Bill the period that ended in arrears and the next one in advance.

    Locks customers, then subscriptions. The number of statements does not grow with the batch.
    """
    renewals = trials.set_aside_unpayable(tx, load(tx, refs))
    credit_cut_items(tx, renewals)
    drafts = draft_many(tx, renewals)
    held = entitlements.entitlements_of_each(tx, [r.customer.id for r in renewals if r.moved])
    advance(tx, renewals, {draft.invoice.subscription or "": draft.invoice.id for draft in drafts})
    entitlements.emit_summaries(tx, held)
    billing_drafts.write(tx, drafts)
    jobs.put_many(
        tx,
        "invoice.finalize",
        [
            (draft.invoice.id, draft.invoice.automatically_finalizes_at)
            for draft in drafts
            if draft.invoice.automatically_finalizes_at
        ],
    )


def load(tx: Tx, refs: list[str]) -> list[Renewal]:
    """Load and lock the subscriptions that are due: customers first, then subscriptions, each in id order."""
    wanted = without_due_phase(tx, refs)
    subscriptions = rows.lock_owned(tx, Subscription, wanted)
    customers = rows.find_many(tx, Customer, [one.customer for one in subscriptions])
    parts = priced_items.parts_of(tx, wanted)
    late = billing_periods.unbilled(tx, wanted)
    moved = after_trial_offers(tx, [part for some in parts.values() for part in some])
    found = [
        _renewal(s, customers[s.customer], parts[s.id], moved, late.get(s.id, []))
        for s in subscriptions
        if s.status in lifecycle.RENEWING and s.id in parts
    ]
    return [renewal for renewal in found if renewal.due <= tx.now]


def without_due_phase(tx: Tx, refs: list[str]) -> list[str]:
    """Return the subscriptions whose schedule has no phase to begin first; retry the others in a second (§6).

    Without this check, a second worker could renew before the first one begins the phase.
    """
    jobs.flush(tx)
    waiting = {
        row["id"]
        for row in tx.all(
            "select s.id from subscriptions s join jobs j on j.ref = s.schedule where s.id = any(%(ids)s)"
            " and j.kind = 'schedule.phase' and j.run_at <= %(now)s and not j.parked and j.run_at <="
            " (select min(i.current_period_end) from subscription_items i where i.subscription = s.id)",
            ids=refs,
            now=tx.now,
        )
    }
    jobs.put_many(tx, "subscription.renew", [(id, tx.now + RETRY_DELAY) for id in refs if id in waiting])
    return [id for id in refs if id not in waiting]


def after_trial_offers(tx: Tx, parts: list[Part]) -> dict[str, Part]:
    """Return the parts whose trial offer ends with their period, as they are after it."""
    items = [part.item for part in parts]
    return trial_offers.parts_after(
        tx, [item for item in items if trial_offers.has_ended(item, item.current_period_end)]
    )


def _renewal(
    subscription: Subscription,
    customer: Customer,
    parts: list[Part],
    after: dict[str, Part],
    late: list[BillingPeriod],
) -> Renewal:
    """Decide the next periods of a subscription, and which of its parts they concern."""
    due = min(part.item.current_period_end for part in parts)
    ended = [part for part in parts if part.item.current_period_end == due]
    moved = {part.item.id: after[part.item.id] for part in ended if part.item.id in after}
    settings = subscription.trial_settings["end_behavior"]
    resets = bool(moved) and settings["billing_cycle_anchor"] != "unchanged"
    anchor = due if resets else subscription.billing_cycle_anchor
    cut = [part for part in parts if resets and part not in ended and not part.item.current_trial]
    stop = subscription.cancel_at
    ends = {
        part.item.id: min(boundary, stop) if stop and stop > due else boundary
        for part in ended + cut
        for boundary in [next_end(moved.get(part.item.id, part), anchor, due)]
    }
    others = [part.item.current_period_end for part in parts if part not in ended + cut]
    next_due = min([*ends.values(), *others])
    begun = [part for part in parts if part in ended + cut]
    return Renewal(
        subscription=subscription,
        customer=customer,
        due=due,
        ends=ends,
        parts=begun,
        next_due=next_due,
        anchor=anchor,
        moved=moved,
        cut=cut,
        closed=late,
        items=[part.item for part in parts],
    )


def next_end(part: Part, anchor: datetime, due: datetime) -> datetime:
    """Return when the period that begins at `due` ends."""
    if part.item.current_trial:
        return trial_offers.period(part, due)[1]
    return calendar.next_boundary(anchor, *part.interval, due)


def credit_cut_items(tx: Tx, renewals: list[Renewal]) -> None:
    """Credit the items in mid-period for what they paid beyond the new anchor; their invoice includes it."""
    cut = [renewal for renewal in renewals if renewal.cut]
    if not cut:
        return
    before = prorations.load_billed_of_many(tx, [renewal.subscription.id for renewal in cut])
    plans = []
    for renewal in cut:
        plan = Prorations(renewal.customer, renewal.subscription, renewal.anchor)
        for part in renewal.cut:
            if not part.meter:
                prorations.credit(plan, part, before.get(part.item.id, []), renewal.due, None)
        plans.append(plan)
    prorations.write_all(tx, plans)


def draft_many(tx: Tx, renewals: list[Renewal]) -> list[billing_drafts.Draft]:
    """Make a draft for each renewal: metered parts for the period that ended, licensed ones for the next."""
    periods: dict[str, list[Period]] = {r.subscription.id: [] for r in renewals}
    for period in billing_periods.periods_of(tx, [one for r in renewals for one in r.closed]):
        periods[period.part.item.subscription].append(period)
    for renewal in renewals:
        periods[renewal.subscription.id] += periods_of(renewal)
    used = metered_usage.measure(
        tx, [p for ps in periods.values() for p in ps], {r.subscription.id: r.customer.id for r in renewals}
    )
    pending = pending_items.pending_items(tx, [r.customer.id for r in renewals])
    drafts = []
    for renewal in renewals:
        subscription, customer = renewal.subscription, renewal.customer
        lines = [
            line
            for p in periods[subscription.id]
            for line in lines_of(p, customer.id, used.get((p.part.item.id, p.start)))
        ]
        items = pending_items.take(pending, customer.id, subscription.id, subscription.currency)
        draft = billing_drafts.draft(tx, customer, lines, items, **cycle_fields(tx, renewal))
        draft.closed, draft.periods = renewal.closed, periods[subscription.id]
        if draft.lines or not is_billed_in_advance(renewal):
            drafts.append(draft)
    return drafts


def periods_of(renewal: Renewal) -> list[Period]:
    """Return the periods to bill for each part. Usage during a trial is not billed (§4.6)."""
    found = []
    for part in renewal.parts:
        now = renewal.moved.get(part.item.id, part)
        if part.meter and renewal.subscription.status != "trialing":
            period = metered_usage.unbilled_period(part, renewal.due)
            if period.start < renewal.due:
                found.append(period)
        if not now.meter:
            period = licensed_period(renewal, now)
            if period.start < period.end:
                found.append(period)
    return found


def licensed_period(renewal: Renewal, part: Part) -> Period:
    """Return the next period of a licensed part, at its fraction of the price where it is a partial one.

    It is partial after a trial that ended between two boundaries (X68) and before a planned end (§5.12). What
    is billed in advance already is left out (§5.16).
    """
    end = renewal.ends[part.item.id]
    start = min(max(renewal.due, part.item.billed_until or renewal.due), end)
    share = anchors.worth(trial_offers.anchor_of(part.item, renewal.anchor), part.interval, start, end)
    return Period(part, "licensed", start, end, share)


def is_billed_in_advance(renewal: Renewal) -> bool:
    """Return whether a part is billed in advance: where nothing else is due, there is then no invoice."""
    return any(part.item.billed_until for part in renewal.parts)


def billed_until(renewal: Renewal, part: Part) -> datetime | None:
    """Return until when a part is billed in advance, unless this renewal bills it beyond."""
    until = part.item.billed_until
    return until if until and until >= renewal.ends[part.item.id] else None


def cycle_fields(tx: Tx, renewal: Renewal) -> dict[str, Any]:
    """Return the fields of a renewal's invoice, whose period is the one that ended (§7.5).

    Invoices of a paused collection may stay drafts.
    """
    subscription = renewal.subscription
    advances = paused_collection.finalizes_automatically(subscription, tx.now)
    return {
        **billing_drafts.subscription_fields(subscription),
        "billing_reason": "subscription_cycle",
        "auto_advance": advances,
        "automatically_finalizes_at": tx.now + billing_drafts.GRACE if advances else None,
        "period_start": min(part.item.current_period_start for part in renewal.parts),
        "period_end": renewal.due,
    }


def items_after(
    renewals: list[Renewal], changed: list[SubscriptionItem]
) -> dict[str, list[SubscriptionItem]]:
    """Return all items as they are now, in list order, for the events; none if they must be read.

    A trial offer is a hash, whose keys the database sorts.
    """
    if any(renewal.moved for renewal in renewals):
        return {}
    now = {item.id: item for item in changed}
    return {"items": in_list_order(now.get(item.id, item) for renewal in renewals for item in renewal.items)}


def in_list_order(items: Iterable[SubscriptionItem]) -> list[SubscriptionItem]:
    """Sort items as the list of a subscription shows them."""
    return sorted(items, key=lambda item: (item.created, item.id))


def advance(tx: Tx, renewals: list[Renewal], invoices: dict[str, str]) -> None:
    """Move the items to their next period and trials to active, and set the next timers.

    Emits `customer.subscription.updated`.
    """
    moved_on = rows.update_many(
        tx,
        [
            (
                part.item,
                {
                    **(trial_offers.changes_of(r.moved[part.item.id]) if part.item.id in r.moved else {}),
                    "billed_until": billed_until(r, part),
                    "current_period_start": r.due,
                    "current_period_end": r.ends[part.item.id],
                    "metered_from": None,
                    "counted_from": None,
                    "billed_use": None,
                },
            )
            for r in renewals
            for part in r.parts
        ],
    )
    changed = rows.update_many(
        tx,
        [
            (
                r.subscription,
                {
                    "billing_cycle_anchor": r.anchor,
                    "latest_invoice": invoices.get(r.subscription.id, r.subscription.latest_invoice),
                    "status": transitions.status_in_next_period(r.subscription.status),
                },
            )
            for r in renewals
        ],
        event=None,
    )
    rows.emit(
        tx,
        list(zip(changed, [r.subscription for r in renewals], strict=True)),
        "updated",
        lists=items_after(renewals, moved_on),
        former={"items": in_list_order(item for r in renewals for item in r.items)},
    )
    following = [
        (r.subscription.id, r.next_due)
        for r in renewals
        if r.subscription.cancel_at is None or r.subscription.cancel_at > r.next_due
    ]
    jobs.put_many(tx, "subscription.renew", following)
    advance_notice.announce(tx, "subscription.upcoming", following)
