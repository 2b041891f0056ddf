"""Create, roll and delete API keys."""

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

MAX_OVERLAP = 30 * 86400
"""The most seconds that a rolled key may work beside its successor."""


@ApiKey.create
def create(tx: Tx, key: ApiKey) -> dict[str, Any]:
    """Create an API key; only this answer shows its secret. A restricted key needs permissions."""
    require(
        key.kind == "restricted" or not key.permissions,
        "You can only set permissions with kind=restricted.",
        param="permissions",
    )
    known = set(rights.nouns(verbs(ROUTES)).values()) - rights.KEYS
    for noun, right in key.permissions.items():
        at = f"permissions[{noun}]"
        require(noun in known, f"Invalid {at}: there is no such noun.", param=at)
        require(
            right in ("none", "read", "write"), f"Invalid {at}: must be one of none, read, or write", param=at
        )
    require(
        key.kind != "restricted" or set(key.permissions.values()) - {"none"},
        "A restricted key needs at least one permission, such as permissions[customers]=read.",
        param="permissions",
        code="parameter_missing",
    )
    return issue(tx, key)


def issue(tx: Tx, key: ApiKey) -> dict[str, Any]:
    """Insert a key with a new secret, of which only the digest is stored; return it with the secret."""
    secret = minted(key.kind, tx.tenant)
    made = rows.insert(tx, key.but(digest=digest(outside_of(tx).secret, secret), hint=masked(secret)))
    return {**render.one(tx, made), "secret": secret}


class Roll(Params):
    expires_in: int = f.integer(min=0, max=MAX_OVERLAP, default=0)


@ApiKey.action("roll", Roll)
def roll(tx: Tx, key: ApiKey, wanted: Roll) -> dict[str, Any]:
    """Replace a key by a new one; the old one works for `expires_in` more seconds."""
    end = tx.wall + timedelta(seconds=wanted.expires_in)
    if key.expires_at is not None and key.expires_at <= tx.wall:
        raise Refused("This key has expired; create a new one.", code="api_key_expired")
    rows.update(tx, key, expires_at=min(end, key.expires_at or end))
    return issue(tx, ApiKey(kind=key.kind, name=key.name, permissions=key.permissions))


@ApiKey.delete
def delete(tx: Tx, key: ApiKey) -> dict[str, Any]:
    """Delete a key. Every server refuses it within five seconds."""
    return rows.delete(tx, key)
