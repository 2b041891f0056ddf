"""Cancel a subscription, now or at the end of its period, with its final invoice."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.params import Params
from billow.core import lifecycle
from billow.core.errors import Refused
from billow.flows.billing import invoice_for, metered_usage, priced_items
from billow.flows.billing.lines import Period
from billow.flows.subscription_changes import prorations
from billow.flows.subscription_status import end
from billow.flows.subscription_terms import billing_schedules
from billow.resources.customer import Customer
from billow.resources.feedback_option import FeedbackOption
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.subscription import CancellationDetails, Subscription
from billow.store.jobs import job
from billow.store.tx import Tx


class Cancel(Params):
    cancellation_details: CancellationDetails | None = f.nested(shape=CancellationDetails)
    invoice_now: bool = f.boolean(default=False)
    prorate: bool = f.boolean(default=False)


@Subscription.delete(Cancel)
def cancel(tx: Tx, subscription: Subscription, wanted: Cancel) -> Subscription:
    """Cancel a subscription now (§5.12).

    `prorate` credits the unused time that is paid; `invoice_now` bills the usage so far and the pending
    items, which otherwise stay with the customer. With neither, pending prorations are deleted.
    """
    if subscription.status in lifecycle.ENDED:
        raise Refused(
            f"No such subscription: '{subscription.id}'", param="id", code="resource_missing", status=404
        )
    details = wanted.cancellation_details.sent() if wanted.cancellation_details else {}
    if details.get("feedback_option"):
        option = details["feedback_option"]
        rows.find(tx, FeedbackOption, option, param="cancellation_details[feedback_option]")
    return cancel_now(tx, subscription, invoice_now=wanted.invoice_now, prorates=wanted.prorate, **details)


def cancel_now(
    tx: Tx,
    subscription: Subscription,
    *,
    invoice_now: bool,
    prorates: bool,
    unused_since: datetime | None = None,
    **details: Any,
) -> Subscription:
    """End a subscription now, at the request of the customer or the merchant.

    `unused_since` is from when unused time is credited, if not from now on. Emits
    `customer.subscription.deleted`.
    """
    if prorates:
        since = unused_since or tx.now.replace(microsecond=0)
        prorations.write(tx, prorations.unused_time(tx, subscription, since))
        billing_schedules.clear_billed_until(tx, subscription)
    elif not invoice_now:
        drop_prorations(tx, subscription)
    canceled = end.end(tx, subscription, "cancellation_requested", **details)
    invoice = final_invoice(tx, subscription, tx.now, "subscription_update") if invoice_now else None
    return rows.update(tx, canceled, event=None, latest_invoice=invoice.id) if invoice else canceled


def drop_prorations(tx: Tx, subscription: Subscription) -> None:
    """Delete a subscription's pending prorations; its other pending items stay with the customer."""
    for item in rows.select(
        tx, InvoiceItem, "invoice is null and proration and subscription = %(id)s", id=subscription.id
    ):
        rows.delete(tx, item)


def final_invoice(tx: Tx, subscription: Subscription, until: datetime, reason: str) -> Invoice | None:
    """Write a draft of pending items and the usage of the period that ends; None where there is neither."""
    parts = priced_items.parts_of(tx, [subscription.id])[subscription.id]
    counts = subscription.status not in ("trialing", "paused")
    running = [
        metered_usage.unbilled_period(part, metered_usage.closes_at(part.item, until))
        for part in parts
        if part.meter and counts
    ]
    return closing_invoice(tx, subscription, running, until, reason)


def closing_invoice(
    tx: Tx, subscription: Subscription, running: list[Period], until: datetime, reason: str
) -> Invoice | None:
    """Write a draft of the usage of these periods and of pending items; it is finalized in an hour."""
    customer = rows.find(tx, Customer, subscription.customer)
    charges = invoice_for.charges_for(tx, invoice_for.Subject(subscription, customer, running))
    if charges.empty:
        return None
    draft = invoice_for.draft_for(
        tx,
        charges,
        waits_an_hour=True,
        billing_reason=reason,
        period_start=min((period.start for period in charges.periods), default=until),
        period_end=until,
    )
    return invoice_for.write(tx, draft)


@job("subscription.end", batch=1)
def end_of_period(tx: Tx, refs: list[str]) -> None:
    """End a subscription at the date of its planned cancellation, and bill the last usage."""
    [id] = refs
    subscription = rows.lock(tx, Subscription, id)
    if subscription.cancel_at is None or subscription.cancel_at > tx.now or subscription.status == "canceled":
        return
    ended = end.end(tx, subscription)
    invoice = final_invoice(tx, subscription, subscription.cancel_at, "subscription_cycle")
    if invoice:
        rows.update(tx, ended, event=None, latest_invoice=invoice.id)
