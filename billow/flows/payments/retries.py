"""Schedule the next attempt after a failed payment, or apply the policy after the last one."""

from dataclasses import dataclass
from datetime import timedelta

from billow.api import rows
from billow.core import dunning
from billow.flows.mails import outbox
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


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt: whether a schedule made it, why it failed, with which method, and if it was sent."""

    automatic: bool
    code: str
    method: str | None
    sent: bool


def record_failure(
    tx: Tx, customer: Customer, subscription: Subscription | None, invoice: Invoice, failure: Failure
) -> None:
    """Record a failed attempt: schedule the next one, or apply the policy for the last.

    Emits `invoice.updated` and `invoice.payment_failed`, and updates the subscription and the customer.
    """
    automatic = failure.automatic
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
    if step:
        order_mail(tx, invoice, failure, count, step)
    if isinstance(step, dunning.GiveUp) and subscription:
        transitions.give_up(tx, rows.find(tx, Subscription, subscription.id))


OUTCOMES = {action: word for word, action in dunning.FINALLY.items()}
"""The word of the setting for each final action, as mails know it."""


def order_mail(
    tx: Tx, invoice: Invoice, failure: Failure, failures: int, step: dunning.Retry | dunning.GiveUp
) -> None:
    """Order the mail of a failure: why, when it is tried again, and what is lost when."""
    policy, asks = outside_of(tx).dunning, failure.code == "authentication_required"
    following, last = None, None
    if isinstance(step, dunning.Retry):
        following = int(step.at.timestamp())
        last = int((step.at + sum(policy.waits[failures:], timedelta())).timestamp())
    facts = {
        "failures": failures,
        "left": len(policy.waits) - failures + 1,
        "reason": failure.code,
        "hard": dunning.hard_decline(failure.code, None) or failure.method is None,
        "next": following,
        "last": last,
        "outcome": OUTCOMES[policy.finally_],
    }
    kind = "payment_action_required" if asks and following else "payment_failed"
    outbox.order(tx, [outbox.Mail(kind, invoice.id, invoice.customer, facts, failures)])


def is_new(subscription: Subscription | None) -> bool:
    return subscription is not None and subscription.status == "incomplete"
