"""Invoice a subscription in mid-period when its usage reaches a billing threshold."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from billow.api import rows
from billow.api.params import made
from billow.core.money import EXACT
from billow.flows.billing import drafts, invoice_for, metered_usage, priced_items
from billow.flows.billing.invoice_for import Charges
from billow.flows.billing.lines import Period
from billow.flows.billing.priced_items import Part
from billow.flows.invoices import paused_collection
from billow.flows.subscription_changes import apply, compute, pending_updates, prorations
from billow.flows.subscription_changes.items import Anchor
from billow.flows.subscription_changes.params import Change
from billow.resources.customer import Customer
from billow.resources.invoice_line import InvoiceLine
from billow.resources.subscription import Subscription
from billow.store import clocks
from billow.store.ids import new_id
from billow.store.jobs import job
from billow.store.tx import Tx

EVALUATED_STATUSES = ("active", "past_due")
NOT_BEFORE_RENEWAL = timedelta(hours=24)
"""Thresholds are not checked for so long before the end of a period, since the renewal is near."""
TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class Count:
    """A subscription's unbilled usage and pending items at one instant, and the thresholds they reach."""

    customer: Customer
    subscription: Subscription
    parts: list[Part]
    charges: Charges
    reached: list[Period] = field(default_factory=list)
    """The periods whose items reach their own threshold."""
    amount_reached: bool = False
    """Whether the threshold of the subscription's amount is reached."""


@job("subscription.threshold", batch=1)
def check_thresholds(tx: Tx, refs: list[str]) -> None:
    """Add up what is unbilled after new usage, and bill it where a threshold is reached.

    Locks the customer, then the subscription.
    """
    [found] = rows.find_all(tx, Subscription, refs).values()
    if not found.watched or found.status not in EVALUATED_STATUSES:
        return
    tx = clocks.enter(tx, found.test_clock)
    customer = rows.lock(tx, Customer, found.customer)
    subscription = rows.lock(tx, Subscription, found.id)
    parts = priced_items.parts_of(tx, [found.id]).get(found.id, [])
    ends = [part.item.current_period_end for part in parts if part.meter]
    if not ends or min(ends) - tx.now <= NOT_BEFORE_RENEWAL or subscription.status not in EVALUATED_STATUSES:
        return
    count = count_usage(tx, customer, subscription, parts)
    if find_reached(tx, count):
        bill_now(tx, count)


def resets_anchor(subscription: Subscription) -> bool:
    """Return whether reaching the threshold resets the billing cycle anchor."""
    return bool((subscription.billing_thresholds or {}).get("reset_billing_cycle_anchor"))


def count_usage(tx: Tx, customer: Customer, subscription: Subscription, parts: list[Part]) -> Count:
    """Measure the usage until now, including this instant unless new periods begin with it."""
    now = tx.now.replace(microsecond=0)
    running = [metered_usage.running_period(part, now) for part in parts if part.meter]
    until = now if resets_anchor(subscription) else tx.now + TICK
    subject = invoice_for.Subject(subscription, customer, running, counted_until=until)
    charges = invoice_for.charges_for(tx, subject)
    named = [line.but(id=new_id(InvoiceLine.prefix)) for line in charges.lines]
    return Count(customer, subscription, parts, replace(charges, lines=named))


def find_reached(tx: Tx, count: Count) -> bool:
    """Find which thresholds are reached; licensed items are paid in advance and do not count (§4.5)."""
    limit = (count.subscription.billing_thresholds or {}).get("amount_gte")
    count.amount_reached = limit is not None and amount_so_far(tx, count) >= limit
    count.reached = [p for p in count.charges.periods if p.continued and reaches_threshold(count, p)]
    return bool(count.amount_reached or count.reached)


def amount_so_far(tx: Tx, count: Count) -> int:
    """Calculate the amount of the invoice so far, after discounts and before taxes."""
    draft = draft_of(tx, count)
    drafts.calculate(tx, [draft])
    return draft.invoice.total_excluding_tax or 0


