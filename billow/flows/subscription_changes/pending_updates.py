"""Hold an update until its invoice is paid, and apply or expire it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from billow.api import render, rows
from billow.api.fields import instant, seconds
from billow.api.params import made, read
from billow.core.errors import require
from billow.flows.billing import drafts
from billow.flows.subscription_changes import apply, awaiting_payment, compute, discounts, sync_schedule
from billow.flows.subscription_changes.apply import Applied
from billow.flows.subscription_changes.awaiting_payment import UPDATE, Proposal
from billow.flows.subscription_changes.compute import Case
from billow.flows.subscription_changes.items import ItemChange
from billow.flows.subscription_changes.params import Change
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store.ids import new_id
from billow.store.jobs import job
from billow.store.tx import Tx

ALLOWED_PARAMS = {
    "add_invoice_items",
    "billing_cycle_anchor",
    "cancel_at_period_end",
    "items",
    "metadata",
    "off_session",
    "payment_behavior",
    "proration_behavior",
    "proration_date",
    "trial_end",
    "trial_from_plan",
}
PAYMENT_REQUIRED = ("error_if_incomplete", "pending_if_incomplete")


def requires_payment(subscription: Subscription, wanted: Change) -> bool:
    """Return whether the update applies only once it is paid.

    With `send_invoice` that has no meaning (§5.3).
    """
    method = wanted.collection_method or subscription.collection_method
    return wanted.payment_behavior in PAYMENT_REQUIRED and method == "charge_automatically"


def propose(tx: Tx, subscription: Subscription, wanted: Change) -> Applied:
    """Write the invoice of a change, and hold the change; where nothing is to be paid, apply it at once."""
    if wanted.payment_behavior == "pending_if_incomplete":
        unknown = min(set(wanted.sent()) - ALLOWED_PARAMS, default=None)
        require(
            unknown is None,
            f"You cannot pass {unknown} with payment_behavior=pending_if_incomplete.",
            param=unknown,
        )
    wanted = discounts.redeem(tx, subscription, wanted)
    added = [new_id(SubscriptionItem.prefix) for item in wanted.items if item.id is None]
    case = compute.compute(tx, subscription, with_item_ids(wanted, added), None)
    draft = apply.draft_of(tx, case) if case.billed_now else None
    drafts.calculate(tx, [draft] if draft else [])
    if draft is None or draft.invoice.amount_due + case.plan.net <= 0:
        return apply.apply_redeemed(tx, subscription, wanted)
    ids = awaiting_payment.write_items(tx, case.plan)
    extras = apply.add_invoice_items(tx, case)
    own = discounts.added_discounts(subscription, case.agreed, case.targets) + discounts.added_item_discounts(
        tx, extras
    )
    more = {
        "added": added,
        "at": seconds(case.goal.at),
        "extras": [item.id for item in extras],
        "discounts": own,
    }
    until = expiry(case)
    proposal = Proposal(apply.draft_of(tx, case), ids, wanted, case.goal.changed_at, more)
    proposed = awaiting_payment.propose(
        tx, UPDATE, subscription, proposal, until, pending_update=shown(tx, case, until)
    )
    return Applied(proposed.subscription, proposed.invoice)


def with_item_ids(wanted: Change, ids: Sequence[str]) -> Change:
    """Return the change with the ids that its added items are shown under before they exist."""
    left = iter(ids)
    items = [
        item if item.id else made(ItemChange, **item.sent(), promised=next(left, None))
        for item in wanted.items
    ]
    return made(Change, **{**wanted.sent(), "items": items}) if items else wanted


def expiry(case: Case) -> datetime:
    """Return when the update expires: in 23 hours, or when a trial or period ends before that."""
    ends = [target.old.item.current_period_end for target in case.targets if target.old]
    return min([case.goal.changed_at + awaiting_payment.PAYMENT_TIMEOUT, *ends])


def shown(tx: Tx, case: Case, until: datetime) -> dict[str, Any]:
    """Return the `pending_update` that the subscription shows: what the change would set."""
    goal, wanted = case.goal, case.wanted
    items = [target.new.item for target in case.targets if target.new]
    moved = wanted.given("items")
    anchored = goal.anchor != case.subscription.billing_cycle_anchor
    return {
        "billing_cycle_anchor": seconds(goal.anchor) if anchored else None,
        "cancel_at_period_end": wanted.cancel_at_period_end,
        "discount": None,
        "discounts": None,
        "expires_at": seconds(until),
        "metadata": wanted.metadata if wanted.given("metadata") else None,
        "subscription_items": render.show(tx, items) if moved else None,
        "trial_end": seconds(goal.trial),
        "trial_from_plan": None,
    }


@job(UPDATE.carry_out, batch=1)
def accept_due(tx: Tx, refs: list[str]) -> None:
    """Apply an update whose invoice was paid after its request."""
    accept(tx, rows.lock(tx, Subscription, refs[0]))


def accept(tx: Tx, subscription: Subscription) -> Subscription:
    """Apply an update as of its request, if its invoice is paid; the amounts are those of the invoice.

    Emits `customer.subscription.updated` and `customer.subscription.pending_update_applied`.
    """
    change = awaiting_payment.paid_change(tx, UPDATE, subscription)
    if change is None:
        return subscription
    kept = change.kept
    view = apply.view_of(tx, subscription)
    plain = rows.update(tx, subscription, event=None, pending_change=None, pending_update=None)
    wanted = with_item_ids(discounts.without_spent(tx, read(Change, kept["sent"])), kept.get("added", []))
    case = compute.compute(change.then, plain, wanted, instant(kept["at"]))
    awaiting_payment.begin_periods(tx, subscription, change, case.plan)
    done = apply.conclude(tx, case, change.invoice, view)
    sync_schedule.sync_schedule(tx, done.subscription)
    rows.emit(tx, [(done.subscription, None)], "customer.subscription.pending_update_applied")
    return done.subscription


@job(UPDATE.expire, batch=1)
def expire(tx: Tx, refs: list[str]) -> None:
    """Void the invoice of an update that was not paid in time; the subscription stays as it is."""
    awaiting_payment.expire(tx, UPDATE, rows.lock(tx, Subscription, refs[0]))


def withdraw(tx: Tx, subscription: Subscription) -> Subscription:
    """Void the invoice of a pending update, which ends it, so that a new update can replace it."""
    return awaiting_payment.withdraw(tx, UPDATE, subscription)
