"""Create and delete ephemeral keys."""

from datetime import timedelta
from typing import Any

from billow.api import fields as f
from billow.api import render, rights, rows
from billow.api.params import Params
from billow.api.resource import route
from billow.core.errors import Refused, require
from billow.flows.outside.outside import outside_of
from billow.resources.customer import Customer
from billow.resources.ephemeral_key import EphemeralKey
from billow.store.keys import digest, masked, minted
from billow.store.tx import Tx

LASTS = timedelta(hours=1)


class Create(Params):
    customer: str | None = f.ref("customer")


@route("POST", "/v1/ephemeral_keys", Create, of=rights.EPHEMERAL)
def create(tx: Tx, wanted: Create) -> dict[str, Any]:
    """Create a key to one customer for an hour; only this answer shows its secret.

    The request must name the version of the API that the app speaks, in the header `Stripe-Version`.
    """
    if wanted.customer is None:
        raise Refused("Missing required param: customer.", param="customer", code="parameter_missing")
    customer = rows.find(tx, Customer, wanted.customer, param="customer")
    require(
        tx.notes.get("named_version"),
        "The Stripe-Version header must be set when an ephemeral key is created, to the version of the API"
        " that the client of the key speaks.",
    )
    secret = minted("ephemeral", tx.tenant)
    made = rows.insert(
        tx,
        EphemeralKey(
            customer=customer.id,
            digest=digest(outside_of(tx).secret, secret),
            expires=tx.wall + LASTS,
            hint=masked(secret),
            version=tx.notes["named_version"],
        ),
        event=None,
    )
    return {**render.one(tx, made), "secret": secret}


@route("DELETE", "/v1/ephemeral_keys/{key}", of=rights.EPHEMERAL)
def delete(tx: Tx, id: str) -> dict[str, Any]:
    """Delete an ephemeral key before it expires. Every server refuses it within five seconds."""
    found = rows.lock(tx, EphemeralKey, id)
    shown = render.one(tx, found)
    rows.delete_where(tx, EphemeralKey, "id = %(id)s", id=id)
    return shown
