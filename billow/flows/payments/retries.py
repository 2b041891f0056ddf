"""Schedule the next attempt after a failed payment, or apply the policy after the last one."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from billow.api import rows
from billow.core import dunning
from billow.flows.invoices import void
from billow.flows.mails import outbox
from billow.flows.subscription_status import policies, transitions
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.tx import Tx

log = logging.getLogger("billow.payments")
PAYMENTS = 12
"""How many of a customer's latest payments tell when they usually succeed."""


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

    @property
    def asks(self) -> bool:
        """Whether the bank wants the customer, who was not there, to authenticate."""
        return self.sent and self.code == "authentication_required"

    @property
    def kind(self) -> str:
        """The class of the decline."""
        return dunning.class_of(self.code, self.method is not None)


@dataclass(frozen=True, slots=True)
class Plan:
    """What follows a failure, and the policy that says so."""

    step: dunning.Retry | dunning.GiveUp
    policy: dunning.Policy


def record_failure(
    tx: Tx, customer: Customer, subscription: Subscription | None, invoice: Invoice, failure: Failure
) -> None:
    """Record a failed attempt: schedule the next one, or apply the policy for the last.

    Emits `invoice.updated` and `invoice.payment_failed`, before it `invoice.payment_action_required` where
    the customer must authenticate (§8.5), and updates the subscription and the customer.
    """
    automatic = failure.automatic
    count = attempt_count_after(invoice, automatic)
    first = invoice.billing_reason == "subscription_create"
    retried = automatic and invoice.auto_advance and not (first and is_new(subscription))
    plan_ = plan(tx, subscription, invoice, failure, count) if retried else None
    step = plan_.step if plan_ else None
    following = (
        step.at if isinstance(step, dunning.Retry) else invoice.next_payment_attempt if not retried else None
    )
    said = (*(["invoice.payment_action_required"] if failure.asks else []), "invoice.payment_failed")
    changed = rows.update(
        tx,
        invoice,
        event=("updated", *said),
        attempted=True,
        attempt_count=count,
        next_payment_attempt=following,
    )
    if changed is invoice:  # a further failure by hand, which moves nothing
        rows.emit(tx, [(invoice, None)], said)
    if isinstance(step, dunning.Retry):
        jobs.put(tx, "invoice.collect", invoice.id, step.at)
    if subscription:
        transitions.miss_payment(tx, subscription, invoice)
    if automatic:
        transitions.set_delinquent(tx, customer, True)
    if plan_:
        order_mail(tx, invoice, failure, count, plan_)
    if plan_ and isinstance(step, dunning.GiveUp):
        give_up(tx, subscription, invoice, plan_.policy)


def void_first(tx: Tx, invoice: Invoice) -> None:
    """Void the first invoice of a subscription that began while its payment was on its way, and failed.

    Emits `invoice.updated`, `invoice.payment_failed`, `payment_intent.canceled` and `invoice.voided`.
    """
    failed = rows.update(
        tx,
        invoice,
        event=("updated", "invoice.payment_failed"),
        attempted=True,
        attempt_count=attempt_count_after(invoice, automatic=False),
        next_payment_attempt=None,
    )
    void.void_invoice(tx, failed)


def give_up(tx: Tx, subscription: Subscription | None, invoice: Invoice, policy: dunning.Policy) -> None:
    """Apply the final actions of the policy to the subscription and then to the invoice."""
    if subscription:
        transitions.give_up(tx, rows.find(tx, Subscription, subscription.id))
    if policy.writes_off:
        void.update_subscription(
            tx, void.write_off(tx, rows.find(tx, Invoice, invoice.id), "max_payment_attempts")
        )


# ------------------------------------------------------------------------------------- planning


