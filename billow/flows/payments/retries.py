"""Schedule the next attempt after a failed payment, or apply the policy after the last one."""

from billow.api import rows
from billow.core import dunning
from billow.flows.outside.outside import outside_of
from billow.flows.subscription_status import transitions
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.tx import Tx


def attempt_count_after(invoice: Invoice, automatic: bool) -> int:
    """Return the attempt count after an attempt: the first counts, later only automatic ones (§7.4)."""
    return invoice.attempt_count + 1 if automatic or invoice.attempt_count == 0 else invoice.attempt_count


def record_failure(
    tx: Tx, customer: Customer, subscription: Subscription | None, invoice: Invoice, *, automatic: bool
) -> None:
    """Record a failed attempt: schedule the next one, or apply the policy for the last.

    Emits `invoice.updated` and `invoice.payment_failed`, and updates the subscription and the customer.
    """
    count = attempt_count_after(invoice, automatic)
    first = invoice.billing_reason == "subscription_create"
    retried = automatic and invoice.auto_advance and not (first and is_new(subscription))
    step = dunning.next_step(tx.now, count, outside_of(tx).dunning) if retried else None
    following = (
        step.at if isinstance(step, dunning.Retry) else invoice.next_payment_attempt if not retried else None
    )
    rows.update(
        tx,
        invoice,
        event=("updated", "invoice.payment_failed"),
        attempted=True,
        attempt_count=count,
        next_payment_attempt=following,
    )
    if isinstance(step, dunning.Retry):
        jobs.put(tx, "invoice.collect", invoice.id, step.at)
    if subscription:
        transitions.miss_payment(tx, subscription, invoice)
    if automatic:
        transitions.set_delinquent(tx, customer, True)
    if isinstance(step, dunning.GiveUp) and subscription:
        transitions.give_up(tx, rows.find(tx, Subscription, subscription.id))


def is_new(subscription: Subscription | None) -> bool:
    return subscription is not None and subscription.status == "incomplete"
