"""Announce the end of trials, and cancel or pause those whose customer cannot be charged."""

from collections.abc import Sequence
from typing import Any

from billow.api import rows
from billow.core import timers
from billow.flows.billing import priced_items
from billow.flows.customers import payment_methods
from billow.flows.mails.outbox import Mail, order
from billow.flows.subscription_status import end, transitions
from billow.flows.subscription_terms import trial_offers
from billow.resources.subscription import Subscription
from billow.store import jobs, outbox
from billow.store.jobs import job
from billow.store.tx import Tx

WARNING = timers.TRIAL_WARNING


def schedule_warning(tx: Tx, subscription: Subscription) -> None:
    """Set the timer of the warning: three days before the end, or now when the trial is shorter."""
    if subscription.trial_end:
        jobs.put(
            tx, "subscription.trial_will_end", subscription.id, max(subscription.trial_end - WARNING, tx.now)
        )


@job("subscription.trial_will_end", batch=500)
def emit_trial_will_end(tx: Tx, refs: list[str]) -> None:
    """Emit `customer.subscription.trial_will_end` for trials that are still running."""
    trialing = [s for s in rows.find_all(tx, Subscription, refs).values() if s.status == "trialing"]
    rows.emit(tx, [(subscription, None) for subscription in trialing], "customer.subscription.trial_will_end")
    order(tx, [Mail("trial_ending", one.id, one.customer) for one in trialing])


def emit_trial_will_end_early(tx: Tx, subscription: Subscription, shown: dict[str, Any]) -> None:
    """Emit `customer.subscription.trial_will_end` for a trial that a request ends now (§5.10).

    Nothing is emitted if it was before. `shown` is the subscription as it was, with the update that waited
    for its payment.
    """
    if subscription.trial_end and subscription.trial_end - WARNING > tx.now:
        outbox.write(tx, [outbox.NewEvent("customer.subscription.trial_will_end", shown)])


def set_aside_unpayable(tx: Tx, renewals: Sequence[Any]) -> list[Any]:
    """Cancel or pause trials that end without a payment method, where their settings say so.

    Returns the other renewals. A fixed number of statements for any number of trials.
    """
    going_on, ended, paused = [], [], []
    for renewal in renewals:
        subscription = renewal.subscription
        wanted = subscription.trial_settings["end_behavior"]["missing_payment_method"]
        charged = subscription.collection_method == "charge_automatically"
        missing = charged and payment_methods.method_id(renewal.customer, subscription) is None
        in_trial = subscription.status == "trialing" or renewal.moved
        if not in_trial or not missing or wanted == "create_invoice":
            going_on.append(renewal)
        elif wanted == "cancel":
            ended.append(subscription)
        else:
            paused.append(subscription)
    end.end_all(tx, ended)
    if paused:
        parts = priced_items.parts_of(tx, [one.id for one in paused])
        trial_offers.end_offers(tx, [part for some in parts.values() for part in some])
        transitions.pause_all(tx, paused)
    return going_on
