"""Make the next invoice of a subscription, schedule or customer, and show it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from billow.api import render, rows
from billow.api.versions.showing import show_now
from billow.core import lifecycle
from billow.core.errors import Refused
from billow.flows.billing import drafts, oversize, pending_items
from billow.flows.schedules import run_phase
from billow.flows.subscription_terms import pending_item_invoices
from billow.flows.subscriptions import cancel, renew
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.resources.subscription_schedule import LIVING, SubscriptionSchedule
from billow.store.ids import secret
from billow.store.tx import Tx

T = TypeVar("T")


def dry_run(tx: Tx, see: Callable[[Tx], T]) -> T:
    """Return what a function shows, and roll back everything that it wrote."""
    with tx.taken_back() as apart:
        apart.notes[oversize.PREVIEW] = True
        return see(apart)


PENDING_ITEMS_REASON = "automatic_pending_invoice_item_invoice"
"""The billing reason of an invoice with nothing but pending items."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happens before a period ends: a phase begins, or pending items are billed on their own date."""

    at: datetime
    run: Callable[[Tx, list[str]], None]
    ref: str


def next_invoice(tx: Tx, subscription: Subscription, *, apart: bool = True) -> Invoice:
    """Write the next invoice as it would be now: that of the next period, or an earlier one.

    Without `apart` an invoice of pending items alone, on dates of its own, is passed over (§5.16), and no
    invoice after the end of the current period is made, even if the following one is billed in advance.
    """
    step = next_step(tx, subscription)
    if step is None:
        return at_period_end(tx, subscription, apart)
    then = tx.at(tx.clock, max(step.at, tx.now))
    step.run(then, [step.ref])
    after = rows.find(tx, Subscription, subscription.id)
    billed = newer_invoice(tx, after.latest_invoice, subscription.latest_invoice)
    if billed and (apart or billed.billing_reason != PENDING_ITEMS_REASON):
        return billed
    return next_invoice(then, after, apart=apart)


def at_period_end(tx: Tx, subscription: Subscription, beyond: bool) -> Invoice:
    """Write the invoice of the end of the current period; with `beyond`, of a later one where it has none."""
    before, due = subscription.latest_invoice, period_end(tx, subscription)
    if due is None or subscription.status not in lifecycle.RENEWING:
        raise no_upcoming()
    then = tx.at(tx.clock, max(due, tx.now))
    if subscription.cancel_at and subscription.cancel_at <= due:
        return require_invoice(
            cancel.final_invoice(then, subscription, subscription.cancel_at, "subscription_cycle")
        )
    renew.renew(then, [subscription.id])
    renewed = rows.find(tx, Subscription, subscription.id)
    billed = newer_invoice(tx, renewed.latest_invoice, before)
    if billed is None and beyond and period_end(tx, renewed) != due:
        # A period that was billed in advance ends without an invoice (§5.16).
        return next_invoice(then, renewed)
    return require_invoice(billed)


def newer_invoice(tx: Tx, latest: str | None, before: str | None) -> Invoice | None:
    """Return the latest invoice if it is another than before, else None."""
    return rows.find(tx, Invoice, latest) if latest and latest != before else None


def period_end(tx: Tx, subscription: Subscription) -> datetime | None:
    """Return when the first of the current periods ends."""
    items = rows.below(tx, SubscriptionItem, "subscription", [subscription.id])[subscription.id]
    return min((item.current_period_end for item in items), default=None)


def next_step(tx: Tx, subscription: Subscription) -> Step | None:
    """Return what happens first before or with the end of the period; None where nothing does."""
    planned = rows.find_many(tx, SubscriptionSchedule, [subscription.schedule or ""]).values()
    steps = [
        Step(run_phase.next_due(one), run_phase.begin_phase, one.id)
        for one in planned
        if one.status == "active"
    ]
    if (swept := next_pending_item_invoice(tx, subscription)) is not None:
        steps.append(Step(swept, pending_item_invoices.invoice_pending_items, subscription.id))
    due, first = period_end(tx, subscription), min(steps, key=lambda step: step.at, default=None)
    return first if first and due and first.at <= max(due, tx.now) else None


