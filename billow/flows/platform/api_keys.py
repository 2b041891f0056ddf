"""Create, roll and delete API keys."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from billow.api import fields as f
from billow.api import render, rights, rows
from billow.api.operation import verbs
from billow.api.params import Params
from billow.api.resource import ROUTES
from billow.core.errors import Refused, require
from billow.flows.outside.outside import outside_of
from billow.resources.api_key import ApiKey
from billow.store.keys import digest, masked, minted
from billow.store.tx import Tx

LONGEST = 30 * 86400
"""Seconds that a key may outlive its successor."""


@ApiKey.create
def create(tx: Tx, key: ApiKey) -> dict[str, Any]:
    """Create a key; the answer is the only one that shows it. A restricted key says what it may do."""
    require(
        key.kind == "restricted" or not key.permissions,
        "Permissions go with kind=restricted, and only with it.",
        param="permissions",
    )
    known = set(rights.nouns(verbs(ROUTES)).values()) - {rights.OWN}
    for noun, right in key.permissions.items():
        at = f"permissions[{noun}]"
        require(noun in known, f"Invalid {at}: there is no such noun.", param=at)
        require(
            right in ("none", "read", "write"), f"Invalid {at}: must be one of none, read, or write", param=at
        )
    require(
        key.kind != "restricted" or set(key.permissions.values()) - {"none"},
        "A restricted key needs at least one permission, as permissions[customers]=read: without any it could"
        " do nothing.",
        param="permissions",
        code="parameter_missing",
    )
    return issued(tx, key)


def issued(tx: Tx, key: ApiKey) -> dict[str, Any]:
    """The key as it is shown this once."""
    secret = minted(key.kind, tx.tenant)
    made = rows.insert(tx, replace(key, digest=digest(outside_of(tx).secret, secret), hint=masked(secret)))
    return {**render.one(tx, made), "secret": secret}


class Roll(Params):
    expires_in: int = f.integer(min=0, max=LONGEST, default=0)


@ApiKey.action("roll", Roll)
def roll(tx: Tx, key: ApiKey, wanted: Roll) -> dict[str, Any]:
    """Make a key in the place of this one, which works for `expires_in` seconds more."""
    end = tx.wall + timedelta(seconds=wanted.expires_in)
    if key.expires_at is not None and key.expires_at <= tx.wall:
        raise Refused("This key has expired; create a new one.", code="api_key_expired")
    rows.update(tx, key, expires_at=min(end, key.expires_at or end))
    return issued(tx, ApiKey(kind=key.kind, name=key.name, permissions=key.permissions))


@ApiKey.delete
def delete(tx: Tx, key: ApiKey) -> dict[str, Any]:
    """Delete a key. Within five seconds no server takes it any more."""
    return rows.delete(tx, key)
