"""Whose use is looked at when it comes in, because a threshold may be reached?"""

from collections.abc import Iterable, Sequence
from typing import Any

from billow.flows.bill import Part
from billow.resources.subscription import Subscription
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


def on(thresholds: dict[str, Any] | None, parts: Iterable[Part]) -> bool:
    """Whether there is any threshold: of the subscription, or of one of its items."""
    return bool(thresholds or any(part.item.billing_thresholds for part in parts))


def look(tx: Tx, subscription: Subscription) -> None:
    """What is used already may be beyond a threshold that is new."""
    if subscription.watched:
        _put(tx, [subscription.id])


def expect(tx: Tx, events: Sequence[Measured]) -> None:
    """The subscriptions with a threshold that these events count for are looked at, in two statements."""
    found = tx.tuples(
        CONCERNED,
        customers=list({event.customer for event in events}),
        meters=list({event.meter for event in events}),
    )
    _put(tx, [id for (id,) in found])


def _put(tx: Tx, subscriptions: Sequence[str]) -> None:
    """On the wall, since use of a customer with a test clock comes in while that clock stands still."""
    jobs.put_many(tx, "subscription.threshold", [(id, tx.wall) for id in subscriptions], clock="wall")
