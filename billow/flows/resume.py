"""A paused subscription goes on: from now as if it began, or where its periods are by now (§5.13)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN, instant, seconds
from billow.api.params import Params, read
from billow.core import calendar, lifecycle
from billow.core.errors import require
from billow.flows import (
    bill,
    change,
    collect,
    entitle,
    finalize,
    propose,
    prorate,
    reshape,
    sweep,
    timers,
    void,
)
from billow.flows.amendment import BEHAVIORS
from billow.flows.bill import Part, Period
from billow.flows.prorate import Prorations
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.subscription import Subscription
from billow.store import clocks, jobs
from billow.store.ids import new_id
from billow.store.jobs import job
from billow.store.perform import Steps
from billow.store.tx import Tx

PAID = "subscription.resume_paid"
EXPIRES = "subscription.resume_expires"
PERIOD = ("current_period_start", "current_period_end", "metered_from")
SUCCESS = "resume_on_payment_success"


class Resume(Params):
    billing_cycle_anchor: reshape.Anchor | None = f.hash(shape=reshape.Anchor)
    payment_behavior: str = f.choice(
        SHOWN, "resume_on_payment_attempt", SUCCESS, default="resume_on_payment_attempt"
    )
    proration_behavior: str = f.choice(SHOWN, *BEHAVIORS, default="create_prorations")
    proration_date: datetime | None = f.timestamp()


@dataclass(slots=True)
class Return:
    """What a subscription comes back to: its anchor, its items in their periods, and what they cost."""

    customer: Customer
    anchor: datetime
    parts: list[Part]
    plan: Prorations
    fresh: list[Part]


@Subscription.action("resume", Resume)
def resume(tx: Tx, subscription: Subscription, wanted: Resume) -> Steps:
    """Resume a paused subscription, at once, or when what it costs has been paid."""
    check(subscription)
    subscription = withdraw(tx, subscription)
    back = considered(tx, subscription, wanted)
    draft = draft_of(tx, subscription, back) if billed_now(back, wanted) else None
    bill.reckoned(tx, [draft] if draft else [])
    if draft and wanted.payment_behavior == SUCCESS and draft.invoice.total + back.plan.net > 0:
        return (yield from if_paid(tx, subscription, back, wanted))
    done = carry_out(tx, subscription, back, wanted)
    if done.invoice:
        # Not charged within the request: should it fail later, the subscription is past due.
        [opened] = finalize.finalize_many(tx, [done.invoice.id])
        finalize.charge_on(tx, [rows.update(tx, opened, auto_advance=opened.status == "open")])
    return done.subscription


def check(subscription: Subscription) -> None:
    require(
        subscription.status == "paused",
        f"You can only resume paused subscriptions; the status of this one is `{subscription.status}`.",
    )


def carry_out(tx: Tx, subscription: Subscription, back: Return, wanted: Resume) -> change.Done:
    """Write what it comes back to, and the draft of what that costs where it is billed at once."""
    prorate.write(tx, back.plan)
    drafts = [draft_of(tx, subscription, back)] if billed_now(back, wanted) else []
    written = bill.write(tx, drafts)
    invoice = written[0] if written else None
    return change.Done(come_back(tx, subscription, back, invoice), invoice)


def considered(tx: Tx, subscription: Subscription, wanted: Resume) -> Return:
    """What it comes back to; nothing is written yet."""
    now = tx.now.replace(microsecond=0)
    unchanged = wanted.billing_cycle_anchor is not None and wanted.billing_cycle_anchor.type == "unchanged"
    anchor = subscription.billing_cycle_anchor if unchanged else now
    customer = rows.find(tx, Customer, subscription.customer)
    parts = [placed(part, anchor, now) for part in bill.parts_of(tx, [subscription.id])[subscription.id]]
    back = Return(customer, anchor, parts, Prorations(customer, subscription, anchor), [])
    costs = prorate.nets(tx, subscription, parts)
    for part in reversed(parts):
        if part.meter:
            continue
        if not unchanged:
            back.fresh.append(part)
        elif wanted.proration_behavior != "none":
            since = wanted.proration_date or now
            prorate.charge(back.plan, part, costs[part.item.id], since, part.item.current_period_end)
    return back


def placed(part: Part, anchor: datetime, now: datetime) -> Part:
    """The item in the period that holds now, of which only the rest is used."""
    _, end = calendar.period_at(anchor, *part.interval, now)
    settled = part.item.metered_from  # until when the pause has settled its use
    fits = settled is not None and settled > now
    item = part.item.but(
        current_period_start=now, current_period_end=end, metered_from=settled if fits else None
    )
    return bill.with_item(part, item)


def billed_now(back: Return, wanted: Resume) -> bool:
    return bool(back.fresh) or (wanted.proration_behavior == "always_invoice" and bool(back.plan.items))


def draft_of(tx: Tx, subscription: Subscription, back: Return) -> bill.Draft:
    periods = [
        Period(part, "licensed", part.item.current_period_start, part.item.current_period_end)
        for part in back.fresh
    ]
    lines = [line for period in periods for line in bill.lines_of(period, back.customer.id, None)]
    pending = bill.pending_items(tx, [back.customer.id])
    items = bill.awaited(pending, back.customer.id, subscription.id, subscription.currency)
    now = tx.now.replace(microsecond=0)
    fields = bill.subscription_fields(subscription)
    return bill.draft(
        tx,
        back.customer,
        lines,
        items,
        **fields,
        billing_reason="subscription_update",
        auto_advance=False,
        period_start=now,
        period_end=now,
    )


def come_back(tx: Tx, subscription: Subscription, back: Return, invoice: Invoice | None) -> Subscription:
    """Write the periods and the status, and tell it."""
    view = change.views(tx, subscription)
    changes: dict[str, Any] = {"latest_invoice": invoice.id} if invoice else {}
    changes.update(sweep.going_on(subscription, back.anchor, tx.now))
    rows.update_many(
        tx, [(part.item, {name: getattr(part.item, name) for name in PERIOD}) for part in back.parts]
    )
    resumed = rows.update(
        tx,
        subscription,
        event=None,
        status=lifecycle.after(lifecycle.SUBSCRIPTION, subscription.status, "resume"),
        status_details=None,
        pending_change=None,
        billing_cycle_anchor=back.anchor,
        **changes,
    )
    timers.set(tx, resumed, [part.item for part in back.parts])
    sweep.set(tx, resumed)
    rows.emit(tx, [(resumed, None)], "customer.subscription.resumed")
    change.tell(tx, view.shown, resumed)
    entitle.tell(tx, subscription.customer, view.held)
    return resumed


# ------------------------------------------------------------------------------------- only if it is paid


def if_paid(tx: Tx, subscription: Subscription, back: Return, wanted: Resume) -> Steps:
    """Try to collect within the request; it stays paused until its invoice is paid, 23 hours at most."""
    ids = sorted((new_id("ii_") for _ in back.plan.items), reverse=True)
    prorate.write_items(tx, back.plan, ids)
    [invoice] = bill.write(tx, [draft_of(tx, subscription, back)], proposed=True)
    kept = {"job": PAID, "invoice": invoice.id, "items": ids, "sent": propose.resent(wanted)}
    rows.update(tx, subscription, event=None, pending_change={**kept, "now": seconds(tx.now)})
    jobs.put(tx, EXPIRES, subscription.id, tx.now + propose.PATIENCE)
    [opened] = finalize.finalize_many(tx, [invoice.id])
    if opened.status == "open":
        tx = yield from collect.attempt_invoice(tx, opened, automatic=False, off_session=False)
        tx = clocks.enter(tx, opened.test_clock)
    return accept(tx, rows.lock(tx, Subscription, subscription.id))


@job(PAID, batch=1)
def accept_due(tx: Tx, refs: list[str]) -> None:
    """The invoice of a resumption was paid after its request."""
    accept(tx, rows.lock(tx, Subscription, refs[0]))


def accept(tx: Tx, subscription: Subscription) -> Subscription:
    """Come back as it was agreed then, if the invoice is paid."""
    kept = subscription.pending_change
    invoice = rows.find(tx, Invoice, kept["invoice"]) if kept and kept.get("job") == PAID else None
    if kept is None or invoice is None or invoice.status != "paid" or subscription.status != "paused":
        return subscription
    jobs.cancel(tx, PAID, subscription.id)
    jobs.cancel(tx, EXPIRES, subscription.id)
    then = instant(kept["now"])
    assert then is not None
    back = considered(tx.at(tx.clock, then), subscription, read(Resume, kept["sent"]))
    prorate.write_periods(tx, back.plan, kept["items"])
    lines = rows.select(tx, InvoiceLine, "invoice = %(id)s", id=invoice.id)
    rows.insert_many(tx, bill.periods_of(lines))
    return come_back(tx, subscription, back, invoice)


@job(EXPIRES, batch=1)
def expire(tx: Tx, refs: list[str]) -> None:
    """Nobody paid in time: the invoice is void, and the subscription stays paused."""
    withdraw(tx, rows.lock(tx, Subscription, refs[0]))


def withdraw(tx: Tx, subscription: Subscription) -> Subscription:
    """Void the invoice of a resumption that waits; asked again, a new one takes its place."""
    kept = subscription.pending_change
    if kept is None or kept.get("job") != PAID:
        return subscription
    jobs.cancel(tx, EXPIRES, subscription.id)
    invoice = rows.lock(tx, Invoice, kept["invoice"])
    if invoice.status in ("open", "uncollectible"):
        void.void_invoice(tx, invoice)
    return rows.update(tx, rows.find(tx, Subscription, subscription.id), event=None, pending_change=None)
