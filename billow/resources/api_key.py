"""API keys: who may ask. A noun of our own; Stripe has them in its dashboard only."""

from datetime import datetime

from billow.api import fields as f
from billow.api.fields import CREATE
from billow.api.resource import Resource


class ApiKey(Resource, object="api_key", path="/v1/api_keys", prefix="mk_", events=()):
    """A key of this account and mode. It is told once, when it is made; kept are its hash and a hint."""

    expires_at: datetime | None = f.timestamp()
    hint: str = f.text()
    kind: str = f.choice(CREATE, "secret", "restricted", "publishable", default="secret", filter=True)
    last_used_at: datetime | None = f.timestamp()
    """To the minute."""
    name: str | None = f.text(CREATE, max=200)
    permissions: dict[str, str] = f.map_of(CREATE, default={})
    """Of a restricted key: read or write for each noun that it may use."""

    digest: str = f.text(hidden=True)
