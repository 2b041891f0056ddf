"""Recognise API keys, which are stored hashed: whose they are, in which mode, with what rights."""

import base64
import contextlib
import hmac
import os
import threading
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

import psycopg

from billow.core.errors import Refused
from billow.store.ids import base62, new_id, secret
from billow.store.tx import Database

REMEMBER = 0.8
"""Seconds that a process uses a key without asking the database again: a deleted key ends within a second."""
KNOWN = 10_000
"""Keys that a process remembers, at most; the one that was looked up longest ago is forgotten first."""
USED = timedelta(minutes=1)
"""How exactly the last use of a key is noted."""
PREFIX = {"secret": "sk", "restricted": "rk", "publishable": "pk", "ephemeral": "ek"}


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was recognised: its tenant (account and mode) and its rights."""

    id: str
    tenant: str
    kind: str
    hint: str = ""
    permissions: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None
    version: str = ""
    """The default version of the API of the key's account, or of an ephemeral key itself."""
    customer: str = ""
    """The one customer that an ephemeral key is for."""
    platform: str | None = None
    """The tenant of the platform whose secret or restricted key acts for a connected account."""


def minted(kind: str, tenant: str) -> str:
    """Make a key: `sk_test_`, 36 random characters (214 bits), and a checksum of six for scanners."""
    key = secret(f"{PREFIX[kind]}_{tenant.split('/')[1]}_", 36)
    return key + base62(zlib.crc32(key.encode()), 6)


def digest(pepper: bytes, key: str) -> str:
    return hmac.digest(pepper, key.encode(), "sha256").hex()


@dataclass
class Keys:
    """Recognises keys by their keyed hash (HMAC-SHA-256 with the installation's pepper)."""

    db: Database
    pepper: bytes

    def __post_init__(self) -> None:
        self._lock, self._asking = threading.Lock(), threading.Lock()
        self._seen: dict[str, tuple[Key, datetime]] = {}
        self._salt, self._digests = os.urandom(32), dict[bytes, str]()
        """Digests of keys that were presented, by a cheaper hash with a salt that only this process knows."""

    def digest(self, key: str) -> str:
        """Return the digest that a key is stored under: calculated once, since OpenSSL takes 30 µs for it."""
        cheap = blake2b(key.encode(), digest_size=32, key=self._salt).digest()
        found = self._digests.get(cheap)
        if found is None:
            if len(self._digests) >= KNOWN:
                self._digests.clear()
            found = self._digests[cheap] = digest(self.pepper, key)
        return found

    def recognise(self, authorization: str | None) -> Key:
        """Return the key of an `Authorization` header, Basic or Bearer; refused with 401 (§1.1)."""
        given = presented(authorization)
        mark = self.digest(given)
        found = self.remembered(mark)
        if found is None:
            with self._asking:  # many requests with one key need one connection, not one each
                found = self.remembered(mark) or self.look_up([mark]).get(mark)
        return self.usable(given, found)

    def usable(self, given: str, found: Key | None) -> Key:
        """Return the key found for the one presented; refused where there is none or it has expired."""
        if found is None:
            raise Refused(f"Invalid API Key provided: {masked(given)}", status=401)
        if found.expires_at is not None and found.expires_at <= self.db.wall():
            raise Refused(f"Expired API Key provided: {masked(given)}", status=401, code="api_key_expired")
        return found

    def remembered(self, mark: str) -> Key | None:
        """Return the key with this digest, if it was looked up a moment ago."""
        known = self._seen.get(mark)
        fresh = known is not None and 0 <= (self.db.wall() - known[1]).total_seconds() < REMEMBER
        return known[0] if known and fresh else None

    def has_seen(self, mark: str) -> bool:
        """Return whether a key with this digest was there when it was last looked up."""
        return mark in self._seen

    def look_up(self, marks: Iterable[str]) -> dict[str, Key]:
        """Return the keys with these digests, as the database has them now: one query for any number."""
        marks, now = list(marks), self.db.wall()
        with self.db.connection() as conn:
            rows = conn.execute(
                "select digest, k.id, tenant, kind, hint, permissions, expires_at, api_version, '',"
                " last_used_at from api_keys k join accounts a on a.id = split_part(tenant, '/', 1)"
                " where digest = any(%(marks)s) union all select digest, id, tenant, 'ephemeral', hint, '{}',"
                " expires, version, customer, %(now)s from ephemeral_keys where digest = any(%(marks)s)",
                {"marks": marks, "now": now},
            ).fetchall()
            stale = [row[1] for row in rows if row[9] is None or row[9] <= now - USED]
            if stale:
                # A note that cannot be written, or that another process writes, stops no request.
                with contextlib.suppress(psycopg.Error):
                    conn.execute(
                        "update api_keys set last_used_at = %s where id in (select id from api_keys"
                        " where id = any(%s) for update skip locked)",
                        (now, stale),
                    )
        found = {row[0]: Key(*row[1:9]) for row in rows}
        with self._lock:
            for mark in marks:
                self._seen.pop(mark, None)
                if mark in found:
                    self._seen[mark] = found[mark], now
            while len(self._seen) > KNOWN:
                del self._seen[next(iter(self._seen))]
        return found

    def version_of_connected(self, tenant: str, account: str) -> str | None:
        """Return the API version of an account that is connected to a tenant, or None if it is not."""
        with self.db.transaction(tenant, reads=True) as tx:
            found = tx.one(
                "select a.api_version from connected_accounts c join accounts a using (id)"
                " where id = %(account)s",
                account=account,
            )
        return str(found["api_version"]) if found else None

    def create(self, tenant: str, kind: str = "secret", *, key: str | None = None, now: datetime) -> str:
        """Make a key, or take the one given, and return it; only its hash is stored."""
        key = key or minted(kind, tenant)
        with self.db.connection() as conn:
            conn.execute(
                "insert into api_keys (id, tenant, kind, digest, hint, created) values (%s, %s, %s, %s,"
                " %s, %s)"
                " on conflict (digest) do nothing",
                (new_id("mk_"), tenant, kind, self.digest(key), masked(key), now),
            )
        return key


def presented(authorization: str | None) -> str:
    """Return the key in an `Authorization` header; refuse with 401 if there is none."""
    given = _given(authorization)
    if not given:
        raise Refused(
            "You did not provide an API key. You need to provide your API key in the Authorization"
            " header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
        )
    return given


def _given(authorization: str | None) -> str:
    scheme, _, rest = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode().split(":", 1)[0]
        except ValueError:  # no base64, or not of UTF-8
            return ""
    return ""


def masked(key: str) -> str:
    """Return the kind of key and its last four characters: enough to tell keys apart, not to use one."""
    parts = key.split("_")
    head = "_".join(parts[:2]) + "_" if len(parts) > 2 else ""
    hidden = max(len(key) - len(head) - 4, 0)
    return head + "*" * min(hidden, 40) + (key[-4:] if hidden else "*" * (len(key) - len(head)))
