"""Change the status of a subscription when its invoice is paid, missed or given up."""

from datetime import datetime
from typing import Any

from billow.api import rows
from billow.api.fields import seconds
from billow.core import lifecycle, timers
from billow.flows.subscription_status import end, entitlements, latest_invoice
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_method import PaymentMethod
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.tx import Tx

FIRST_PAYMENT = timers.FIRST_PAYMENT
"""How long the first payment of a subscription may take."""
RUNNING_WITHOUT_TRIAL = ("active", "past_due", "unpaid")
"""The statuses that change when the last retry of a payment fails: the others are in a trial, paused or over
(§5.2)."""


def miss_payment(tx: Tx, subscription: Subscription, invoice: Invoice) -> None:
    """Make a subscription past due, since its latest invoice is not paid; incomplete if it is the first.

    An invoice that is not the latest changes nothing. Emits the update, or the creation if none was emitted.
    """
    if subscription.status in ("canceled", "incomplete_expired") or not latest_invoice.is_latest(
        tx, subscription, invoice
    ):
        return
    if subscription.provisional:
        # The request that created it takes it back and answers with the reason; if that crashed, the timer
        # takes it back.
        jobs.put(tx, "subscription.expire", subscription.id, tx.wall, clock="wall")
        return
    status = lifecycle.after(lifecycle.SUBSCRIPTION, subscription.status, "miss_payment")
    emit_change(tx, subscription, status=status)


def give_up(tx: Tx, subscription: Subscription) -> None:
    """Apply the final action of the dunning policy, unless the invoices lead to active (§5.2)."""
    verdict = latest_invoice.verdict(tx, subscription)
    if verdict != "activate" and subscription.status in RUNNING_WITHOUT_TRIAL:
        apply_verdict(tx, subscription, verdict)


def apply_verdict(tx: Tx, subscription: Subscription, verdict: str) -> None:
    """Cancel a subscription or change its status, as its invoices and the dunning policy require.

    Locks the subscription to cancel it. Emits the update or the deletion.
    """
    if verdict == "cancel":
        end.end(tx, rows.lock(tx, Subscription, subscription.id), "payment_failed")
        return
    action = "miss_payment" if verdict == "leave_past_due" else verdict
    emit_change(tx, subscription, status=lifecycle.after(lifecycle.SUBSCRIPTION, subscription.status, action))


def await_action(tx: Tx, subscription: Subscription | None, invoice: Invoice) -> None:
    """Note that the customer must authenticate the payment: it was attempted, and is missing until then.

    Emits an update of the invoice and, if it is the latest, of the subscription.
    """
    rows.update(tx, invoice, attempted=True)
    if subscription:
        miss_payment(tx, subscription, invoice)


def record_payment(
    tx: Tx, subscription: Subscription, invoice: Invoice, method: PaymentMethod | None
) -> None:
    """Activate a subscription whose latest invoice was paid, and save the payment method if it asks for it.

    The caller holds the subscription. If a pending update waits for this invoice, its job is put. Emits the
    creation of an incomplete subscription, otherwise an update, and the customer's entitlements.
    """
    changes: dict[str, str] = {}
    if subscription.pending_change and latest_invoice.proposed_invoice(subscription) == invoice.id:
        jobs.put(tx, subscription.pending_change["job"], subscription.id, tx.now)
    awaits_payment = subscription.status in ("incomplete", "past_due", "unpaid")
    if awaits_payment and latest_invoice.is_latest(tx, subscription, invoice):
        changes["status"] = paid_status(subscription, tx.now)
    if method and subscription.payment_settings.get("save_default_payment_method") == "on_subscription":
        changes["default_payment_method"] = method.id
    if changes.get("status") in ("active", "trialing"):
        jobs.cancel(tx, "subscription.expire", subscription.id)
    if subscription.status == "incomplete":
        renew_if_due(tx, subscription)
    emit_change(tx, rows.update(tx, subscription, event=None, provisional=False), **changes)


def paid_status(subscription: Subscription, now: datetime) -> str:
    """Return the status after a payment: active, or trialing if it was incomplete during its trial (§5.2)."""
    in_trial = subscription.status == "incomplete" and subscription.trial_end and subscription.trial_end > now
    return lifecycle.after(
        lifecycle.SUBSCRIPTION, subscription.status, "start_trial" if in_trial else "activate"
    )


def renew_if_due(tx: Tx, subscription: Subscription) -> None:
    """Renew or end a subscription now whose first period ended before it was paid.

    A first period may be shorter than the 23 hours that its payment may take.
    """
    row = tx.one(
        "select min(current_period_end) as due from subscription_items where subscription = %(id)s",
        id=subscription.id,
    )
    if row and row["due"] and row["due"] <= tx.now:
        timer = "subscription.end" if subscription.cancel_at == row["due"] else "subscription.renew"
        jobs.put(tx, timer, subscription.id, tx.now)


def emit_change(tx: Tx, subscription: Subscription, **changes: str) -> Subscription:
    """Write changes of a subscription and emit its creation the first time, an update later.

    The creation is emitted after the first payment, with the status that followed from it, and sets the
    currency of the customer. Emits the customer's entitlements where they changed.
    """
    if subscription.told and not changes.get("status"):
        return rows.update(tx, subscription, **changes)
    before = entitlements.entitlements_of(tx, subscription.customer)
    if subscription.told:
        changed = rows.update(tx, subscription, **changes)
        entitlements.emit_summary(tx, subscription.customer, before)
        return changed
    created = rows.update(tx, subscription, event="created", told=True, **changes)
    entitlements.emit_summary(tx, subscription.customer, before)
    customer = rows.find(tx, Customer, subscription.customer)
    rows.update(tx, customer, currency=customer.currency or subscription.currency)
    return created


def set_delinquent(tx: Tx, customer: Customer, delinquent: bool) -> None:
    """Set `delinquent` of a customer after a change of any of its invoices (§3.1); emit it if it changed."""
    rows.update(tx, rows.find(tx, Customer, customer.id), delinquent=delinquent)


def status_in_next_period(status: str) -> str:
    """Return the status after a renewal: trialing becomes active, every other status stays."""
    return lifecycle.after(lifecycle.SUBSCRIPTION, status, "activate") if status == "trialing" else status


def pause(tx: Tx, subscription: Subscription) -> None:
    """Pause a subscription whose trial ended without a payment method, until `/resume` (§5.13).

    Emits that it was paused, its update, and the entitlements that its customer loses.
    """
    before = entitlements.entitlements_of(tx, subscription.customer)
    rows.update(
        tx,
        subscription,
        event=("customer.subscription.paused", "updated"),
        status=lifecycle.after(lifecycle.SUBSCRIPTION, subscription.status, "pause"),
        status_details=paused_details(tx, "trial_end_without_payment_method"),
    )
    entitlements.emit_summary(tx, subscription.customer, before)


def paused_details(tx: Tx, why: str) -> dict[str, Any]:
    """Return `status_details` of a subscription that is paused now, with the reason (§5.13)."""
    return {
        "paused": {"subscription": {"type": why}, "transitioned_at": seconds(tx.now), "type": "subscription"}
    }


def expire_incomplete(tx: Tx, subscription: Subscription) -> None:
    """Expire a subscription whose first invoice was not paid; cancel its timers and emit the update."""
    for timer in end.TIMERS:
        jobs.cancel(tx, timer, subscription.id)
    status = lifecycle.after(lifecycle.SUBSCRIPTION, subscription.status, "expire")
    rows.update(tx, subscription, ended_at=tx.now, status=status)
