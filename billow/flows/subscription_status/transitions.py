"""Change the status of a subscription when its invoice is paid, missed or given up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billow.api import rows
from billow.api.fields import seconds
from billow.core import lifecycle, timers
from billow.flows.mails import outbox
from billow.flows.subscription_status import end, entitlements, latest_invoice
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_method import PaymentMethod
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.tx import Tx

FIRST_PAYMENT = timers.FIRST_PAYMENT
"""How long the first payment of a subscription may take."""


def miss_payment(tx: Tx, subscription: Subscription, invoice: Invoice) -> None:
    """Make a subscription past due, since its latest invoice is not paid; incomplete if it is the first.

    An invoice that is not the latest changes nothing. Emits the update, or the creation if none was emitted.
    """
    if subscription.status in lifecycle.ENDED or not latest_invoice.is_latest(tx, subscription, invoice):
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
    said = latest_invoice.verdict(tx, subscription)
    if said != "activate" and subscription.status in lifecycle.STARTED:
        apply_verdict(tx, subscription, said)


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


def await_customer(tx: Tx, subscription: Subscription) -> None:
    """Leave a provisional subscription as long as any other for its customer to authenticate the payment."""
    clock, until = subscription.test_clock or "wall", subscription.created + FIRST_PAYMENT
    jobs.put(tx, "subscription.expire", subscription.id, until, clock=clock)


@dataclass(frozen=True, slots=True)
class Paid:
    """A subscription, locked, with an invoice of it that is paid now, and the method that paid it."""

    subscription: Subscription
    invoice: Invoice
    method: PaymentMethod | None = None


def record_payment(
    tx: Tx, subscription: Subscription, invoice: Invoice, method: PaymentMethod | None
) -> None:
    """Activate a subscription whose latest invoice was paid, and save the payment method if it asks for it.

    The caller holds the subscription. If a pending update waits for this invoice, its job is put. Emits the
    creation of an incomplete subscription, otherwise an update, and the customer's entitlements.
    """
    record_payments(tx, [Paid(subscription, invoice, method)])


def record_payments(tx: Tx, found: Sequence[Paid]) -> None:
    """Make subscriptions active, again or for the first time, whose latest invoices are paid.

    A fixed number of statements for any number. The method is kept where that is wished.
    """
    waiting = [one for one in found if one.subscription.status in ("incomplete", "past_due", "unpaid")]
    latest = latest_invoice.latest_of(tx, [(one.subscription, one.invoice) for one in waiting])
    subscriptions = {one.subscription.id: one.subscription for one in found}
    changes: dict[str, dict[str, Any]] = {id: {} for id in subscriptions}
    for one in found:
        if one.invoice.id in latest:
            changes[one.subscription.id]["status"] = paid_status(one.subscription, tx.now)
        if one.method and one.method.customer and keeps_method(one.subscription):
            changes[one.subscription.id]["default_payment_method"] = one.method.id
    run_paid_proposals(tx, found)
    begins = [id for id, wanted in changes.items() if wanted.get("status") in ("active", "trialing")]
    if begins:
        jobs.cancel(tx, "subscription.expire", *begins)
    renew_if_due(tx, [one for one in subscriptions.values() if one.status == "incomplete"])
    subscriptions.update({one.id: one for one in keep(tx, list(subscriptions.values()))})
    emit_changes(tx, [(one, changes[id]) for id, one in subscriptions.items()])


def keep(tx: Tx, subscriptions: Sequence[Subscription]) -> list[Subscription]:
    """Keep provisional subscriptions, whose first payments have succeeded or are on their way.

    Orders the mails of their invoices, which have waited for that. Returns those that were provisional.
    """
    kept = [one for one in subscriptions if one.provisional]
    outbox.order(tx, [outbox.Mail("invoice", one.latest_invoice or "", one.customer) for one in kept])
    return rows.update_many(tx, [(one, {"provisional": False}) for one in kept], event=None)


def begin_unsettled(tx: Tx, subscription: Subscription, invoice: Invoice) -> None:
    """Activate an incomplete subscription whose first payment is on its way for days (§5.2).

    The caller holds the subscription. Emits its creation, or an update, and the customer's entitlements.
    """
    if subscription.status != "incomplete" or not latest_invoice.is_latest(tx, subscription, invoice):
        return
    jobs.cancel(tx, "subscription.expire", subscription.id)
    renew_if_due(tx, [subscription])
    for kept in keep(tx, [subscription]):
        subscription = kept
    emit_change(tx, subscription, status=paid_status(subscription, tx.now))


def keeps_method(subscription: Subscription) -> bool:
    return subscription.payment_settings.get("save_default_payment_method") == "on_subscription"


def run_paid_proposals(tx: Tx, found: Sequence[Paid]) -> None:
    """Put the jobs of changes that were to hold once their invoice is paid (§5.11)."""
    timers: dict[str, list[tuple[str, datetime]]] = {}
    for one in found:
        change = one.subscription.pending_change
        if change and latest_invoice.proposed_invoice(one.subscription) == one.invoice.id:
            timers.setdefault(change["job"], []).append((one.subscription.id, tx.now))
    for kind, own in timers.items():
        jobs.put_many(tx, kind, own)


def paid_status(subscription: Subscription, now: datetime) -> str:
    """Return the status after a payment: active, or trialing if it was incomplete during its trial (§5.2)."""
    in_trial = subscription.status == "incomplete" and subscription.trial_end and subscription.trial_end > now
    return lifecycle.after(
        lifecycle.SUBSCRIPTION, subscription.status, "start_trial" if in_trial else "activate"
    )


def renew_if_due(tx: Tx, subscriptions: Sequence[Subscription]) -> None:
    """Renew or end a subscription now whose first period ended before it was paid.

    A first period may be shorter than the 23 hours that its payment may take.
    """
    if not subscriptions:
        return
    ends = tx.tuples(
        "select subscription, min(current_period_end) from subscription_items"
        " where subscription = any(%(ids)s) group by subscription",
        ids=[one.id for one in subscriptions],
    )
    cancels = {one.id: one.cancel_at for one in subscriptions}
    due = [(id, at) for id, at in ends if at <= tx.now]
    for timer, stops in (("subscription.end", True), ("subscription.renew", False)):
        jobs.put_many(tx, timer, [(id, tx.now) for id, at in due if (cancels[id] == at) == stops])


def emit_change(tx: Tx, subscription: Subscription, **changes: str) -> Subscription:
    """Write changes of a subscription and emit its creation the first time, an update later.

    The creation is emitted after the first payment, with the status that followed from it, and sets the
    currency of the customer. Emits the customer's entitlements where they changed.
    """
    return emit_changes(tx, [(subscription, changes)])[0]


def emit_changes(tx: Tx, changes: Sequence[tuple[Subscription, dict[str, Any]]]) -> list[Subscription]:
    """Change subscriptions and emit them, each with its customer's entitlements where they are others.

    The creation is emitted with the status that the first payment led to, everything later as an update.
    """
    known = [change for change in changes if change[0].emitted]
    new = [(one, {"emitted": True, **wanted}) for one, wanted in changes if not one.emitted]
    moved = [one.customer for one, wanted in changes if not one.emitted or wanted.get("status")]
    held = entitlements.entitlements_of_each(tx, moved)
    changed = [*rows.update_many(tx, known), *rows.update_many(tx, new, event="created")]
    entitlements.emit_summaries(tx, held)
    if new:
        begin_currency(tx, [one for one, _ in new])
    by_id = {one.id: one for one in changed}
    return [by_id[one.id] for one, _ in changes]


def begin_currency(tx: Tx, subscriptions: Sequence[Subscription]) -> None:
    """Give customers the currency of the first thing that they buy, where they have none yet."""
    customers = rows.find_many(tx, Customer, [one.customer for one in subscriptions])
    own = {one.customer: one.currency for one in reversed(subscriptions)}
    rows.update_many(tx, [(one, {"currency": own[id]}) for id, one in customers.items() if not one.currency])


def set_delinquent(tx: Tx, customer: Customer, delinquent: bool) -> None:
    """Set `delinquent` of a customer after a change of any of its invoices (§3.1); emit it if it changed."""
    set_delinquents(tx, [customer.id], delinquent)


def set_delinquents(tx: Tx, customers: Iterable[str], delinquent: bool) -> None:
    """Set `delinquent` of customers, after the latest change of any of their invoices (§3.1)."""
    found = rows.find_many(tx, Customer, customers).values()
    rows.update_many(tx, [(one, {"delinquent": delinquent}) for one in found if one.delinquent != delinquent])


def status_in_next_period(status: str) -> str:
    """Return the status after a renewal: trialing becomes active, every other status stays."""
    return lifecycle.after(lifecycle.SUBSCRIPTION, status, "activate") if status == "trialing" else status


def pause_all(tx: Tx, subscriptions: Sequence[Subscription]) -> None:
    """Pause trials that end without a payment method, until `/resume`: entitlements pause too (§5.13)."""
    held = entitlements.entitlements_of_each(tx, [one.customer for one in subscriptions])
    details = paused_details(tx, "trial_end_without_payment_method")
    rows.update_many(
        tx,
        [
            (
                one,
                {
                    "status": lifecycle.after(lifecycle.SUBSCRIPTION, one.status, "pause"),
                    "status_details": details,
                },
            )
            for one in subscriptions
        ],
        event=("customer.subscription.paused", "updated"),
    )
    entitlements.emit_summaries(tx, held)


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
    rows.update(tx, subscription, status=status, **end.end_fields(tx, subscription))
