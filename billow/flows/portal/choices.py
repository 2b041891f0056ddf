"""Carry out what a customer chooses in the billing portal."""

from billow.api import rows
from billow.api.params import made
from billow.core import lifecycle
from billow.core.errors import require
from billow.flows.subscription_changes import update
from billow.flows.subscription_changes.params import Change
from billow.flows.subscriptions import cancel
from billow.resources.portal_configuration import PortalConfiguration
from billow.resources.subscription import Subscription
from billow.store import clocks
from billow.store.perform import Steps
from billow.store.tx import Tx


def change(tx: Tx, customer: str, configuration: str, subscription: str, action: str) -> Steps:
    """Cancel a subscription as the configuration says, or keep one that would end with its period."""
    feature = rows.find(tx, PortalConfiguration, configuration).features["subscription_cancel"]
    require(feature["enabled"], "The portal does not offer to cancel.")
    found = rows.lock(tx, Subscription, subscription)
    require(found.customer == customer, "The subscription is another customer's.")
    require(found.status not in lifecycle.ENDED, "The subscription has ended.")
    tx = clocks.enter(tx, found.test_clock)
    if action == "cancel" and feature["mode"] == "immediately":
        prorates = feature["proration_behavior"] != "none"
        invoiced = feature["proration_behavior"] == "always_invoice"
        return cancel.cancel_now(tx, found, invoice_now=invoiced, prorates=prorates)
    ends = action == "cancel"
    tx, changed = yield from update.carry_out(tx, found, made(Change, cancel_at_period_end=ends))
    return changed
