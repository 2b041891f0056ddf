"""Ask for a one-time code beside the password (RFC 6238): each code counts once, or a recovery code does."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

import pyotp

from billow.store.ids import secret
from billow.store.sealing import box

STEP = 30
"""Seconds that a code lasts; the one before and the one after are taken as well."""
RECOVERY_CODES = 10
PURPOSE = b"second factor"


def new_secret(key: bytes) -> str:
    """Make a secret and seal it with the installation's own; only the sealed one is stored."""
    return box(key, PURPOSE).encrypt(pyotp.random_base32().encode()).decode()


def opened(key: bytes, sealed: str) -> str:
    return box(key, PURPOSE).decrypt(sealed.encode()).decode()


def address(key: bytes, sealed: str, email: str, issuer: str) -> str:
    """Return the `otpauth:` address that an authenticator reads from a QR code."""
    return pyotp.TOTP(opened(key, sealed), interval=STEP).provisioning_uri(name=email, issuer_name=issuer)


def step_of(key: bytes, sealed: str, code: str, now: datetime, used: int) -> int | None:
    """Return the step whose code this is; None for a wrong one, or one not later than the last `used`."""
    digits = "".join(code.split())
    totp = pyotp.TOTP(opened(key, sealed), interval=STEP)
    current = int(now.timestamp()) // STEP
    for step in (current - 1, current, current + 1):
        if step > used and hmac.compare_digest(totp.generate_otp(step).encode(), digits.encode()):
            return step
    return None


def new_recovery_codes() -> list[str]:
    """Make codes that are shown once, each for one sign-in without the authenticator: about 50 bits each."""
    return [secret("", 10).lower() for _ in range(RECOVERY_CODES)]


def digest(code: str) -> str:
    return hashlib.sha256("".join(code.split()).lower().encode()).hexdigest()


def without(codes: Sequence[str], code: str) -> list[str] | None:
    """Return the digests that are left after a recovery code was used; None where it is none of them."""
    mark = digest(code)
    left = [one for one in codes if not hmac.compare_digest(one, mark)]
    return left if len(left) < len(codes) else None
