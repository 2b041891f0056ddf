"""When is a subscription looked at next: at the end of a period, of its trial, or of itself?"""

from collections.abc import Sequence

from billow.flows import ahead, trial
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store import jobs
from billow.store.tx import Tx

RUNNING = ("active", "past_due", "unpaid", "trialing", "incomplete")


def set(tx: Tx, subscription: Subscription, items: Sequence[SubscriptionItem]) -> None:
    """Put the timers of a subscription anew: it is renewed with the first of its periods, until it ends.

    In a pause no period rolls, but the planned end comes (§5.2).
    """
    jobs.cancel(tx, "subscription.renew", subscription.id)
    jobs.cancel(tx, "subscription.end", subscription.id)
    jobs.cancel(tx, "subscription.upcoming", subscription.id)
    if subscription.cancel_at and subscription.status in (*RUNNING, "paused"):
        jobs.put(tx, "subscription.end", subscription.id, subscription.cancel_at)
    if subscription.status not in RUNNING or not items:
        return
    due = min(item.current_period_end for item in items)
    if subscription.cancel_at is None or due < subscription.cancel_at:
        jobs.put(tx, "subscription.renew", subscription.id, due)
        ahead.announce(tx, "subscription.upcoming", [(subscription.id, due)])
    jobs.cancel(tx, "subscription.trial_will_end", subscription.id)
    if subscription.status == "trialing":
        trial.schedule_warning(tx, subscription)
