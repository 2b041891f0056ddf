"""Webhook deliveries: events sent to endpoints, and whether they arrived."""

from datetime import datetime

from billow.api import fields as f
from billow.api import listing
from billow.api.fields import SHOWN
from billow.api.listing import Page, Paging
from billow.api.resource import Resource, Where
from billow.resources.webhook_endpoint import WebhookEndpoint
from billow.store.tx import Tx

STATUSES = ("failed", "pending", "succeeded")


class WebhookDelivery(
    Resource, object="webhook_delivery", prefix="whd_", table="webhook_deliveries", events=()
):
    """The delivery of one event to one endpoint. `attempts` counts from the start or the last resend."""

    attempts: int = f.integer(default=0)
    error: str | None = f.text()
    event: str = f.text(required=True)
    last_attempt_at: datetime | None = f.timestamp()
    next_attempt_at: datetime | None = f.timestamp()
    receiver: str = f.text(required=True)
    response_status: int | None = f.integer()
    status: str = f.choice(SHOWN, *STATUSES, default="pending")


class Deliveries(Paging):
    status: str | None = f.choice(SHOWN, *STATUSES)


@WebhookEndpoint.below("GET", "deliveries", Deliveries, of=WebhookEndpoint)
def deliveries(tx: Tx, endpoint: WebhookEndpoint, wanted: Deliveries) -> Page:
    """List the deliveries to a webhook endpoint, pending ones too, newest first."""
    where = Where("receiver = %(receiver)s", receiver=endpoint.id)
    if wanted.status:
        where = where.also("status = %(status)s", status=wanted.status)
    return listing.below(
        tx, WebhookDelivery, where, wanted, f"{WebhookEndpoint.path}/{endpoint.id}/deliveries"
    )
