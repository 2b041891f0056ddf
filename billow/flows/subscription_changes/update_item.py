"""Create, update or delete one subscription item."""

import re
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params, made
from billow.core.errors import Refused
from billow.flows.subscription_changes import update
from billow.flows.subscription_changes.items import ItemChange
from billow.flows.subscription_changes.params import BEHAVIORS, Change
from billow.flows.subscription_terms import items
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store import clocks
from billow.store.perform import Steps
from billow.store.tx import Tx

PAYMENT_BEHAVIORS = ("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")
CHANGE_PARAMS = ("off_session", "payment_behavior", "proration_behavior", "proration_date")


class Update(items.OfferedItem):
    off_session: bool = f.boolean(default=False)
    payment_behavior: str = f.choice(SHOWN, *PAYMENT_BEHAVIORS, default="allow_incomplete")
    proration_behavior: str = f.choice(SHOWN, *BEHAVIORS, default="create_prorations")
    proration_date: datetime | None = f.timestamp()


class Create(Update):
    subscription: str = f.ref("subscription", required=True)


class Delete(Params):
    clear_usage: bool = f.boolean(default=False)
    payment_behavior: str = f.choice(SHOWN, *PAYMENT_BEHAVIORS, default="allow_incomplete")
    proration_behavior: str = f.choice(SHOWN, *BEHAVIORS, default="create_prorations")
    proration_date: datetime | None = f.timestamp()


@SubscriptionItem.create(Create)
def create(tx: Tx, wanted: Create) -> Steps:
    """Add an item to a subscription; one that waits for its payment is shown as it will be."""
    before = {item.id for item in items_of(tx, wanted.subscription)}
    tx, answer = yield from carry_out(tx, wanted.subscription, wanted, param="subscription")
    if isinstance(answer, Refused):
        return answer
    there = [item for item in items_of(tx, wanted.subscription) if item.id not in before]
    waits = (answer.pending_update or {}).get("subscription_items") or []
    [added] = there or [item for item in waits if item["id"] not in before]
    return added


@SubscriptionItem.update(Update)
def change_item(tx: Tx, item: SubscriptionItem, wanted: Update) -> Steps:
    """Update an item: its price, quantity, discounts, tax rates or metadata."""
    tx, answer = yield from carry_out(tx, item.subscription, wanted, id=item.id)
    return answer if isinstance(answer, Refused) else rows.find(tx, SubscriptionItem, item.id)


@SubscriptionItem.delete(Delete)
def delete(tx: Tx, item: SubscriptionItem, wanted: Delete) -> Steps:
    """Remove an item from a subscription; its unused time is credited as with any change."""
    tx, answer = yield from carry_out(tx, item.subscription, wanted, id=item.id, deleted=True)
    return answer if isinstance(answer, Refused) else rows.stub(item)


def items_of(tx: Tx, subscription: str) -> list[SubscriptionItem]:
    """Load the items of a subscription."""
    return rows.below(tx, SubscriptionItem, "subscription", [subscription])[subscription]


def carry_out(tx: Tx, subscription: str, wanted: Params, param: str | None = None, **item: Any) -> Steps:
    """Carry out an item's change on its subscription, as `update.carry_out` does.

    Locks the subscription, and enters the time of its test clock.
    """
    found = rows.lock(tx, Subscription, subscription, param=param)
    tx = clocks.enter(tx, found.test_clock)
    sent = wanted.sent()
    about = {name: sent.pop(name) for name in CHANGE_PARAMS if name in sent}
    sent.pop("subscription", None)
    asked = made(Change, items=[made(ItemChange, **sent, **item)], **about)
    try:
        return (yield from update.carry_out(tx, found, asked))
    except Refused as refused:
        refused.param = param_of_item(refused.param)
        raise


def param_of_item(param: str | None) -> str | None:
    """Return the param of this request that corresponds to a param of the subscription's update."""
    if param == "items":
        return "price"
    return re.sub(r"^items\[0\]\[(\w+)\]", r"\1", param) if param else None
