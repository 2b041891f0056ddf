"""Method collections: payment methods that customers enter on a page of the gateway's own."""

from typing import Any

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource


class MethodCollection(Resource, object="method_collection", prefix="coll_", events=()):
    """One visit of a customer to the gateway's page; its id is the idempotency key. No API shows it."""

    page: str = f.choice(SHOWN, "checkout", "invoice", "method", required=True)
    """Which of our pages asked, and goes on with the method."""
    about: str = f.text(required=True)
    """What that page is about: a checkout session, an invoice, or a customer and an invoice."""
    entered: dict[str, Any] = f.nested(required=True)
    """What the customer has entered on our page; nothing once it is over."""
    gateway: str = f.text(required=True)
    reference: str | None = f.text()
    """The gateway's reference of its page, once it has answered."""
    url: str | None = f.text()
    method: str | None = f.text()
    """What the gateway calls the method that was entered: none is taken twice."""
    error: str | None = f.text()
    """Why nothing came of it, in words for the customer."""
    state: str = f.choice(SHOWN, "open", "taken", "failed", "expired", default="open")
