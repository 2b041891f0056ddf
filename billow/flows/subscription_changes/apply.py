"""Write a change of a subscription: items, periods, trial, end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from billow.api import render, rows
from billow.api.operation import merged_value
from billow.core import lifecycle
from billow.flows.billing import drafts, invoice_for, pending_items, totals
from billow.flows.billing.lines import Period
from billow.flows.billing.priced_items import Part
from billow.flows.invoices import paused_collection
from billow.flows.subscription_changes import discounts, prorations
from billow.flows.subscription_changes.compute import Case, compute
from billow.flows.subscription_changes.params import STORED_PARAMS, Change
from billow.flows.subscription_status import entitlements
from billow.flows.subscription_terms import (
    one_time_items,
    pending_item_invoices,
    threshold_watch,
    timers,
    trials,
)
from billow.resources.active_entitlement import ActiveEntitlement
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.subscription import Subscription
from billow.store import outbox
from billow.store.tx import Tx


@dataclass(slots=True)
class Applied:
    """The subscription after a change, and the draft that bills the change at once, if any."""

    subscription: Subscription
    invoice: Invoice | None


@dataclass(frozen=True, slots=True)
class View:
    """What API and events showed before a change: the subscription, and its customer's entitlements."""

    shown: dict[str, Any]
    held: list[ActiveEntitlement]


def apply(
    tx: Tx, subscription: Subscription, wanted: Change, *, at: datetime | None = None, later: bool = False
) -> Applied:
    """Carry out a change, and write the draft that bills it where it is billed at once. Nothing is collected.

    `at` is the instant from which prorations count, if not `proration_date` or now. With `later` the draft
    waits for an hour, like that of a renewal.
    """
    return apply_redeemed(tx, subscription, discounts.redeem(tx, subscription, wanted), at, later=later)


def apply_redeemed(
    tx: Tx, subscription: Subscription, wanted: Change, at: datetime | None = None, *, later: bool = False
) -> Applied:
    """Carry out a change whose discounts exist already, as `apply` does."""
    case = compute(tx, subscription, wanted, at)
    prorations.write(tx, case.plan)
    add_invoice_items(tx, case)
    invoice = invoice_for.write(tx, draft_of(tx, case, later=later)) if case.billed_now else None
    # Writing the draft has removed lapsed discounts, with an event of its own.
    before = rows.find(tx, Subscription, subscription.id)
    if invoice and case.subscription.discounts:
        case = replace(case, subscription=case.subscription.but(discounts=before.discounts))
    view = view_of(tx, before)
    return conclude(tx, case, invoice, view)


def conclude(tx: Tx, case: Case, invoice: Invoice | None, view: View) -> Applied:
    """Write the items and the subscription of a change.

    Emits `customer.subscription.updated` and, where they change, events of discounts and entitlements.
    """
    if case.goal.trial_over:
        trials.emit_trial_will_end_early(tx, case.subscription, view.shown)
    changed = write_terms(tx, case, write_items(tx, case), invoice)
    discounts.settle(tx, case.subscription, changed, case.targets)
    emit_update(tx, view.shown, changed)
    entitlements.emit_summary(tx, changed.customer, view.held)
    return Applied(changed, invoice)


def view_of(tx: Tx, subscription: Subscription) -> View:
    """Return what is shown of a subscription before it changes."""
    return View(render.one(tx, subscription), entitlements.entitlements_of(tx, subscription.customer))


def add_invoice_items(tx: Tx, case: Case) -> list[InvoiceItem]:
    """Write the `add_invoice_items` of a change; they are pending for its invoice or the next (§5.8.9)."""
    items = [target.new.item for target in case.targets if target.new]
    setting = one_time_items.Recipient(case.customer, case.subscription, items)
    return one_time_items.insert(tx, setting, case.wanted.add_invoice_items)


def emit_update(tx: Tx, before: dict[str, Any], changed: Subscription) -> None:
    """Emit one update for a change; previous attributes include the old list of items (T35)."""
    now = render.one(tx, changed)
    previous = {name: render.difference(old, now[name]) for name, old in before.items() if old != now[name]}
    if previous:
        outbox.write(tx, [outbox.NewEvent("customer.subscription.updated", now, previous)])


