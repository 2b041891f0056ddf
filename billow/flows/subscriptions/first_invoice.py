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
from billow.resources.payment_intent import PaymentIntent
from billow.resources.subscription import Subscription
from billow.store.tx import Tx


def first_invoice(
    tx: Tx,
    subscription: Subscription,
    customer: Customer,
    periods: Sequence[Period],
    when: str = "now",
    paid_by: PaymentIntent | None = None,
) -> Invoice | None:
    """Write the invoice of what is due at once; None where nothing is due (§4.6, §5.5).

    It waits as a draft for an hour when it is sent to the customer or made by a schedule (`later`, §6);
    otherwise it is finalized at once. The customer gets no mail of it while it is finalized `provisionally`,
    since it is taken back if its payment fails. An intent `paid_by` has paid it before.
    """
    charges = invoice_for.charges_for(tx, invoice_for.Subject(subscription, customer, periods, closed=False))
    if charges.empty:
        return None
    now = tx.now.replace(microsecond=0)
    trialing = subscription.status == "trialing"
    waits = when == "later" or subscription.collection_method == "send_invoice"
    waits = waits and not (trialing and not charges.items)
    draft = invoice_for.draft_for(
        tx,
        charges,
        waits_an_hour=waits,
        billing_reason="subscription_create",
        period_start=now,
        period_end=now,
    )
    invoice = invoice_for.write(tx, draft)
    rows.update(tx, subscription, event=None, latest_invoice=invoice.id)
    return invoice if waits else finalized(tx, invoice.id, when == "provisionally", paid_by)


def finalized(tx: Tx, id: str, provisionally: bool, paid_by: PaymentIntent | None) -> Invoice:
    if not provisionally:
        return finalize.finalize_many(tx, [id])[0]
    [invoice] = finalize.finalize_many(tx, [id], goes=lambda draft: False, paid_by=paid_by)
    if invoice.status == "paid":
        finalize.send_out(tx, [invoice])
    return invoice


def periods_of(part: Part, course: Course, prorates: bool) -> list[Period]:
    """Return the periods that an item is billed for when its subscription starts, the oldest first."""
    if part.item.current_trial:
        return trial_offers.first_periods(part)
    return (
        measured_periods(part, course, prorates) if part.meter else licensed_periods(part, course, prorates)
    )


def licensed_periods(part: Part, course: Course, prorates: bool) -> list[Period]:
    """Return the licensed periods since the start, each by itself; in classic all as one (§5.9, X55 to X57).

    Without proration, past time and a partial period are free, and only a period that begins now is billed,
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
    """Return the past metered periods (X30, X31), or in classic the running one as a line of 0 (§5.17)."""
    start, end = course.period(part.interval)
    gone = billed_periods(part, "metered", course.gone(part.interval) if prorates else [])
    nothing = [Period(part, "trial", start, end)] if part.classic and not gone else []
    return gone + nothing


def billed_periods(part: Part, kind: str, stretches: list[Stretch]) -> list[Period]:
    """Make periods of natural ones; classic bills full ones together."""
    each = anchors.whole(stretches) if part.classic else stretches
    measured = kind == "metered"  # usage is counted, not divided
    return [Period(part, kind, one.start, one.end, anchors.FULL if measured else one.share) for one in each]