def next_pending_item_invoice(tx: Tx, subscription: Subscription) -> datetime | None:
    """Return the next date on which pending items are billed by themselves; None where nothing is pending."""
    at, interval = subscription.next_pending_invoice_item_invoice, subscription.pending_invoice_item_interval
    if at is None or interval is None or subscription.status not in lifecycle.RENEWING:
        return None
    pending = pending_items.pending_items(tx, [subscription.customer])
    if not pending_items.take(pending, subscription.customer, subscription.id, subscription.currency):
        return None
    if at < tx.now:
        at = pending_item_invoices.next_date(interval, subscription.billing_cycle_anchor, tx.now)
        rows.update(tx, subscription, event=None, next_pending_invoice_item_invoice=at)
    return at


def of_schedule(tx: Tx, schedule: SubscriptionSchedule) -> Invoice:
    """Write the next invoice of a schedule's subscription, or its first one where it has not started yet."""
    check_runs(schedule)
    at, found = start_schedule(tx, schedule)
    subscription = rows.lock(tx, Subscription, found.subscription or "")
    first = None if schedule.subscription else newer_invoice(tx, subscription.latest_invoice, None)
    return first or next_invoice(at, subscription)


def start_schedule(tx: Tx, schedule: SubscriptionSchedule) -> tuple[Tx, SubscriptionSchedule]:
    """Return the schedule with its subscription, and the transaction at the time when it has one.

    That is now, or when it starts.
    """
    if schedule.subscription:
        return tx, schedule
    then = tx.at(tx.clock, max(run_phase.next_due(schedule), tx.now))
    run_phase.begin_phase(then, [schedule.id])
    return then, rows.find(tx, SubscriptionSchedule, schedule.id)


def check_runs(schedule: SubscriptionSchedule) -> None:
    """Refuse a schedule that has ended."""
    if schedule.status not in LIVING:
        raise no_upcoming()


def of_customer(tx: Tx, customer: Customer, currency: str | None) -> Invoice:
    """Write an invoice of the customer's pending items."""
    pending = pending_items.pending_items(tx, [customer.id])
    first = next((item.currency for item in pending.get(customer.id, [])), "usd")
    currency = currency or customer.currency or first
    items = pending_items.for_manual_invoice(tx, customer.id, None, currency)
    if not items:
        raise no_upcoming()
    made = drafts.draft(tx, customer, [], items, currency=currency, period_start=tx.now, period_end=tx.now)
    return drafts.write(tx, [made])[0]


def require_invoice(invoice: Invoice | None) -> Invoice:
    """Return the invoice, or refuse with 404 where there is none."""
    if invoice is None:
        raise no_upcoming()
    return invoice


NO_UPCOMING = "invoice_upcoming_none"


def no_upcoming() -> Refused:
    """Return the refusal for a customer without an upcoming invoice."""
    return Refused("No upcoming invoices for customer", code=NO_UPCOMING, status=404)


#: Fields that every preview shows like those of a draft, even if the invoice would be finalized at once.
DRAFT_FIELDS: dict[str, Any] = {
    "attempted": False,
    "auto_advance": False,
    "automatically_finalizes_at": None,
    "billing_reason": "upcoming",
    "effective_at": None,
    "ending_balance": None,
    "hosted_invoice_url": None,
    "invoice_pdf": None,
    "number": None,
    "status": "draft",
}


def show_upcoming(tx: Tx, invoice: Invoice) -> dict[str, Any]:
    """Show the draft as a preview, with ids that do not exist and with all of its lines (§7.8)."""
    tree = tx.notes.get("expand", {})
    shown = render.one(tx, invoice, tree)
    inner = tree.get("lines", {}).get("data", {})
    lines = render.show(tx, rows.below(tx, InvoiceLine, "invoice", [invoice.id])[invoice.id], inner)
    id = f"upcoming_in_{secret('', 24)}"
    shown.update(**DRAFT_FIELDS, status_transitions=dict.fromkeys(shown["status_transitions"]))
    shown["lines"].update(data=lines, has_more=False, url=f"/v1/invoices/{id}/lines")
    show_now(tx, shown)  # while there is what it names
    shown["id"] = id
    for line in lines:
        line.update(id=f"il_tmp_{line['id'].removeprefix('il_')}", invoice=id)
    return shown
