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

INCOMPLETE = timers.FIRST_PAYMENT
"""How long the first payment of a subscription may take."""
GIVEN_UP = ("active", "past_due", "unpaid")
"""Which subscriptions hear the policy's last word: the others run a trial, are paused, or are over (§5.2)."""


def missed(tx: Tx, subscription: Subscription, invoice: Invoice) -> None:
    """Its latest invoice is not paid: past due, or still incomplete when it is the first."""
    if subscription.status in ("canceled", "incomplete_expired") or not latest_invoice.is_latest(
        tx, subscription, invoice
    ):
        return
    if subscription.provisional:
        # Who asked takes it back and hears why; should they have died over it, the timer does it now.
        jobs.put(tx, "subscription.expire", subscription.id, tx.wall, clock="wall")
        return
    status = lifecycle.after(lifecycle.SUBSCRIPTION, subscription.status, "miss_payment")
    tell(tx, subscription, status=status)


def give_up(tx: Tx, subscription: Subscription) -> None:
    """An invoice was tried for the last time: that counts unless a newer one says that all is well (§5.2)."""
    said = latest_invoice.verdict(tx, subscription)
    if said != "activate" and subscription.status in GIVEN_UP:
        follow(tx, subscription, said)


def follow(tx: Tx, subscription: Subscription, verdict: str) -> None:
    """Do what its invoices, or the policy that has tried them to the end, say of a subscription."""
    if verdict == "cancel":
        end.end(tx, rows.lock(tx, Subscription, subscription.id), "payment_failed")
        return
    action = "miss_payment" if verdict == "leave_past_due" else verdict
    tell(tx, subscription, status=lifecycle.after(lifecycle.SUBSCRIPTION, subscription.status, action))


def awaits_action(tx: Tx, subscription: Subscription | None, invoice: Invoice) -> None:
    rows.update(tx, invoice, attempted=True)
    if subscription:
        missed(tx, subscription, invoice)


def paid(tx: Tx, subscription: Subscription, invoice: Invoice, method: PaymentMethod | None) -> None:
    """Its latest invoice is paid: active again, or for the first time.

    The method is kept where that is wished.
    """
    changes: dict[str, str] = {}
    if subscription.pending_change and latest_invoice.proposed(subscription) == invoice.id:
        jobs.put(tx, subscription.pending_change["job"], subscription.id, tx.now)
    waits = subscription.status in ("incomplete", "past_due", "unpaid")
    if waits and latest_invoice.is_latest(tx, subscription, invoice):
        changes["status"] = begun(subscription, tx.now)
    if method and subscription.payment_settings.get("save_default_payment_method") == "on_subscription":
        changes["default_payment_method"] = method.id
    if changes.get("status") in ("active", "trialing"):
        jobs.cancel(tx, "subscription.expire", subscription.id)
    if subscription.status == "incomplete":
        catch_up(tx, subscription)
    tell(tx, rows.update(tx, subscription, event=None, provisional=False), **changes)


def begun(subscription: Subscription, now: datetime) -> str:
    """The status that a paid invoice leads to: one that was incomplete may still be in its trial (§5.2)."""
    in_trial = subscription.status == "incomplete" and subscription.trial_end and subscription.trial_end > now
    return lifecycle.after(
        lifecycle.SUBSCRIPTION, subscription.status, "start_trial" if in_trial else "activate"
    )


def catch_up(tx: Tx, subscription: Subscription) -> None:
    """A first period may be shorter than the 23 hours: it then ended while nobody had paid for it."""
    row = tx.one(
        "select min(current_period_end) as due from subscription_items where subscription = %(id)s",
        id=subscription.id,
    )
    if row and row["due"] and row["due"] <= tx.now:
        timer = "subscription.end" if subscription.cancel_at == row["due"] else "subscription.renew"
        jobs.put(tx, timer, subscription.id, tx.now)


def tell(tx: Tx, subscription: Subscription, **changes: str) -> Subscription:
    """The creation is told with the status that the first payment led to, everything later as an update."""
    if subscription.told and not changes.get("status"):
        return rows.update(tx, subscription, **changes)
    held = entitlements.held(tx, subscription.customer)
    if subscription.told:
        changed = rows.update(tx, subscription, **changes)
        entitlements.tell(tx, subscription.customer, held)
        return changed
    begun = rows.update(tx, subscription, event="created", told=True, **changes)
    entitlements.tell(tx, subscription.customer, held)
    customer = rows.find(tx, Customer, subscription.customer)
    rows.update(tx, customer, currency=customer.currency or subscription.currency)
    return begun


def settle_delinquency(tx: Tx, customer: Customer, delinquent: bool) -> None:
    """`delinquent` follows the latest change of any of the customer's invoices (§3.1)."""
    rows.update(tx, rows.find(tx, Customer, customer.id), delinquent=delinquent)


def status_after(status: str) -> str:
    """A trial that ends becomes active; every other status goes on into the next period."""
    return lifecycle.after(lifecycle.SUBSCRIPTION, status, "activate") if status == "trialing" else status


def pause(tx: Tx, subscription: Subscription) -> None:
    """It waits for `/resume`, and so does what its customer may use (§5.13)."""
    held = entitlements.held(tx, subscription.customer)
    rows.update(
        tx,
        subscription,
        event=("customer.subscription.paused", "updated"),
        status=lifecycle.after(lifecycle.SUBSCRIPTION, subscription.status, "pause"),
        status_details=paused_details(tx, "trial_end_without_payment_method"),
    )
    entitlements.tell(tx, subscription.customer, held)


def paused_details(tx: Tx, why: str) -> dict[str, Any]:
    """What a paused subscription says of its status: since when, and why (§5.13)."""
    return {
        "paused": {"subscription": {"type": why}, "transitioned_at": seconds(tx.now), "type": "subscription"}
    }


def never_began(tx: Tx, subscription: Subscription) -> None:
    for timer in end.TIMERS:
        jobs.cancel(tx, timer, subscription.id)
    status = lifecycle.after(lifecycle.SUBSCRIPTION, subscription.status, "expire")
    rows.update(tx, subscription, ended_at=tx.now, status=status)