def plan(tx: Tx, subscription: Subscription | None, invoice: Invoice, failure: Failure, count: int) -> Plan:
    """Plan what follows the n-th failure of an invoice, and note it with the reason of the time.

    A retry that cannot succeed, since the method was refused for good, is planned by the schedule alone.
    """
    policy = policies.policy_of(tx, subscription, invoice, failure.kind)
    first = first_failure(tx, invoice) or tx.now - sum(policy.waits[: count - 1], timedelta())
    prefers = policy.prefers is not None and policy.prefers.habits
    paid_at = payments_of(tx, invoice.customer) if prefers else []
    step = dunning.suiting(dunning.Failures(first, tx.now, count), policy, paid_at)
    at, reason = (step.at, step.reason) if isinstance(step, dunning.Retry) else (None, step.action)
    log.info(
        "%s invoice %s failed (%s), attempt %d; next: %s, %s",
        *(tx.tenant, invoice.id, failure.code, count, at or "none", reason),
    )
    note(tx, invoice, failure, count, at, reason)
    return Plan(step, policy)


def note(tx: Tx, invoice: Invoice, failure: Failure, count: int, at: datetime | None, reason: str) -> None:
    tx.run(
        "insert into payment_failures (invoice, number, created, code, class, payment_method, sent, next_at,"
        " reason) values (%(invoice)s, %(number)s, %(now)s, %(code)s, %(class)s, %(method)s, %(sent)s,"
        " %(at)s, %(reason)s) on conflict (tenant, invoice, number) do update set created = excluded.created,"
        " code = excluded.code, class = excluded.class, payment_method = excluded.payment_method,"
        " sent = excluded.sent, next_at = excluded.next_at, reason = excluded.reason",
        invoice=invoice.id,
        number=count,
        now=tx.now,
        code=failure.code,
        method=failure.method,
        sent=failure.sent,
        at=at,
        reason=reason,
        **{"class": failure.kind},
    )


def first_failure(tx: Tx, invoice: Invoice) -> datetime | None:
    row = tx.one("select min(created) as at from payment_failures where invoice = %(id)s", id=invoice.id)
    at: datetime | None = row["at"] if row else None
    return at


def payments_of(tx: Tx, customer: str) -> Sequence[datetime]:
    """Return when the latest payments of a customer succeeded."""
    found = tx.tuples(
        "select created from charges where customer = %(id)s and status = 'succeeded'"
        " order by created desc, id desc limit %(most)s",
        id=customer,
        most=PAYMENTS,
    )
    return [at for (at,) in found]


def failure_of(tx: Tx, invoice: Invoice) -> Failure:
    """Return how the payment of an invoice failed in a request, from its intent."""
    intent = rows.find_many(tx, PaymentIntent, [invoice.payment_intent or ""]).get(
        invoice.payment_intent or ""
    )
    error = (intent.last_payment_error if intent else None) or {}
    method = (error.get("payment_method") or {}).get("id")
    code = error.get("decline_code") or error.get("code") or "authentication_required"
    return Failure(False, code, method or (intent.payment_method if intent else None), sent=True)


# ------------------------------------------------------------------------------------- mails

OUTCOMES = {action: word for word, action in dunning.FINALLY.items()}
"""The word of the setting for each final action, as mails know it."""


def order_mail(tx: Tx, invoice: Invoice, failure: Failure, failures: int, plan: Plan) -> None:
    """Order the mail of a failure: why, when it is tried again, and what is lost when."""
    step, waits = plan.step, plan.policy.waits
    following, last = None, None
    if isinstance(step, dunning.Retry):
        following = int(step.at.timestamp())
        last = int((step.at + sum(waits[failures:], timedelta())).timestamp())
    facts = {
        "failures": failures,
        "left": len(waits) - failures + 1,
        "reason": failure.code,
        "hard": failure.kind == "hard",
        "next": following,
        "last": last,
        "outcome": OUTCOMES[plan.policy.finally_],
    }
    asks = failure.code == "authentication_required" and following
    kind = "payment_action_required" if asks else "payment_failed"
    outbox.order(tx, [outbox.Mail(kind, invoice.id, invoice.customer, facts, failures)])


def is_new(subscription: Subscription | None) -> bool:
    return subscription is not None and subscription.status == "incomplete"
