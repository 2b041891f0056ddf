"""Update a subscription on request, and collect what the change bills at once."""

from typing import Any

from billow.api import rows
from billow.core import dunning
from billow.flows.customers import waiting_retries
from billow.flows.invoices import finalize
from billow.flows.payments import collect, pay_invoice, retries
from billow.flows.subscription_changes import apply, awaiting_payment, pending_updates, sync_schedule
from billow.flows.subscription_changes.params import Change, check_proration_date
from billow.flows.subscription_status import transitions
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.subscription import Subscription
from billow.store import clocks, jobs
from billow.store.perform import Steps
from billow.store.tx import Tx


@Subscription.update(Change)
def update(tx: Tx, subscription: Subscription, wanted: Change) -> Steps:
    """Update a subscription: its items, periods, trial, payment settings or end."""
    _, answer = yield from carry_out(tx, subscription, wanted)
    return answer


def carry_out(tx: Tx, subscription: Subscription, wanted: Change) -> Steps:
    """Carry out an update; a pending update is withdrawn first.

    Returns the transaction it ends in, and the subscription as it is then, or the refusal of its payment.
    """
    check_proration_date(wanted.proration_date, wanted.billing_cycle_anchor, wanted.proration_behavior)
    subscription = pending_updates.withdraw(tx, subscription)
    if pending_updates.requires_payment(subscription, wanted):
        return (yield from change_if_paid(tx, subscription, wanted))
    done = apply.apply(tx, subscription, wanted)
    sync_schedule.sync_schedule(tx, done.subscription)
    if done.invoice:
        tx = yield from collect_at_once(tx, done.invoice, wanted)
    if wanted.default_payment_method or wanted.default_source:
        waiting_retries.retry_with_new_method(tx, rows.find(tx, Customer, subscription.customer))
    return tx, rows.find(tx, Subscription, subscription.id)


def collect_at_once(tx: Tx, invoice: Invoice, wanted: Change) -> Steps:
    """Finalize the invoice of a change and collect it in the request; one that is sent waits for an hour."""
    if invoice.collection_method == "send_invoice":
        return tx
    opened = next(iter(finalize.by_itself(tx, [invoice.id])), None)
    if opened is None or opened.status != "open":
        return tx
    if wanted.payment_behavior == "default_incomplete":
        transitions.miss_payment(tx, rows.find(tx, Subscription, opened.subscription or ""), opened)
        return tx
    tx = yield from collect.attempt_invoice(tx, opened, automatic=False, off_session=wanted.off_session)
    tx = clocks.enter(tx, opened.test_clock)
    schedule_retry(tx, opened.id)
    return tx


def schedule_retry(tx: Tx, id: str) -> None:
    """Schedule a retry for an invoice that was not paid in the request (§8.6)."""
    invoice = rows.lock(tx, Invoice, id)
    if invoice.status != "open":
        return
    subscription = rows.find_many(tx, Subscription, [invoice.subscription or ""]).get(
        invoice.subscription or ""
    )
    step = retries.plan(tx, subscription, invoice, retries.failure_of(tx, invoice), 1).step
    if isinstance(step, dunning.Retry):
        rows.update(tx, invoice, auto_advance=True, next_payment_attempt=step.at)
        jobs.put(tx, "invoice.collect", invoice.id, step.at)


def change_if_paid(tx: Tx, subscription: Subscription, wanted: Change) -> Steps:
    """Carry out the change only once it is paid; it waits for that, or is refused with 402 (§5.3, §5.11)."""
    done = pending_updates.propose(tx, subscription, wanted)
    if done.invoice is None:
        return tx, done.subscription
    tx, opened = yield from awaiting_payment.collect_now(tx, done.invoice, off_session=wanted.off_session)
    updated = pending_updates.accept(tx, rows.lock(tx, Subscription, subscription.id))
    if updated.pending_change is None or wanted.payment_behavior == "pending_if_incomplete":
        return tx, updated
    return tx, withdraw_refused(tx, updated, opened)


def withdraw_refused(tx: Tx, subscription: Subscription, invoice: Invoice) -> Any:
    """Void the invoice of a change whose payment failed, and return the reason as an error."""
    answer = pay_invoice.decline_error(
        tx, rows.find(tx, PaymentIntent, invoice.payment_intent or ""), "subscription"
    )
    pending_updates.withdraw(tx, subscription)
    return answer
