"""Set the timers of a subscription's next period and of its trial end."""

from collections.abc import Sequence

from billow.core import timers
from billow.flows.billing import advance_notice
from billow.flows.subscription_terms import trials
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store import jobs
from billow.store.tx import Tx


def replace(tx: Tx, subscription: Subscription, items: Sequence[SubscriptionItem]) -> None:
    """Replace the timers of a subscription: it renews when the first of its periods ends, until its own end.

    While it is paused no period ends, but the planned end of the subscription remains (§5.2).
    """
    jobs.cancel(tx, "subscription.renew", subscription.id)
    jobs.cancel(tx, "subscription.end", subscription.id)
    jobs.cancel(tx, "subscription.upcoming", subscription.id)
    ends = timers.end(subscription.status, subscription.cancel_at)
    if ends:
        jobs.put(tx, "subscription.end", subscription.id, ends)
    if subscription.status not in timers.RUNNING or not items:
        return
    period_end = min(item.current_period_end for item in items)
    due = timers.renewal(subscription.status, period_end, subscription.cancel_at, tx.now)
    if due:
        jobs.put(tx, "subscription.renew", subscription.id, due)
        advance_notice.announce(tx, "subscription.upcoming", [(subscription.id, due)])
    jobs.cancel(tx, "subscription.trial_will_end", subscription.id)
    trial_end = subscription.trial_end
    if subscription.status == "trialing" or (trial_end and trial_end > tx.now):
        trials.schedule_warning(tx, subscription)
