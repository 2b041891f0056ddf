"""Invoice a subscription in mid-period when its usage reaches a billing threshold."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from billow.api import rows
from billow.api.params import made
from billow.core.money import EXACT
from billow.flows.billing import billing_periods, drafts, metered_usage, pending_items, priced_items
from billow.flows.billing.lines import Period, lines_of
from billow.flows.billing.priced_items import Part
from billow.flows.invoices import paused_collection
from billow.flows.subscription_changes import apply, compute, pending_updates, prorations
from billow.flows.subscription_changes.items import Anchor
from billow.flows.subscription_changes.params import Change
from billow.resources.billing_period import BillingPeriod
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.invoice_line import InvoiceLine
from billow.resources.subscription import Subscription
from billow.store import clocks, jobs
from billow.store.ids import new_id
from billow.store.jobs import job
from billow.store.tx import Tx

EVALUATED = ("active", "past_due")
QUIET = timedelta(hours=24)
"""So long before the end of a period no threshold is looked at: the renewal is near."""
TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class Count:
    """What a subscription owes for use that is not billed, and for what waits, at one instant."""

    customer: Customer
    subscription: Subscription
    parts: list[Part]
    late: list[BillingPeriod]
    periods: list[Period]
    """Of `late`, then of the metered items."""
    used: dict[tuple[str, datetime], Decimal]
    lines: list[InvoiceLine]
    items: list[InvoiceItem]
    reached: list[Period] = field(default_factory=list)
    """The items whose own threshold is reached."""
    beyond: bool = False
    """Whether the amount is."""


@job("subscription.threshold", batch=1)
def look(tx: Tx, refs: list[str]) -> None:
    """Use came in: what is owed is added up, and billed where a threshold is reached."""
    [found] = rows.find_all(tx, Subscription, refs).values()
    if not found.watched or found.status not in EVALUATED:
        return
    tx = clocks.enter(tx, found.test_clock)
    customer = rows.lock(tx, Customer, found.customer)
    subscription = rows.lock(tx, Subscription, found.id)
    parts = priced_items.parts_of(tx, [found.id]).get(found.id, [])
    ends = [part.item.current_period_end for part in parts if part.meter]
    if not ends or min(ends) - tx.now <= QUIET or subscription.status not in EVALUATED:
        return
    count = counted(tx, customer, subscription, parts)
    if judged(tx, count):
        bill_now(tx, count)


def resets(subscription: Subscription) -> bool:
    return bool((subscription.billing_thresholds or {}).get("reset_billing_cycle_anchor"))


def counted(tx: Tx, customer: Customer, subscription: Subscription, parts: list[Part]) -> Count:
    """Use until now, what has this very instant with it; where periods begin anew, that is the new one's."""
    now = tx.now.replace(microsecond=0)
    late = billing_periods.waiting(tx, [subscription.id]).get(subscription.id, [])
    running = [continued(metered_usage.used_until(part, now)) for part in parts if part.meter]
    until = now if resets(subscription) else tx.now + TICK
    closed = billing_periods.periods_of(tx, late)
    used = metered_usage.measured(
        tx, [*closed, *[replace(p, end=until) for p in running]], {subscription.id: customer.id}
    )
    periods = [*closed, *running]
    lines = [
        line.but(id=new_id(InvoiceLine.prefix))
        for p in periods
        for line in lines_of(p, customer.id, used[p.part.item.id, p.start])
    ]
    items = pending_items.awaited(
        pending_items.pending_items(tx, [customer.id]), customer.id, subscription.id, subscription.currency
    )
    return Count(customer, subscription, parts, late, periods, used, lines, items)


def continued(period: Period) -> Period:
    """A period of which a later one takes up the count."""
    return replace(
        period, counted_from=metered_usage.counted(period), end=max(period.start, period.end), continued=True
    )


