"""Mark subscriptions with billing thresholds, so that new usage has them checked."""

from collections.abc import Iterable
from typing import Any

from billow.flows.billing.priced_items import Part
from billow.flows.usage import threshold_checks
from billow.resources.subscription import Subscription
from billow.store.tx import Tx


def has_threshold(thresholds: dict[str, Any] | None, parts: Iterable[Part]) -> bool:
    """Return whether the subscription or one of its items has a threshold."""
    return bool(thresholds or any(part.item.billing_thresholds for part in parts))


def request_check(tx: Tx, subscription: Subscription) -> None:
    """Request a check of a new threshold, which earlier usage may have reached already."""
    if subscription.watched:
        threshold_checks.put(tx, [subscription.id])
