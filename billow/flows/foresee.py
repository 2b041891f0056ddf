"""Which invoice comes next, of a subscription, a schedule or a customer, and how is it shown (§7.8)?

It is made: whoever asks stands in a savepoint, and takes back what was done to see it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import psycopg

from billow.api import render, rows
from billow.core.errors import Refused
from billow.flows import bill, cancel, enter, renew
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.resources.subscription_schedule import LIVING, SubscriptionSchedule
from billow.store.ids import secret
from billow.store.tx import Tx


def taken_back(tx: Tx, see: Callable[[Tx], dict[str, Any]]) -> dict[str, Any]:
    """What is seen where everything is tried, and nothing is kept, told or put."""
    seen: dict[str, Any] = {}
    with tx.conn.transaction() as savepoint:
        seen.update(see(replace(tx, notes=dict(tx.notes))))
        raise psycopg.Rollback(savepoint)
    return seen


def next_invoice(tx: Tx, subscription: Subscription) -> Invoice:
    """The invoice of the next end of a period, as it would be with what is known now."""
    before = subscription.latest_invoice
    subscription = through_phases(tx, subscription)
    if subscription.latest_invoice != before:
        return rows.find(tx, Invoice, subscription.latest_invoice or "")
    due = period_end(tx, subscription)
    if due is None or subscription.status not in renew.RENEWING:
        raise nothing()
    then = tx.at(tx.clock, max(due, tx.now))
    if subscription.cancel_at and subscription.cancel_at <= due:
        return found(cancel.final_invoice(then, subscription, subscription.cancel_at, "subscription_cycle"))
    renew.renew(then, [subscription.id])
    return found(invoice_of(tx, rows.find(tx, Subscription, subscription.id).latest_invoice, before))


def invoice_of(tx: Tx, latest: str | None, before: str | None) -> Invoice | None:
    """The latest invoice, where there is a later one than before."""
    return rows.find(tx, Invoice, latest) if latest and latest != before else None


def period_end(tx: Tx, subscription: Subscription) -> datetime | None:
    items = rows.select(tx, SubscriptionItem, "subscription = %(id)s", id=subscription.id)
    return min((item.current_period_end for item in items), default=None)


def through_phases(tx: Tx, subscription: Subscription) -> Subscription:
    """What a schedule makes of it until its period ends, or until a phase bills it."""
    planned = rows.find_many(tx, SubscriptionSchedule, [subscription.schedule or ""])
    for schedule in planned.values():
        step, due = enter.next_step(schedule), period_end(tx, subscription)
        if schedule.status == "active" and due and step <= max(due, tx.now):
            enter.go_on(tx.at(tx.clock, max(step, tx.now)), [schedule.id])
            changed = rows.find(tx, Subscription, subscription.id)
            done = changed.latest_invoice != subscription.latest_invoice
            return changed if done else through_phases(tx, changed)
    return subscription


def of_schedule(tx: Tx, schedule: SubscriptionSchedule) -> Invoice:
    """What its subscription is billed next; where it is to begin yet, its first invoice."""
    check_living(schedule)
    at, found = begun(tx, schedule)
    subscription = rows.lock(tx, Subscription, found.subscription or "")
    first = None if schedule.subscription else invoice_of(tx, subscription.latest_invoice, None)
    return first or next_invoice(at, subscription)


def begun(tx: Tx, schedule: SubscriptionSchedule) -> tuple[Tx, SubscriptionSchedule]:
    """A schedule with its subscription, and the instant at which it has it: now, or when it starts."""
    if schedule.subscription:
        return tx, schedule
    then = tx.at(tx.clock, max(enter.next_step(schedule), tx.now))
    enter.go_on(then, [schedule.id])
    return then, rows.find(tx, SubscriptionSchedule, schedule.id)


def check_living(schedule: SubscriptionSchedule) -> None:
    if schedule.status not in LIVING:
        raise nothing()


def of_customer(tx: Tx, customer: Customer, currency: str | None) -> Invoice:
    """The items that wait, on an invoice of their own."""
    pending = bill.pending_items(tx, [customer.id])
    first = next((item.currency for item in pending.get(customer.id, [])), "usd")
    currency = currency or customer.currency or first
    items = bill.awaited(pending, customer.id, None, currency)
    if not items:
        raise nothing()
    made = bill.draft(tx, customer, [], items, currency=currency, period_start=tx.now, period_end=tx.now)
    return bill.write(tx, [made])[0]


def found(invoice: Invoice | None) -> Invoice:
    if invoice is None:
        raise nothing()
    return invoice


NOTHING = "invoice_upcoming_none"


def nothing() -> Refused:
    return Refused("No upcoming invoices for customer", code=NOTHING, status=404)


# ------------------------------------------------------------------------------------- how it is shown


#: What no invoice says of itself before it is finalized, be it that the deed finalizes it at once.
NOT_YET: dict[str, Any] = {
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


def as_upcoming(tx: Tx, invoice: Invoice) -> dict[str, Any]:
    """The draft as a preview: ids of its own that lead nowhere, and all of its lines (§7.8)."""
    tree = tx.notes.get("expand", {})
    shown = render.one(tx, invoice, tree)
    inner = tree.get("lines", {}).get("data", {})
    lines = render.show(tx, rows.select(tx, InvoiceLine, "invoice = %(id)s", id=invoice.id), inner)
    id = f"upcoming_in_{secret('', 24)}"
    for line in lines:
        line.update(id=f"il_tmp_{line['id'].removeprefix('il_')}", invoice=id)
    shown.update(id=id, **NOT_YET)
    shown["status_transitions"] = dict.fromkeys(shown["status_transitions"])
    shown["lines"].update(data=lines, has_more=False, url=f"/v1/invoices/{id}/lines")
    return shown