def judged(tx: Tx, count: Count) -> bool:
    """Note which thresholds are reached; licensed items are paid in advance and do not count (§4.5)."""
    limit = (count.subscription.billing_thresholds or {}).get("amount_gte")
    count.beyond = limit is not None and owed(tx, count) >= limit
    count.reached = [p for p in count.periods if p.continued and reaches(count, p)]
    return bool(count.beyond or count.reached)


def owed(tx: Tx, count: Count) -> int:
    """What the invoice would come to: after discounts, before taxes."""
    draft = draft_of(tx, count)
    drafts.reckoned(tx, [draft])
    return draft.invoice.total_excluding_tax or 0


def reaches(count: Count, period: Period) -> bool:
    own = period.part.item.billing_thresholds
    more = EXACT.subtract(count.used[period.part.item.id, period.start], period.billed_use or Decimal(0))
    return own is not None and more >= own["usage_gte"]


def reason(count: Count, lines: Sequence[InvoiceLine]) -> dict[str, Any]:
    return {
        "amount_gte": (count.subscription.billing_thresholds or {})["amount_gte"] if count.beyond else None,
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
    """An update that waits for its payment gives way (§5.11); the draft stands for its hour as any other."""
    count.subscription = pending_updates.withdraw(tx, count.subscription)
    invoice = begun_anew(tx, count) if resets(count.subscription) else in_between(tx, count)
    if invoice.auto_advance:
        jobs.put(tx, "invoice.finalize", invoice.id, tx.now + drafts.GRACE)


def own_fields(tx: Tx, count: Count, lines: Sequence[InvoiceLine]) -> dict[str, Any]:
    advances = paused_collection.finalizes_automatically(count.subscription, tx.now)
    return {
        "billing_reason": "subscription_threshold",
        "auto_advance": advances,
        "automatically_finalizes_at": tx.now + drafts.GRACE if advances else None,
        "threshold_reason": reason(count, lines),
    }


def draft_of(tx: Tx, count: Count) -> drafts.Draft:
    """The draft that bills the use so far, and what waits."""
    draft = drafts.draft(
        tx,
        count.customer,
        count.lines,
        count.items,
        **drafts.subscription_fields(count.subscription),
        **own_fields(tx, count, count.lines),
        period_start=min(part.item.current_period_start for part in count.parts),
        period_end=tx.now,
    )
    draft.stretches, draft.periods = count.late, [one for one in count.periods if one.continued]
    return draft


def in_between(tx: Tx, count: Count) -> Invoice:
    """Bill the use so far; the period goes on, and its tiers too (X32)."""
    draft, running = draft_of(tx, count), [period for period in count.periods if period.continued]
    rows.update_many(tx, [(period.part.item, taken_up(count, period)) for period in running])
    rows.update(tx, count.subscription, latest_invoice=draft.invoice.id)
    [invoice] = drafts.write(tx, [draft])
    return invoice


def taken_up(count: Count, period: Period) -> dict[str, Any]:
    return {
        "metered_from": period.end,
        "counted_from": period.counted_from,
        "billed_use": count.used[period.part.item.id, period.start],
    }


def begun_anew(tx: Tx, count: Count) -> Invoice:
    """The anchor moves to now, and every item begins a new period; the rest of a licence is credited.

    It is the change that `billing_cycle_anchor=now` asks for, with the words of a threshold on its invoice.
    """
    wanted = made(Change, billing_cycle_anchor=made(Anchor, type="now"), proration_behavior="always_invoice")
    case = compute.considered(tx, count.subscription, wanted, None)
    view = apply.views(tx, count.subscription)
    prorations.write(tx, case.plan)
    draft = apply.draft_of(tx, case)
    draft.lines = [line.but(id=line.id or new_id(InvoiceLine.prefix)) for line in draft.lines]
    draft.invoice = draft.invoice.but(**own_fields(tx, count, draft.lines))
    [invoice] = drafts.write(tx, [draft])
    apply.conclude(tx, case, invoice, view)
    return invoice