def draft_of(tx: Tx, case: Case, *, later: bool = False) -> drafts.Draft:
    """Make the draft that bills a change: pending items, and the periods that begin with it."""
    subscription, goal = case.subscription, case.goal
    kind = "trial" if goal.trial else "licensed"
    parts = [t.new for t in case.targets if t.new and not t.new.meter] if goal.trial else case.fresh
    periods = [
        Period(part, kind, part.item.current_period_start, part.item.current_period_end) for part in parts
    ]
    periods += case.ahead
    waits = goal.trial and case.wanted.proration_behavior != "always_invoice"
    subject = invoice_for.Subject(
        case.agreed, case.customer, periods, closed=not goal.trial, pending=not waits
    )
    parent = pending_items.parent_of(case.agreed)
    parent["subscription_details"]["subscription_proration_date"] = int(goal.at.timestamp())
    return invoice_for.draft_for(
        tx,
        invoice_for.charges_for(tx, subject),
        parent=parent,
        waits_an_hour=later or subscription.collection_method == "send_invoice",
        billing_reason="subscription_update",
        period_start=min(
            (t.old.item.current_period_start for t in case.targets if t.old), default=goal.changed_at
        ),
        period_end=goal.changed_at,
    )


def write_items(tx: Tx, case: Case) -> list[Part]:
    """Write the items of a change; return the parts that remain."""
    gone = [target.old.item for target in case.targets if target.old and target.new is None]
    added = [target.new.item for target in case.targets if target.old is None and target.new]
    kept = [
        (target.old.item, changes)
        for target in case.targets
        if target.old and target.new
        for changes in [totals.changed_fields(target.old.item, target.new.item)]
        if changes
    ]
    for item in gone:
        rows.delete(tx, item)
    rows.insert_many(tx, added)
    rows.update_many(tx, kept)
    return [target.new for target in case.targets if target.new]


def write_terms(tx: Tx, case: Case, items: Sequence[Part], invoice: Invoice | None) -> Subscription:
    """Write the subscription itself, and replace its timers."""
    subscription, wanted, goal = case.subscription, case.wanted, case.goal
    changes: dict[str, Any] = {
        name: merged_value(subscription, name, value)
        for name, value in wanted.sent().items()
        if name in STORED_PARAMS
    }
    if wanted.collection_method == "charge_automatically":
        changes["days_until_due"] = None  # only an invoice that is sent has a due date
    changes["billing_cycle_anchor"] = goal.anchor
    changes["billing_schedules"] = [] if goal.trial else case.schedules
    changes["discounts"] = case.agreed.discounts
    changes["default_tax_rates"] = case.agreed.default_tax_rates
    changes["automatic_tax"] = case.agreed.automatic_tax
    changes.update(trial_of(case))
    changes.update(end_of(tx, case))
    if wanted.given("pause_collection"):
        changes.update(paused_collection.pause_changes(tx, subscription, wanted.pause_collection))
    if wanted.given("pending_invoice_item_interval"):
        changes.update(
            pending_item_invoices.interval_fields(
                wanted.pending_invoice_item_interval, goal.anchor, goal.changed_at
            )
        )
    changes["watched"] = threshold_watch.has_threshold(
        changes.get("billing_thresholds", subscription.billing_thresholds), items
    )
    if invoice:
        changes["latest_invoice"] = invoice.id
    changed = rows.update(tx, subscription, event=None, **changes)
    timers.replace(tx, changed, [part.item for part in items])
    pending_item_invoices.replace_timer(tx, changed)
    threshold_watch.request_check(tx, changed)
    return changed


def trial_of(case: Case) -> dict[str, Any]:
    """Return the fields of a trial that a change starts, moves or ends."""
    goal, status = case.goal, case.subscription.status
    if goal.trial:
        began = case.subscription.trial_start if status == "trialing" else goal.changed_at
        state = lifecycle.after(lifecycle.SUBSCRIPTION, status, "start_trial")
        return {"trial_start": began, "trial_end": goal.trial, "status": state}
    if goal.trial_over:
        return {
            "trial_end": goal.changed_at,
            "status": lifecycle.after(lifecycle.SUBSCRIPTION, status, "activate"),
        }
    return {}


def end_of(tx: Tx, case: Case) -> dict[str, Any]:
    """Return the fields of a planned end; where it is withdrawn, it never was planned (§5.12)."""
    subscription, wanted, goal = case.subscription, case.wanted, case.goal
    details = dict(subscription.cancellation_details)
    if wanted.given("cancellation_details"):
        details = merged_value(subscription, "cancellation_details", wanted.cancellation_details)
    if not (wanted.given("cancel_at") or wanted.cancel_at_period_end is not None):
        return {"cancellation_details": details}
    planned = goal.ends is not None
    return {
        "cancel_at": goal.ends,
        "cancel_at_period_end": bool(wanted.cancel_at_period_end),
        "canceled_at": (subscription.canceled_at or tx.now) if planned else None,
        "cancellation_details": {**details, "reason": "cancellation_requested" if planned else None},
    }
