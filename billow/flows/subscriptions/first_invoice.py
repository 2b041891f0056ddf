"""Make the first invoice of a subscription."""

from collections.abc import Sequence

from billow.api import rows
from billow.core import anchors
from billow.core.anchors import Course, Stretch
from billow.flows.billing import invoice_for
from billow.flows.billing.lines import Period
from billow.flows.billing.priced_items import Part
from billow.flows.invoices import finalize
from billow.flows.subscription_terms import trial_offers
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store.tx import Tx


def first_invoice(
    tx: Tx, subscription: Subscription, customer: Customer, periods: Sequence[Period], *, later: bool = False
) -> Invoice | None:
    """Write the invoice of what is due at once; where nothing is due there is none (§4.6, §5.5).

    It stands as a draft for an hour when it is sent, or when nobody waits for it (`later`, §6); else it is
    finalized at once.
    """
    charges = invoice_for.charges_for(tx, invoice_for.Subject(subscription, customer, periods, closed=False))
    if charges.empty:
        return None
    now = tx.now.replace(microsecond=0)
    trialing = subscription.status == "trialing"
    stands = later or subscription.collection_method == "send_invoice"
    stands = stands and not (trialing and not charges.items)
    draft = invoice_for.draft_for(
        tx,
        charges,
        waits_an_hour=stands,
        billing_reason="subscription_create",
        period_start=now,
        period_end=now,
    )
    invoice = invoice_for.write(tx, draft)
    rows.update(tx, subscription, event=None, latest_invoice=invoice.id)
    return invoice if stands else finalize.finalize_many(tx, [invoice.id])[0]


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
        return [
            *billed_periods(part, "licensed", gone if prorates else []),
            Period(part, "trial", start, end),
        ]
    if not prorates:
        begins = course.begins_a_period(part.interval)
        return [Period(part, "licensed", start, end)] if begins else []
    return billed_periods(part, "licensed", [*gone, course.current(part.interval)])


def measured_periods(part: Part, course: Course, prorates: bool) -> list[Period]:
    """Use that has gone by (X30, X31); of the period that runs, classic shows a line of nothing (§5.17)."""
    start, end = course.period(part.interval)
    gone = billed_periods(part, "metered", course.gone(part.interval) if prorates else [])
    nothing = [Period(part, "trial", start, end)] if part.classic and not gone else []
    return gone + nothing


def billed_periods(part: Part, kind: str, stretches: list[Stretch]) -> list[Period]:
    each = anchors.whole(stretches) if part.classic else stretches
    measured = kind == "metered"  # use is counted, not divided
    return [Period(part, kind, one.start, one.end, anchors.FULL if measured else one.share) for one in each]
