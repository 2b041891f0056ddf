"""API keys: what a caller authenticates with. Billow's own object; Stripe has keys only in its dashboard."""

from datetime import datetime

from billow.api import fields as f
from billow.api.fields import CREATE
from billow.api.resource import Resource


class ApiKey(Resource, object="api_key", path="/v1/api_keys", prefix="mk_", events=()):
    """A key of this account and mode, shown once, at creation; only its hash and a hint are stored."""

    expires_at: datetime | None = f.timestamp()
    hint: str = f.text()
    kind: str = f.choice(CREATE, "secret", "restricted", "publishable", default="secret", filter=True)
    last_used_at: datetime | None = f.timestamp()
    """When the key was last used, to the minute."""
    name: str | None = f.text(CREATE, max=200, unset=True)
    permissions: dict[str, str] = f.map_of(CREATE, default={})
    """The permissions of a restricted key: read or write for each object that it may use."""

    digest: str = f.text(hidden=True)
