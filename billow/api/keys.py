"""Who asks, in which mode, with what rights: API keys, stored hashed."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from billow.core.errors import Refused
from billow.store.ids import new_id, secret
from billow.store.tx import Database

REMEMBER = 5.0
"""Seconds that a process may use a key it has seen without asking the database again."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was recognised: whose it is, and its mode as a tenant."""

    id: str
    tenant: str
    kind: str


@dataclass
class Keys:
    """Recognises keys by their keyed hash (HMAC-SHA-256 with the installation's pepper)."""

    db: Database
    pepper: bytes

    def __post_init__(self) -> None:
        self._seen: dict[str, tuple[Key, datetime]] = {}

    def digest(self, key: str) -> str:
        return hmac.new(self.pepper, key.encode(), hashlib.sha256).hexdigest()

    def recognise(self, authorization: str | None) -> Key:
        """The key of an `Authorization` header, Basic or Bearer; refused with 401 (§1.1)."""
        given = _given(authorization)
        if not given:
            raise Refused(
                "You did not provide an API key. You need to provide your API key in the Authorization"
                " header, using"
                " Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
                status=401,
            )
        digest, now = self.digest(given), self.db.wall()
        known = self._seen.get(digest)
        if known and (now - known[1]).total_seconds() < REMEMBER:
            return known[0]
        with self.db.connection() as conn:
            row = conn.execute(
                "select id, tenant, kind, expires_at from api_keys where digest = %s", (digest,)
            ).fetchone()
        if row is None:
            raise Refused(f"Invalid API Key provided: {masked(given)}", status=401)
        if row[3] is not None and row[3] <= now:
            raise Refused(f"Expired API Key provided: {masked(given)}", status=401, code="api_key_expired")
        key = Key(row[0], row[1], row[2])
        self._seen = {**self._seen, digest: (key, now)} if len(self._seen) < 1000 else {digest: (key, now)}
        return key

    def create(self, tenant: str, kind: str = "secret", *, key: str | None = None, now: datetime) -> str:
        """Make a key, or take the one given; it is told this once, only its hash is kept."""
        mode = tenant.split("/")[1]
        key = key or secret(f"{ {'secret': 'sk', 'publishable': 'pk'}[kind] }_{mode}_", 48)
        with self.db.connection() as conn:
            conn.execute(
                "insert into api_keys (id, tenant, kind, digest, hint, created) values (%s, %s, %s, %s,"
                " %s, %s)"
                " on conflict (digest) do nothing",
                (new_id("mk_"), tenant, kind, self.digest(key), masked(key), now),
            )
        return key


def _given(authorization: str | None) -> str:
    import base64
    import binascii

    scheme, _, rest = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode().split(":", 1)[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def masked(key: str) -> str:
    """The kind of key and its last four characters; enough to tell keys apart, not to use one."""
    parts = key.split("_")
    head = "_".join(parts[:2]) + "_" if len(parts) > 2 else ""
    hidden = max(len(key) - len(head) - 4, 0)
    return head + "*" * min(hidden, 40) + (key[-4:] if hidden else "*" * (len(key) - len(head)))
