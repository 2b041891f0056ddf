"""Hold an update back until its invoice is paid, and apply or expire it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import render, rows
from billow.api.fields import instant, seconds
from billow.api.params import Params, made, read
from billow.core import timers
from billow.core.errors import needed, require
from billow.flows.billing import billing_periods, drafts, invoice_for
from billow.flows.invoices import invoice_intents, void
from billow.flows.subscription_changes import apply, compute, discounts, prorations, sync_schedule
from billow.flows.subscription_changes.apply import Done
from billow.flows.subscription_changes.compute import Case
from billow.flows.subscription_changes.items import ItemChange
from billow.flows.subscription_changes.params import Change
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store import jobs
from billow.store.ids import new_id
from billow.store.jobs import job
from billow.store.tx import Tx

PAID = "subscription.pending_update_paid"
PATIENCE = timers.FIRST_PAYMENT
ALLOWED = {
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
CONDITIONAL = ("error_if_incomplete", "pending_if_incomplete")


def conditional(subscription: Subscription, wanted: Change) -> bool:
    """Whether the update is to hold only with its payment; for what is sent it has no meaning (§5.3)."""
    method = wanted.collection_method or subscription.collection_method
    return wanted.payment_behavior in CONDITIONAL and method == "charge_automatically"


def propose(tx: Tx, subscription: Subscription, wanted: Change) -> Done:
    """Write the invoice of the change alone; where nothing would have to be paid, the change itself."""
    if wanted.payment_behavior == "pending_if_incomplete":
        unknown = min(set(wanted.sent()) - ALLOWED, default=None)
        require(
            unknown is None,
            f"You cannot pass {unknown} with payment_behavior=pending_if_incomplete.",
            param=unknown,
        )
    wanted = discounts.redeemed(tx, subscription, wanted)
    added = [new_id(SubscriptionItem.prefix) for item in wanted.items if item.id is None]
    case = compute.considered(tx, subscription, promised(wanted, added), None)
    draft = apply.draft_of(tx, case) if compute.billed_now(case) else None
    drafts.reckoned(tx, [draft] if draft else [])
    if draft is None or draft.invoice.amount_due + case.plan.net <= 0:
        return apply.enact(tx, subscription, wanted)
    ids = sorted((new_id("ii_") for _ in case.plan.items), reverse=True)
    prorations.write_items(tx, case.plan, ids)
    extras = apply.add_extras(tx, case)
    invoice = invoice_for.write(tx, apply.draft_of(tx, case), proposed=True)
    kept = {"job": PAID, "invoice": invoice.id, "items": ids, "sent": resent(wanted), "added": added}
    kept["extras"] = [item.id for item in extras]
    kept["discounts"] = discounts.fresh(subscription, case.agreed, case.targets) + discounts.of_items(
        tx, extras
    )
    until = expiry(case)
    proposed = rows.update(
        tx,
        subscription,
        pending_update=shown(tx, case, until),
        pending_change={**kept, "at": seconds(case.goal.at), "now": seconds(case.goal.now)},
    )
    jobs.put(tx, "subscription.pending_update_expires", subscription.id, until)
    return Done(proposed, invoice)


def promised(wanted: Change, ids: Sequence[str]) -> Change:
    """The same, its added items with the ids under which they are shown before they are there."""
    left = iter(ids)
    items = [
        item if item.id else made(ItemChange, **item.sent(), promised=next(left, None))
        for item in wanted.items
    ]
    return made(Change, **{**wanted.sent(), "items": items}) if items else wanted


def expiry(case: Case) -> datetime:
    """23 hours, or the end of the trial or of a period where that comes first."""
    ends = [target.old.item.current_period_end for target in case.targets if target.old]
    return min([case.goal.now + PATIENCE, *ends])


def shown(tx: Tx, case: Case, until: datetime) -> dict[str, Any]:
    """The proposal as the subscription shows it: what would be other than it is."""
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


def resent(wanted: Params) -> dict[str, Any]:
    """The parameters as they could be sent again."""
    return {name: _resent(value) for name, value in wanted.sent().items()}


def _resent(value: Any) -> Any:
    if isinstance(value, Params):
        return resent(value)
    if isinstance(value, list):
        return [_resent(one) for one in value]
    if isinstance(value, dict):
        return {key: _resent(one) for key, one in value.items()}
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, Decimal):
        return str(value)
    return "" if value is None else value


@job(PAID, batch=1)
def accept_due(tx: Tx, refs: list[str]) -> None:
    """The invoice of a proposal was paid after its request."""
    accept(tx, rows.lock(tx, Subscription, refs[0]))


def accept(tx: Tx, subscription: Subscription) -> Subscription:
    """Apply what was proposed, as of then, if its invoice is paid; its amounts are those of the invoice."""
    kept = subscription.pending_change
    invoice = rows.find(tx, Invoice, kept["invoice"]) if kept else None
    if kept is None or invoice is None or invoice.status != "paid":
        return subscription
    jobs.cancel(tx, "subscription.pending_update_expires", subscription.id)
    jobs.cancel(tx, PAID, subscription.id)
    then = needed(instant(kept["now"]), "the instant of a pending update")
    view = apply.views(tx, subscription)
    plain = rows.update(tx, subscription, event=None, pending_change=None, pending_update=None)
    wanted = promised(discounts.unspent(tx, read(Change, kept["sent"])), kept.get("added", []))
    case = compute.considered(tx.at(tx.clock, then), plain, wanted, instant(kept["at"]))
    prorations.write_periods(tx, case.plan, kept["items"])
    billing_periods.bill_proposed(tx, subscription.id, invoice.id)
    done = apply.conclude(tx, case, invoice, view)
    sync_schedule.follow(tx, done.subscription)
    rows.emit(tx, [(done.subscription, None)], "customer.subscription.pending_update_applied")
    return done.subscription


@job("subscription.pending_update_expires", batch=1)
def expire(tx: Tx, refs: list[str]) -> None:
    """Nobody paid in time: the invoice is void, and the subscription stays as it is."""
    subscription = rows.lock(tx, Subscription, refs[0])
    kept = subscription.pending_change
    if kept and kept["job"] == PAID and invoice_intents.is_under_way(tx, kept["invoice"]):
        jobs.put(
            tx, "subscription.pending_update_expires", subscription.id, tx.now + invoice_intents.UNDER_WAY
        )
    else:
        withdraw(tx, subscription)


def withdraw(tx: Tx, subscription: Subscription) -> Subscription:
    """Void the invoice of a proposal, which ends it; a new update takes its place, or nobody paid."""
    kept = subscription.pending_change
    if kept is None or kept["job"] != PAID:
        return subscription
    invoice = rows.lock(tx, Invoice, kept["invoice"])
    if invoice.status in ("open", "uncollectible"):
        void.void_invoice(tx, invoice)
    return rows.find(tx, Subscription, subscription.id)
