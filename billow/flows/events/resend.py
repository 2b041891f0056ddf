"""Send one event once more to an endpoint."""

from billow.api import fields as f
from billow.api import rows
from billow.api.params import Params
from billow.api.resource import route
from billow.core.errors import Refused, require
from billow.flows.events.endpoint_failures import receiver_of
from billow.resources.event import Event
from billow.resources.webhook_delivery import WebhookDelivery
from billow.store import platforms, webhook_queue
from billow.store.tx import Tx


class Resend(Params):
    webhook_endpoint: str = f.text(required=True)


@route("POST", "/v1/events/{id}/resend", Resend)
def resend(tx: Tx, id: str, wanted: Resend) -> Event:
    """Send an event again to a webhook endpoint, even if it does not listen to the type."""
    to = wanted.webhook_endpoint
    # An event without a number gets it after this transaction, which then queues the delivery.
    event = rows.lock(tx, Event, id)
    receiver = receiver_of(tx, to)
    if receiver is None:  # an endpoint of the platform, for an event of the account that it has connected
        to = platforms.receiver_name(to, tx.account)
        receiver = receiver_of(tx, to)
    if receiver is None:
        raise Refused(
            f"No such webhook endpoint: '{wanted.webhook_endpoint}'",
            param="webhook_endpoint",
            code="resource_missing",
        )
    require(receiver.status == "enabled", "This webhook endpoint is disabled.", param="webhook_endpoint")
    if restart(tx, id, to):
        event = rows.update(tx, event, event=None, pending_webhooks=event.pending_webhooks + 1)
    webhook_queue.add_again(tx, id, to)
    return event


def restart(tx: Tx, event: str, receiver: str) -> bool:
    """Create or restart the delivery of an event; return whether it was not pending before."""
    ids = {"event": event, "receiver": receiver}
    found = rows.select(tx, WebhookDelivery, "event = %(event)s and receiver = %(receiver)s", **ids)
    if not found:
        rows.insert(tx, WebhookDelivery(event=event, receiver=receiver, next_attempt_at=tx.wall), event=None)
        return True
    [delivery] = found
    rows.update(tx, delivery, event=None, status="pending", attempts=0, next_attempt_at=tx.wall)
    return delivery.status == "succeeded"
