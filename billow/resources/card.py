"""Cards: payment methods that were attached as sources, in the format of the older part of the API."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.resource import Resource
from billow.resources.charge import card_of


def part(name: str) -> Any:
    """Declare a field of a card that its payment method holds in another form."""
    return f.computed(of(name))


def of(name: str) -> Callable[["Card", datetime, dict[str, Any]], Any]:
    return lambda row, now, shown: card_of(row.id, row.card, row.billing_details, row.customer)[name]


class Card(Resource, object="card", prefix="card_", table="cards", event="customer.source"):
    """A card of a customer, as a source. It is never written itself: the payment method is."""

    lacks = ("created", "livemode")
    owner = "customer"

    account: str | None = f.absent(include=True, refs="account")
    address_city: str | None = part("address_city")
    address_country: str | None = part("address_country")
    address_line1: str | None = part("address_line1")
    address_line1_check: str | None = part("address_line1_check")
    address_line2: str | None = part("address_line2")
    address_state: str | None = part("address_state")
    address_zip: str | None = part("address_zip")
    address_zip_check: str | None = part("address_zip_check")
    allow_redisplay: str = f.text()
    brand: str = part("brand")
    country: str | None = part("country")
    customer: str | None = f.ref("customer")
    cvc_check: str | None = part("cvc_check")
    dynamic_last4: str | None = f.absent()
    exp_month: int = part("exp_month")
    exp_year: int = part("exp_year")
    fingerprint: str | None = part("fingerprint")
    funding: str = part("funding")
    last4: str = part("last4")
    metadata: dict[str, str] = f.metadata()
    name: str | None = part("name")
    regulated_status: str | None = part("regulated_status")
    tokenization_method: str | None = f.absent()

    billing_details: dict[str, Any] = f.nested(hidden=True)
    card: dict[str, Any] = f.nested(hidden=True)


def drawn(method: Any) -> Card:
    """Return a payment method as the card that it is shown as."""
    return Card(
        id=method.id,
        created=method.created,
        allow_redisplay=method.allow_redisplay,
        billing_details=method.billing_details,
        card=method.card,
        customer=method.customer,
        metadata=method.metadata,
    )
