"""Ephemeral keys: keys for an hour, with which an app reads and changes one customer."""

from datetime import datetime

from billow.api import fields as f
from billow.api.resource import Resource


class EphemeralKey(Resource, object="ephemeral_key", prefix="ephkey_", events=()):
    """A key to one customer and its payment methods, for an hour; only its hash is stored."""

    expires: datetime = f.timestamp(required=True)
    secret: str | None = f.absent()
    """Shown once, at creation."""

    customer: str = f.text(required=True, hidden=True)
    digest: str = f.text(required=True, hidden=True)
    hint: str = f.text(required=True, hidden=True)
    version: str = f.text(required=True, hidden=True)
    """The version of the API that the key speaks, if a request names none."""
