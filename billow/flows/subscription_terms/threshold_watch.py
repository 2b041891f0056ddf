"""Mark subscriptions with billing thresholds, so that new usage makes them looked at."""

from collections.abc import Iterable
from typing import Any

from billow.flows.billing.priced_items import Part
from billow.flows.usage import threshold_checks
from billow.resources.subscription import Subscription
from billow.store.tx import Tx


def has_threshold(thresholds: dict[str, Any] | None, parts: Iterable[Part]) -> bool:
    """Whether there is any threshold: of the subscription, or of one of its items."""
    return bool(thresholds or any(part.item.billing_thresholds for part in parts))


def request_check(tx: Tx, subscription: Subscription) -> None:
    """What is used already may be beyond a threshold that is new."""
    if subscription.watched:
        threshold_checks.put(tx, [subscription.id])
