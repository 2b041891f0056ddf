"""How is a message signed, so that its receiver can believe it: in Stripe's way, and as Standard Webhooks."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"


def stripe(secrets: Sequence[str], timestamp: int, body: bytes) -> str:
    """`Stripe-Signature`: of `timestamp.body` with each whole secret, its prefix included (§10.5, X109)."""
    signed = f"{timestamp}.".encode() + body
    return ",".join([f"t={timestamp}", *(f"v1={_mac(key.encode(), signed).hex()}" for key in secrets)])


def standard(secrets: Sequence[str], id: str, timestamp: int, body: bytes) -> str:
    """`webhook-signature`: of `id.timestamp.body` with what each secret is in base64 behind its prefix."""
    signed = f"{id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{base64.b64encode(_mac(_key(key), signed)).decode()}" for key in secrets)


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        return secret.encode()  # a secret that was brought along and is no base64


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, signed, hashlib.sha256).digest()


def headers(secrets: Sequence[str], id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Both signatures, the newer secret's first; whoever verifies finds the one it knows."""
    return {
        "Stripe-Signature": stripe(secrets, timestamp, body),
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standard(secrets, id, timestamp, body),
    }
