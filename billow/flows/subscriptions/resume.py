"""Resume a paused subscription, in a new period or in the current one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params, read
from billow.core import anchors, calendar, lifecycle
from billow.core.change.prorations import Net
from billow.core.errors import require
from billow.flows.billing import drafts as billing_drafts
from billow.flows.billing import invoice_for, priced_items
from billow.flows.billing.lines import Period
from billow.flows.billing.priced_items import Part
from billow.flows.invoices import finalize
from billow.flows.subscription_changes import apply, awaiting_payment, prorations
from billow.flows.subscription_changes.awaiting_payment import RESUMPTION, Proposal
from billow.flows.subscription_changes.items import Anchor
from billow.flows.subscription_changes.params import BEHAVIORS, check_proration_date
from billow.flows.subscription_changes.prorations import Billed, Prorations
from billow.flows.subscription_status import entitlements
from billow.flows.subscription_terms import pending_item_invoices, timers
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store.jobs import job
from billow.store.perform import Steps
from billow.store.tx import Tx

PERIOD_FIELDS = ("current_period_start", "current_period_end", "metered_from")
ON_PAYMENT_SUCCESS = "resume_on_payment_success"


class Resume(Params):
    billing_cycle_anchor: Anchor | None = f.nested(shape=Anchor)
    payment_behavior: str = f.choice(
        SHOWN, "resume_on_payment_attempt", ON_PAYMENT_SUCCESS, default="resume_on_payment_attempt"
    )
    proration_behavior: str = f.choice(SHOWN, *BEHAVIORS, default="create_prorations")
    proration_date: datetime | None = f.timestamp()


@dataclass(slots=True)
class Resumption:
    """What a resumption writes: the anchor, the items in their periods, the prorations."""

    customer: Customer
    now: datetime
    anchor: datetime
    parts: list[Part]
    plan: Prorations
    fresh: list[Part]
    """Parts whose whole new period is billed."""


@Subscription.action("resume", Resume)
def resume(tx: Tx, subscription: Subscription, wanted: Resume) -> Steps:
    """Resume a paused subscription, at once or when the invoice of its resumption has been paid."""
    check(subscription)
    check_proration_date(wanted.proration_date, wanted.billing_cycle_anchor, wanted.proration_behavior)
    subscription = awaiting_payment.withdraw(tx, RESUMPTION, subscription)
    resumption = plan_resumption(tx, subscription, wanted)
    draft = draft_of(tx, subscription, resumption) if billed_now(resumption, wanted) else None
    billing_drafts.calculate(tx, [draft] if draft else [])
    waits = (
        wanted.payment_behavior == ON_PAYMENT_SUCCESS
        and subscription.collection_method == "charge_automatically"
    )
    if draft and waits and draft.invoice.total + resumption.plan.net > 0:
        return (yield from if_paid(tx, subscription, resumption, wanted))
    done = carry_out(tx, subscription, resumption, wanted)
    if done.invoice and not done.invoice.automatically_finalizes_at:
        # Not charged within the request: should it fail later, the subscription is past due.
        finalize.charge_on(tx, finalize.by_itself(tx, [done.invoice.id]))
    return done.subscription


def check(subscription: Subscription) -> None:
    """Refuse to resume a subscription that is not paused."""
    require(
        subscription.status == "paused",
        f"You can only resume paused subscriptions; the status of this one is `{subscription.status}`.",
    )


def carry_out(tx: Tx, subscription: Subscription, resumption: Resumption, wanted: Resume) -> apply.Applied:
    """Write a resumption, and the draft that bills it where it is billed at once."""
    prorations.write(tx, resumption.plan)
    invoice = None
    if billed_now(resumption, wanted):
        invoice = invoice_for.write(tx, draft_of(tx, subscription, resumption, advances=True))
    return apply.Applied(write_resumption(tx, subscription, resumption, invoice), invoice)


def plan_resumption(tx: Tx, subscription: Subscription, wanted: Resume) -> Resumption:
    """Decide what a resumption changes and charges; nothing is written yet."""
    now = tx.now.replace(microsecond=0)
    unchanged = wanted.billing_cycle_anchor is not None and wanted.billing_cycle_anchor.type == "unchanged"
    anchor = subscription.billing_cycle_anchor if unchanged else now
    customer = rows.find(tx, Customer, subscription.customer)
    parts = [
        in_current_period(subscription, part, anchor, now)
        for part in priced_items.parts_of(tx, [subscription.id])[subscription.id]
    ]
    since = prorated_since(wanted, parts, now)
    resumption = Resumption(customer, now, anchor, parts, Prorations(customer, subscription, anchor), [])
    before, costs = (
        prorations.load_billed(tx, subscription.id),
        prorations.net_prices_of(tx, subscription, parts),
    )
    for part in reversed(parts):
        own = before.get(part.item.id, [])
        if part.meter:
            continue
        if not unchanged:
            prorations.forfeit(resumption.plan, part, own, now)
            resumption.fresh.append(part)
        else:
            charge_rest(
                resumption,
                part,
                own,
                since,
                costs[part.item.id] if wanted.proration_behavior != "none" else None,
            )
    return resumption


def in_current_period(subscription: Subscription, part: Part, anchor: datetime, now: datetime) -> Part:
    """Return the part in the period that contains now, from now on; a planned end shortens it."""
    _, end = calendar.period_at(anchor, *part.interval, now)
    end = min(end, subscription.cancel_at) if subscription.cancel_at else end
    settled = part.item.metered_from  # until when the pause has billed its usage
    fits = settled is not None and settled > now
    item = part.item.but(
        current_period_start=now, current_period_end=end, metered_from=settled if fits else None
    )
    return priced_items.with_item(part, item)


def prorated_since(wanted: Resume, parts: Sequence[Part], now: datetime) -> datetime:
    """Return from when prorations are charged, after checking that it is in the current period."""
    since = wanted.proration_date
    require(
        since is None or any(now <= since < part.item.current_period_end for part in parts),
        "Invalid proration_date: it must be within the period that the subscription is resumed in.",
        param="proration_date",
    )
    return since or now


def charge_rest(
    resumption: Resumption, part: Part, own: Sequence[Billed], since: datetime, net: Net | None
) -> None:
    """Charge the rest of the period (X75), except what is still paid at the same price and quantity.

    Without `net` nothing is charged until the next period.
    """
    paid = [one for one in own if one.period.period_end > since]
    terms = part.item.price, Decimal(part.item.quantity or 0)
    if any((one.period.price, one.period.quantity) != terms for one in paid):
        if net:
            prorations.credit(resumption.plan, part, paid, since, None)
        else:
            prorations.forfeit(resumption.plan, part, paid, since)
        paid = []
    if net:
        begins = max([since, *(one.period.period_end for one in paid)])
        prorations.charge(resumption.plan, part, net, begins, part.item.current_period_end)


def billed_now(resumption: Resumption, wanted: Resume) -> bool:
    """Return whether the resumption has an invoice of its own."""
    return bool(resumption.fresh) or (
        wanted.proration_behavior == "always_invoice" and bool(resumption.plan.items)
    )


def draft_of(
    tx: Tx, subscription: Subscription, resumption: Resumption, *, advances: bool = False
) -> billing_drafts.Draft:
    """Make the draft that bills a resumption."""
    periods = [new_period(resumption, part) for part in resumption.fresh]
    subject = invoice_for.Subject(subscription, resumption.customer, periods, closed=False)
    return invoice_for.draft_for(
        tx,
        invoice_for.charges_for(tx, subject),
        waits_an_hour=advances and subscription.collection_method == "send_invoice",
        auto_advance=advances,
        billing_reason="subscription_update",
        period_start=resumption.now,
        period_end=resumption.now,
    )


def new_period(resumption: Resumption, part: Part) -> Period:
    """Return the whole new period of a part (X74), shortened by a planned end."""
    start, end = part.item.current_period_start, part.item.current_period_end
    return Period(part, "licensed", start, end, anchors.worth(resumption.anchor, part.interval, start, end))


def write_resumption(
    tx: Tx, subscription: Subscription, resumption: Resumption, invoice: Invoice | None
) -> Subscription:
    """Write the periods and the status of a resumption.

    Emits `customer.subscription.resumed` and `customer.subscription.updated`.
    """
    view = apply.view_of(tx, subscription)
    changes: dict[str, Any] = {"latest_invoice": invoice.id} if invoice else {}
    changes.update(pending_item_invoices.next_date_field(subscription, resumption.anchor, tx.now))
    rows.update_many(
        tx,
        [
            (part.item, {name: getattr(part.item, name) for name in PERIOD_FIELDS})
            for part in resumption.parts
        ],
    )
    resumed = rows.update(
        tx,
        subscription,
        event=None,
        status=lifecycle.after(lifecycle.SUBSCRIPTION, subscription.status, "resume"),
        status_details=None,
        pending_change=None,
        billing_cycle_anchor=resumption.anchor,
        **changes,
    )
    timers.replace(tx, resumed, [part.item for part in resumption.parts])
    pending_item_invoices.replace_timer(tx, resumed)
    rows.emit(tx, [(resumed, None)], "customer.subscription.resumed")
    apply.emit_update(tx, view.shown, resumed)
    entitlements.emit_summary(tx, subscription.customer, view.held)
    return resumed


def if_paid(tx: Tx, subscription: Subscription, resumption: Resumption, wanted: Resume) -> Steps:
    """Try to collect within the request; until its invoice is paid, 23 hours at most, it stays paused."""
    ids = awaiting_payment.write_items(tx, resumption.plan)
    draft = draft_of(tx, subscription, resumption)
    proposed = awaiting_payment.propose(
        tx,
        RESUMPTION,
        subscription,
        Proposal(draft, ids, wanted, resumption.now),
        tx.now + awaiting_payment.PAYMENT_TIMEOUT,
        latest_invoice=draft.invoice.id,
    )
    tx, _ = yield from awaiting_payment.collect_now(tx, proposed.invoice, off_session=False)
    return accept(tx, rows.lock(tx, Subscription, subscription.id))


@job(RESUMPTION.carry_out, batch=1)
def accept_due(tx: Tx, refs: list[str]) -> None:
    """Resume a subscription whose invoice was paid after its request."""
    accept(tx, rows.lock(tx, Subscription, refs[0]))


def accept(tx: Tx, subscription: Subscription) -> Subscription:
    """Carry out the resumption as it was requested, if its invoice is paid or was marked uncollectible."""
    change = (
        awaiting_payment.paid_change(tx, RESUMPTION, subscription)
        if subscription.status == "paused"
        else None
    )
    if change is None:
        return subscription
    resumption = plan_resumption(change.then, subscription, read(Resume, change.kept["sent"]))
    resumption.parts = [unused_until(part, tx.now.replace(microsecond=0)) for part in resumption.parts]
    awaiting_payment.begin_periods(tx, subscription, change, resumption.plan)
    return write_resumption(tx, subscription, resumption, change.invoice)


def unused_until(part: Part, paid: datetime) -> Part:
    """Return a metered part whose usage before the payment is not billed, since it was paused (§4.6)."""
    begun = part.item.current_period_start < paid < part.item.current_period_end
    return priced_items.with_item(part, part.item.but(metered_from=paid)) if part.meter and begun else part


@job(RESUMPTION.expire, batch=1)
def expire(tx: Tx, refs: list[str]) -> None:
    """Void an invoice that was not paid in time; the subscription stays paused."""
    awaiting_payment.expire(tx, RESUMPTION, rows.lock(tx, Subscription, refs[0]))
