"""Pause a subscription: no periods, no invoices, until it is resumed."""

from datetime import datetime

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.core import lifecycle, proration
from billow.core.errors import require
from billow.flows.billing import priced_items
from billow.flows.billing.priced_items import Part
from billow.flows.subscription_changes import apply, pending_updates, prorations
from billow.flows.subscription_status import end, entitlements, transitions
from billow.flows.subscription_terms import billing_schedules
from billow.flows.subscriptions import cancel
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.tx import Tx

KEPT_TIMERS = ("subscription.end", "subscription.resume_collection")
"""Timers that a pause does not cancel."""
PAUSABLE = lifecycle.STARTED


class UnusedTime(Params):
    type: str = f.choice(SHOWN, "now", "item_current_period_start", "none", required=True)


class OutstandingUsage(Params):
    type: str = f.choice(SHOWN, "now", "none", required=True)


class BillFor(Params):
    outstanding_usage_through: OutstandingUsage | None = f.nested(shape=OutstandingUsage)
    unused_time_from: UnusedTime | None = f.nested(shape=UnusedTime)


class Pause(Params):
    bill_for: BillFor | None = f.nested(shape=BillFor)
    invoicing_behavior: str = f.choice(
        SHOWN, "invoice", "pending_invoice_item", default="pending_invoice_item"
    )
    type: str = f.choice(SHOWN, "subscription", default="subscription")


@Subscription.action("pause", Pause)
def pause(tx: Tx, subscription: Subscription, wanted: Pause) -> Subscription:
    """Pause a subscription now.

    Unless the params say otherwise, unused time that is paid is credited, and the usage so far is billed.
    """
    check(subscription)
    require(
        unused_from(wanted) != "none" or not billing_schedules.any_billed_ahead(tx, subscription),
        "What `billing_schedules` have billed in advance is credited when a subscription is paused.",
        param="bill_for[unused_time_from][type]",
    )
    subscription = pending_updates.withdraw(tx, subscription)
    parts = priced_items.parts_of(tx, [subscription.id])[subscription.id]
    require(
        not any(part.item.current_trial for part in parts),
        "You cannot pause a subscription while an item is in a trial offer.",
    )
    view, now = apply.view_of(tx, subscription), tx.now.replace(microsecond=0)
    plan = prorations.unused_time(tx, subscription, now, unused_from(wanted))
    closed = {
        part.item.id: prorations.close_usage(plan, part, now, kept=bills_usage(wanted))
        for part in parts
        if part.meter
    }
    prorations.write(tx, plan)
    invoice = invoice_of(tx, subscription) if wanted.invoicing_behavior == "invoice" else None
    stop(tx, subscription, parts, now, closed)
    paused = rows.update(
        tx,
        subscription,
        event=None,
        status=lifecycle.after(lifecycle.SUBSCRIPTION, subscription.status, "pause"),
        status_details=transitions.paused_details(tx, "pause_requested"),
        billing_schedules=[],
        next_pending_invoice_item_invoice=None,
        resumes_at=None,
        latest_invoice=invoice.id if invoice else subscription.latest_invoice,
    )
    rows.emit(tx, [(paused, None)], "customer.subscription.paused")
    apply.emit_update(tx, view.shown, paused)
    entitlements.emit_summary(tx, subscription.customer, view.held)
    return paused


def unused_from(wanted: Pause) -> str:
    """Return from when unused time is credited."""
    given = wanted.bill_for.unused_time_from if wanted.bill_for else None
    return given.type if given else "now"


def bills_usage(wanted: Pause) -> bool:
    """Return whether the usage so far is billed."""
    given = wanted.bill_for.outstanding_usage_through if wanted.bill_for else None
    return given is None or given.type == "now"


def stop(
    tx: Tx, subscription: Subscription, parts: list[Part], now: datetime, closed: dict[str, datetime]
) -> None:
    """Cancel the timers of the periods and end the items' periods now; one that began now lasts one second.

    `closed` has, by item, until when its usage is billed: a resumption does not count it again.
    """
    for timer in end.TIMERS:
        if timer not in KEPT_TIMERS:
            jobs.cancel(tx, timer, subscription.id)
    rows.update_many(
        tx,
        [
            (
                part.item,
                {
                    "billed_until": None,
                    "current_period_end": max(now, part.item.current_period_start + proration.SECOND),
                    "metered_from": closed.get(part.item.id),
                    "counted_from": None,
                    "billed_use": None,
                },
            )
            for part in parts
        ],
    )


def invoice_of(tx: Tx, subscription: Subscription) -> Invoice | None:
    """Write a draft of what is pending, which is finalized in an hour; None where nothing is."""
    return cancel.closing_invoice(tx, subscription, [], tx.now, "subscription_update")


def check(subscription: Subscription) -> None:
    """Check that a subscription may be paused (§5.13).

    It must be flexible, running, charged automatically, and without a schedule.
    """
    require(
        subscription.billing_mode["type"] == "flexible",
        "You can only pause subscriptions with `billing_mode[type]=flexible`.",
    )
    require(
        subscription.collection_method == "charge_automatically",
        "You cannot pause a subscription with `collection_method=send_invoice`.",
    )
    require(
        subscription.status in PAUSABLE,
        f"You cannot pause a subscription whose status is `{subscription.status}`.",
    )
    require(
        subscription.schedule is None,
        "You cannot pause a subscription that is managed by a subscription schedule. Release it first.",
    )
