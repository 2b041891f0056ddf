"""Tell what an act on a subscription bills now and next: carry it out, show it, and roll it back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billow.api import rows
from billow.core.errors import Refused
from billow.flows.invoices import finalize
from billow.flows.previews import create_preview, next_invoice
from billow.flows.subscription_changes import apply, pending_updates, sync_schedule
from billow.flows.subscription_changes.apply import Applied
from billow.flows.subscription_changes.params import Change, check_proration_date, check_proration_period
from billow.flows.subscription_terms.params import Subscribe
from billow.flows.subscriptions import cancel, create, pause, resume
from billow.flows.subscriptions.pause import Pause
from billow.flows.subscriptions.resume import Resume
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store import clocks
from billow.store.tx import Tx

Doing = Callable[[Tx], Applied]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an act leads to: the invoice that it makes at once, the next one, and what stays pending.

    Invoices are as the API shows them; None where there is none.
    """

    now: dict[str, Any] | None
    next: dict[str, Any] | None
    pending: int
    currency: str
    ends: datetime | None

    @property
    def mark(self) -> str:
        """Return the amounts in one line, by which a later outcome is compared with what was agreed to."""
        parts = [(one["amount_due"], one["total"]) if one else None for one in (self.now, self.next)]
        return f"{parts[0]} {parts[1]} {self.pending} {self.currency}"


def of_change(tx: Tx, subscription: Subscription, wanted: Change) -> Outcome:
    """Tell what an update leads to; its payment is taken as made."""

    def change(trial: Tx) -> Applied:
        check_proration_date(wanted.proration_date, wanted.billing_cycle_anchor, wanted.proration_behavior)
        done = apply.apply(trial, pending_updates.withdraw(trial, subscription), wanted)
        sync_schedule.sync_schedule(trial, done.subscription)
        return done

    return outcome(tx, change)


def of_cancellation(
    tx: Tx, subscription: Subscription, *, invoice_now: bool, prorates: bool, unused_since: datetime | None
) -> Outcome:
    """Tell what the end of a subscription now leads to."""

    def end(trial: Tx) -> Applied:
        check_proration_period(trial, subscription, unused_since)
        cancel.cancel_now(
            trial, subscription, invoice_now=invoice_now, prorates=prorates, unused_since=unused_since
        )
        return create_preview.result_of(trial, subscription)

    return outcome(tx, end)


def of_pause(tx: Tx, subscription: Subscription, wanted: Pause) -> Outcome:
    """Tell what a pause leads to."""

    def stop(trial: Tx) -> Applied:
        pause.pause(trial, subscription, wanted)
        return create_preview.result_of(trial, subscription)

    return outcome(tx, stop)


def of_resumption(tx: Tx, subscription: Subscription, wanted: Resume) -> Outcome:
    """Tell what the resumption of a paused subscription leads to."""

    def go_on(trial: Tx) -> Applied:
        resume.check(subscription)
        check_proration_date(wanted.proration_date, wanted.billing_cycle_anchor, wanted.proration_behavior)
        planned = resume.plan_resumption(trial, subscription, wanted)
        return resume.carry_out(trial, subscription, planned, wanted)

    return outcome(tx, go_on)


def of_new(tx: Tx, customer: Customer, wanted: Subscribe) -> Outcome:
    """Tell what a new subscription leads to; its first payment is taken as made."""

    def begin(trial: Tx) -> Applied:
        begun, invoice = create.begin(trial, customer, wanted, create.prices_of(trial, wanted))
        return Applied(create_preview.as_paid(trial, begun), invoice)

    return outcome(clocks.enter(tx, customer.test_clock), begin)


def as_it_is(tx: Tx, subscription: Subscription) -> Outcome:
    """Tell what is billed next and what is pending while nothing is done."""
    return outcome(tx, lambda trial: Applied(subscription, None))


def outcome(tx: Tx, do: Doing) -> Outcome:
    """Carry an act out in a savepoint that is rolled back, and tell what it leads to."""
    return next_invoice.dry_run(tx, lambda trial: seen(trial, do(trial)))


def seen(tx: Tx, done: Applied) -> Outcome:
    """Return what an act has led to in this transaction.

    Its own invoice is finalized first: what that takes from the customer's balance is not there for the next.
    """
    now = next_invoice.show_upcoming(tx, done.invoice) if done.invoice else None
    if done.invoice and rows.find(tx, Invoice, done.invoice.id).status == "draft":
        finalize.by_itself(tx, [done.invoice.id])
    changed = rows.find(tx, Subscription, done.subscription.id)
    left = tx.tuples(
        "select coalesce(sum(amount), 0) from invoice_items"
        " where invoice is null and customer = %(customer)s and subscription = %(id)s",
        customer=changed.customer,
        id=changed.id,
    )
    pending, ends = int(left[0][0]), changed.ended_at or changed.cancel_at
    return Outcome(now, upcoming(tx, changed), pending, changed.currency or "usd", ends)


def upcoming(tx: Tx, subscription: Subscription) -> dict[str, Any] | None:
    """Return the next invoice of a subscription, as the API shows it; None where there will be none."""
    try:
        made = next_invoice.next_invoice(tx, subscription)
    except Refused as refused:
        if refused.code != next_invoice.NO_UPCOMING:
            raise
        return None
    return next_invoice.show_upcoming(tx, made)
