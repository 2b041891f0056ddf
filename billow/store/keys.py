"""Who asks, in which mode, with what rights: API keys, stored hashed."""

import contextlib
import hashlib
import hmac
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg

from billow.core.errors import Refused
from billow.store.ids import base62, new_id, secret
from billow.store.tx import Database

REMEMBER = 5.0
"""Seconds that a process may use a key it has seen without asking the database again."""
USED = timedelta(minutes=1)
"""How exactly we know when a key was last used."""
PREFIX = {"secret": "sk", "restricted": "rk", "publishable": "pk"}


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was recognised: whose it is, and its mode as a tenant."""

    id: str
    tenant: str
    kind: str
    hint: str = ""
    permissions: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None


def minted(kind: str, tenant: str) -> str:
    """`sk_test_`, 36 characters of chance (214 bits), and six that check them, for who scans for leaks."""
    key = secret(f"{PREFIX[kind]}_{tenant.split('/')[1]}_", 36)
    return key + base62(zlib.crc32(key.encode()), 6)


def digest(pepper: bytes, key: str) -> str:
    return hmac.new(pepper, key.encode(), hashlib.sha256).hexdigest()


@dataclass
class Keys:
    """Recognises keys by their keyed hash (HMAC-SHA-256 with the installation's pepper)."""

    db: Database
    pepper: bytes

    def __post_init__(self) -> None:
        self._seen: dict[str, tuple[Key, datetime]] = {}

    def digest(self, key: str) -> str:
        return digest(self.pepper, key)

    def recognise(self, authorization: str | None) -> Key:
        """The key of an `Authorization` header, Basic or Bearer; refused with 401 (§1.1)."""
        given = _given(authorization)
        if not given:
            raise Refused(
                "You did not provide an API key. You need to provide your API key in the Authorization"
                " header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
                status=401,
            )
        mark, now = self.digest(given), self.db.wall()
        known = self._seen.get(mark)
        if known and (now - known[1]).total_seconds() < REMEMBER:
            key = known[0]
        else:
            key = self._asked(given, mark, now)
            self._seen = {**self._seen, mark: (key, now)} if len(self._seen) < 1000 else {mark: (key, now)}
        if key.expires_at is not None and key.expires_at <= now:
            raise Refused(f"Expired API Key provided: {masked(given)}", status=401, code="api_key_expired")
        return key

    def _asked(self, given: str, mark: str, now: datetime) -> Key:
        with self.db.connection() as conn:
            row = conn.execute(
                "select id, tenant, kind, hint, permissions, expires_at, last_used_at from api_keys"
                " where digest = %s", (mark,)).fetchone()  # fmt: skip
            if row is None:
                raise Refused(f"Invalid API Key provided: {masked(given)}", status=401)
            if row[6] is None or row[6] <= now - USED:
                # A note that cannot be written, or that somebody else writes, keeps nobody from asking.
                with contextlib.suppress(psycopg.Error):
                    conn.execute(
                        "update api_keys set last_used_at = %s where id = (select id from api_keys"
                        " where id = %s for update skip locked)", (now, row[0]))  # fmt: skip
        return Key(*row[:6])

    def create(self, tenant: str, kind: str = "secret", *, key: str | None = None, now: datetime) -> str:
        """Make a key, or take the one given; it is told this once, only its hash is kept."""
        key = key or minted(kind, tenant)
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
