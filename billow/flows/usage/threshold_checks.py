"""Schedule the check of billing thresholds that new usage may have reached."""

from collections.abc import Sequence

from billow.store import jobs
from billow.store.tx import Tx
from billow.store.usage import Measured

# The condition is that of the index subscriptions_watched, so accounts without thresholds pay nothing.
CONCERNED = """
    select s.id from subscriptions s
    where s.watched and s.status in ('active', 'past_due') and s.customer = any(%(customers)s)
    and exists (
        select from subscription_items i join prices p on p.tenant = i.tenant and p.id = i.price
        where i.subscription = s.id and p.recurring ->> 'meter' = any(%(meters)s)
    ) order by s.id"""


def expect(tx: Tx, events: Sequence[Measured]) -> None:
    """Schedule a check of each subscription with a threshold that these events count for."""
    found = tx.tuples(
        CONCERNED,
        customers=list({event.customer for event in events}),
        meters=list({event.meter for event in events}),
    )
    put(tx, [id for (id,) in found])


def put(tx: Tx, subscriptions: Sequence[str]) -> None:
    """Put the checks on the wall's clock: usage of a customer comes in while its test clock stands still."""
    jobs.put_many(tx, "subscription.threshold", [(id, tx.wall) for id in subscriptions], clock="wall")
