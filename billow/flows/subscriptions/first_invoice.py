"""Make the first invoice of a subscription."""

from collections.abc import Sequence

from billow.api import rows
from billow.core import anchors
from billow.core.anchors import Course, Stretch
from billow.flows.billing import drafts, metered_usage, pending_items
from billow.flows.billing import lines as billing_lines
from billow.flows.billing.lines import Period
from billow.flows.billing.priced_items import Part
from billow.flows.invoices import finalize
from billow.flows.subscription_terms import trial_offers
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.tx import Tx


def first_invoice(
    tx: Tx, subscription: Subscription, customer: Customer, periods: Sequence[Period], *, later: bool = False
) -> Invoice | None:
    """The draft of what is due at once; where nothing is, there is none (§4.6, §5.5).

    It stands for its hour when it is sent, or when nobody waits for it (`later`, §6).
    """
    lines = lines_of(tx, customer, periods)
    pending = pending_items.pending_items(tx, [customer.id])
    items = pending_items.awaited(pending, customer.id, subscription.id, subscription.currency)
    if not lines and not items:
        return None
    now = tx.now.replace(microsecond=0)
    trialing = subscription.status == "trialing"
    stands = later or subscription.collection_method == "send_invoice"
    stands = stands and not (trialing and not items)
    [invoice] = drafts.write(
        tx,
        [
            drafts.draft(
                tx,
                customer,
                lines,
                items,
                **drafts.subscription_fields(subscription),
                billing_reason="subscription_create",
                auto_advance=stands,
                automatically_finalizes_at=tx.now + drafts.GRACE if stands else None,
                period_start=now,
                period_end=now,
            )
        ],
    )
    rows.update(tx, subscription, event=None, latest_invoice=invoice.id)
    if stands:
        jobs.put(tx, "invoice.finalize", invoice.id, tx.now + drafts.GRACE)
        return invoice
    return finalize.finalize_many(tx, [invoice.id])[0]


def lines_of(tx: Tx, customer: Customer, periods: Sequence[Period]) -> list[InvoiceLine]:
    subscriptions = {period.part.item.subscription: customer.id for period in periods}
    used = metered_usage.measured(tx, periods, subscriptions)
    return [
        line
        for period in periods
        for line in billing_lines.lines_of(period, customer.id, used.get((period.part.item.id, period.start)))
    ]


def periods_of(part: Part, course: Course, prorates: bool) -> list[Period]:
    """What an item is billed for when the subscription begins, the oldest first."""
    if part.item.current_trial:
        return trial_offers.first_periods(part)
    return (
        measured_periods(part, course, prorates) if part.meter else licensed_periods(part, course, prorates)
    )


def licensed_periods(part: Part, course: Course, prorates: bool) -> list[Period]:
    """Each natural period since the start by itself; in classic one for all (§5.9, X55 to X57).

    Without proration what has gone by and the stub are free, and only a period that begins now is billed,
    in full (§5.5, X54).
    """
    start, end = course.period(part.interval)
    gone = course.gone(part.interval)
    if course.trial:
        return [*billed(part, "licensed", gone if prorates else []), Period(part, "trial", start, end)]
    if not prorates:
        begins = course.begins_a_period(part.interval)
        return [Period(part, "licensed", start, end)] if begins else []
    return billed(part, "licensed", [*gone, course.current(part.interval)])


def measured_periods(part: Part, course: Course, prorates: bool) -> list[Period]:
    """Use that has gone by (X30, X31); of the period that runs, classic shows a line of nothing (§5.17)."""
    start, end = course.period(part.interval)
    gone = billed(part, "metered", course.gone(part.interval) if prorates else [])
    nothing = [Period(part, "trial", start, end)] if part.classic and not gone else []
    return gone + nothing


def billed(part: Part, kind: str, stretches: list[Stretch]) -> list[Period]:
    each = anchors.whole(stretches) if part.classic else stretches
    measured = kind == "metered"  # use is counted, not divided
    return [Period(part, kind, one.start, one.end, anchors.FULL if measured else one.share) for one in each]
