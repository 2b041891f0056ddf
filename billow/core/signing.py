"""Sign webhook messages, as Stripe does and as Standard Webhooks define it."""

import base64
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"


def stripe(secrets: Sequence[str], timestamp: int, body: bytes) -> str:
    """Build `Stripe-Signature`: sign `timestamp.body` with each secret, prefix included (§10.5, X109)."""
    signed = f"{timestamp}.".encode() + body
    return ",".join([f"t={timestamp}", *(f"v1={_mac(key.encode(), signed).hex()}" for key in secrets)])


def standard(secrets: Sequence[str], id: str, timestamp: int, body: bytes) -> str:
    """Build `webhook-signature`: sign `id.timestamp.body` with each secret's base64 after its prefix."""
    signed = f"{id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{base64.b64encode(_mac(_key(key), signed)).decode()}" for key in secrets)


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        return secret.encode()  # a secret that was brought along and is no base64


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.digest(key, signed, "sha256")


def headers(secrets: Sequence[str], id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Build the headers with both kinds of signatures, the newer secret's first."""
    return {
        "Stripe-Signature": stripe(secrets, timestamp, body),
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standard(secrets, id, timestamp, body),
    }
