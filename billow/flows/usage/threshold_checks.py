"""Schedule the checks of billing thresholds, wallets and alerts on costs that new usage may have reached."""

from collections.abc import Sequence

from billow.store import jobs
from billow.store.tx import Tx
from billow.store.usage import Measured

# The conditions are those of the indexes subscriptions_watched and wallets_watched, so accounts without
# thresholds and wallets pay nothing.
CONCERNED = """
    select 'subscription.threshold' as kind, s.id from subscriptions s
    where s.watched and s.status in ('active', 'past_due') and s.customer = any(%(customers)s)
    and exists (
        select from subscription_items i join prices p on p.tenant = i.tenant and p.id = i.price
        where i.subscription = s.id and p.recurring ->> 'meter' = any(%(meters)s)
    ) union all
    select 'wallet.check', w.id from wallets w where w.watched and w.customer = any(%(customers)s)
    union all select 'cost.alert', a.id from cost_alerts a where a.customer = any(%(customers)s)
    order by 1, 2"""


def expect(tx: Tx, events: Sequence[Measured]) -> None:
    """Schedule a check of each subscription with a threshold that these events count for.

    Of the customers of these events, wallets that are topped up by themselves and alerts are checked.
    """
    found = tx.tuples(
        CONCERNED,
        customers=list({event.customer for event in events}),
        meters=list({event.meter for event in events}),
    )
    put(tx, [id for kind, id in found if kind == "subscription.threshold"])
    for kind in ("wallet.check", "cost.alert"):
        jobs.put_many(tx, kind, [(id, tx.wall) for each, id in found if each == kind], clock="wall")


def put(tx: Tx, subscriptions: Sequence[str]) -> None:
    """Put the checks on the wall's clock: usage of a customer comes in while its test clock stands still."""
    jobs.put_many(tx, "subscription.threshold", [(id, tx.wall) for id in subscriptions], clock="wall")
