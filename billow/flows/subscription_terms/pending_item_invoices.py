"""Invoice pending items at an interval of their own."""

from datetime import datetime
from typing import Any

from billow.api import rows
from billow.core import calendar, lifecycle
from billow.core.errors import require
from billow.flows.billing import invoice_for
from billow.flows.invoices import paused_collection
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.subscription import PendingItemInterval, Subscription
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx

MAX_COUNT = {"day": 365, "week": 52, "month": 12, "year": 1}
TIMER = "subscription.pending_items"


def check(interval: PendingItemInterval | None) -> None:
    """Check that the interval is no longer than a year."""
    require(
        interval is None or interval.interval_count <= MAX_COUNT[interval.interval],
        "The maximum interval is one year (1 year, 12 months, 52 weeks or 365 days).",
        param="pending_invoice_item_interval[interval_count]",
    )


def interval_fields(interval: PendingItemInterval | None, anchor: datetime, now: datetime) -> dict[str, Any]:
    """Return the subscription's fields for an interval, whose dates are counted from the anchor."""
    shown = interval and interval.shown()
    return {
        "pending_invoice_item_interval": shown,
        "next_pending_invoice_item_invoice": shown and next_date(shown, anchor, now),
    }


def next_date(interval: dict[str, Any], anchor: datetime, now: datetime) -> datetime:
    """Return the next date of an interval."""
    return calendar.next_boundary(anchor, interval["interval"], interval["interval_count"], now)


def next_date_field(subscription: Subscription, anchor: datetime, now: datetime) -> dict[str, Any]:
    """Return the next date of a resumed subscription as its field; nothing if it has no interval."""
    interval = subscription.pending_invoice_item_interval
    return {"next_pending_invoice_item_invoice": next_date(interval, anchor, now)} if interval else {}


def replace_timer(tx: Tx, subscription: Subscription) -> None:
    """Replace the timer of the next date."""
    jobs.cancel(tx, TIMER, subscription.id)
    if subscription.next_pending_invoice_item_invoice:
        jobs.put(tx, TIMER, subscription.id, subscription.next_pending_invoice_item_invoice)


@job(TIMER, batch=1)
def invoice_pending_items(tx: Tx, refs: list[str]) -> None:
    """Write a draft of the pending items, if there are any, and set the next date.

    Locks the customer, then the subscription. Emits `customer.subscription.updated`.
    """
    [found] = rows.find_all(tx, Subscription, refs).values()
    customer = rows.lock(tx, Customer, found.customer)
    subscription = rows.lock(tx, Subscription, found.id)
    due, interval = subscription.next_pending_invoice_item_invoice, subscription.pending_invoice_item_interval
    if due is None or interval is None or due > tx.now or subscription.status in lifecycle.ENDED:
        return
    changes: dict[str, Any] = {
        "next_pending_invoice_item_invoice": next_date(interval, subscription.billing_cycle_anchor, tx.now)
    }
    invoice = (
        draft_pending_items(tx, customer, subscription, due)
        if subscription.status in lifecycle.RENEWING
        else None
    )
    if invoice:
        changes["latest_invoice"] = invoice.id
    replace_timer(tx, rows.update(tx, subscription, **changes))


def draft_pending_items(
    tx: Tx, customer: Customer, subscription: Subscription, due: datetime
) -> Invoice | None:
    """Write a draft of the pending items; None where there are none."""
    charges = invoice_for.charges_for(tx, invoice_for.Subject(subscription, customer, closed=False))
    if charges.empty:
        return None
    draft = invoice_for.draft_for(
        tx,
        charges,
        waits_an_hour=paused_collection.finalizes_automatically(subscription, tx.now),
        billing_reason="automatic_pending_invoice_item_invoice",
        period_start=min(item.period_start for item in charges.items),
        period_end=due,
    )
    return invoice_for.write(tx, draft)
