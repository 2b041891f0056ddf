"""Setup attempts: single tries to set a payment method up, and their outcomes."""

from typing import Any

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.resource import Resource, Where, route
from billow.resources.payment_intent import IN_AN_ERROR
from billow.resources.setup_intent import SetupIntent
from billow.store.tx import Tx


class SetupAttempt(Resource, object="setup_attempt", prefix="setatt_", events=()):
    """One try to set a payment method up for later payments."""

    application: str | None = f.absent(refs="application")
    attach_to_self: bool | None = f.boolean()
    customer: str | None = f.ref("customer")
    customer_account: str | None = f.absent()
    flow_directions: list[str] | None = f.array(item=f.text())
    on_behalf_of: str | None = f.ref("account")
    payment_method: str = f.ref("payment_method", required=True)
    payment_method_details: dict[str, Any] = f.nested(required=True)
    setup_error: dict[str, Any] | None = f.nested(refs=IN_AN_ERROR)
    setup_intent: str = f.ref("setup_intent", required=True)
    status: str = f.text(required=True)
    usage: str = f.text(required=True)

    attempt: str | None = f.text(hidden=True)
    """The request to the gateway that it shows."""


class Listing(listing.Paging):
    created: list[Any] | None = f.instants()
    setup_intent: str = f.ref("setup_intent", required=True)


@route("GET", "/v1/setup_attempts", Listing)
def listed(tx: Tx, wanted: Listing) -> listing.Page:
    """List the attempts of a setup intent."""
    rows.find(tx, SetupIntent, wanted.setup_intent, param="setup_intent")
    where = Where("setup_intent = %(setup_intent)s", setup_intent=wanted.setup_intent)
    where = listing.between(where, "created", "created", wanted.created or [])
    return listing.below(tx, SetupAttempt, where, wanted, "/v1/setup_attempts")