def reaches_threshold(count: Count, period: Period) -> bool:
    """Return whether the unbilled usage of a period reaches the threshold of its item."""
    own = period.part.item.billing_thresholds
    used = count.charges.used[period.part.item.id, period.start]
    more = EXACT.subtract(used, period.billed_use or Decimal(0))
    return own is not None and more >= own["usage_gte"]


def threshold_reason(count: Count, lines: Sequence[InvoiceLine]) -> dict[str, Any]:
    """Return the `threshold_reason` of an invoice."""
    return {
        "amount_gte": (count.subscription.billing_thresholds or {})["amount_gte"]
        if count.amount_reached
        else None,
        "item_reasons": [
            {
                "line_item_ids": [
                    line.id
                    for line in lines
                    if (line.subscription_item, line.kind) == (period.part.item.id, "metered")
                    and line.period_start == period.start
                ],
                "usage_gte": (period.part.item.billing_thresholds or {})["usage_gte"],
            }
            for period in count.reached
        ],
    }


def bill_now(tx: Tx, count: Count) -> None:
    """Bill what was counted, and withdraw a pending update (§5.11). The draft waits for an hour."""
    count.subscription = pending_updates.withdraw(tx, count.subscription)
    subject = replace(count.charges.subject, subscription=count.subscription)
    count.charges = replace(count.charges, subject=subject)
    if resets_anchor(count.subscription):
        bill_and_reset(tx, count)
    else:
        bill_in_mid_period(tx, count)


def threshold_fields(count: Count, lines: Sequence[InvoiceLine]) -> dict[str, Any]:
    """Return the fields that an invoice has because of a threshold."""
    return {"billing_reason": "subscription_threshold", "threshold_reason": threshold_reason(count, lines)}


def draft_of(tx: Tx, count: Count) -> drafts.Draft:
    """Make the draft that bills the usage so far and the pending items."""
    return invoice_for.draft_for(
        tx,
        count.charges,
        waits_an_hour=paused_collection.finalizes_automatically(count.subscription, tx.now),
        **threshold_fields(count, count.charges.lines),
        period_start=min(part.item.current_period_start for part in count.parts),
        period_end=tx.now,
    )


def bill_in_mid_period(tx: Tx, count: Count) -> None:
    """Bill the usage so far; the period continues, and its tiers too (X32)."""
    draft, running = draft_of(tx, count), [period for period in count.charges.periods if period.continued]
    rows.update_many(tx, [(period.part.item, billed_so_far(count, period)) for period in running])
    rows.update(tx, count.subscription, latest_invoice=draft.invoice.id)
    invoice_for.write(tx, draft)


def billed_so_far(count: Count, period: Period) -> dict[str, Any]:
    """Return the fields of an item that record what of its usage is billed."""
    return {
        "metered_from": period.end,
        "counted_from": period.counted_from,
        "billed_use": count.charges.used[period.part.item.id, period.start],
    }


def bill_and_reset(tx: Tx, count: Count) -> None:
    """Move the anchor to now: every item begins a new period, and unused licensed time is credited.

    It is a change with `billing_cycle_anchor=now` whose invoice has the fields of a threshold.
    """
    wanted = made(Change, billing_cycle_anchor=made(Anchor, type="now"), proration_behavior="always_invoice")
    case = compute.compute(tx, count.subscription, wanted, None)
    view = apply.view_of(tx, count.subscription)
    prorations.write(tx, case.plan)
    draft = apply.draft_of(tx, case)
    draft.lines = [line.but(id=line.id or new_id(InvoiceLine.prefix)) for line in draft.lines]
    waits = paused_collection.finalizes_automatically(count.subscription, tx.now)
    draft.invoice = draft.invoice.but(
        **invoice_for.finalization(tx, waits_an_hour=waits), **threshold_fields(count, draft.lines)
    )
    apply.conclude(tx, case, invoice_for.write(tx, draft), view)
