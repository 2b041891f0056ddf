"""Mandates: what customers have agreed to, so that their accounts may be debited."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.resource import Resource, route
from billow.store.tx import Tx


class Mandate(Resource, object="mandate", prefix="mandate_", events=("updated",)):
    """A customer's agreement to debits of one payment method, many times or once."""

    lacks = ("created",)

    customer_acceptance: dict[str, Any] = f.nested(required=True)
    multi_use: dict[str, Any] | None = f.nested(typed=True)
    on_behalf_of: str | None = f.ref("account")
    payment_method: str = f.ref("payment_method", required=True)
    payment_method_details: dict[str, Any] = f.nested(required=True)
    single_use: dict[str, Any] | None = f.nested(typed=True)
    status: str = f.choice(SHOWN, "active", "inactive", "pending", default="active")
    type: str = f.choice(SHOWN, "multi_use", "single_use", default="multi_use")


@route("GET", "/v1/mandates/{id}")
def retrieve(tx: Tx, id: str) -> Mandate:
    """Retrieve a mandate."""
    return rows.find(tx, Mandate, id)
