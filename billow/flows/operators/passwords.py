"""Keep passwords as argon2id hashes, and check them."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from billow.core.errors import require

SHORTEST, LONGEST = 12, 200


@cache
def hasher() -> PasswordHasher:
    """Return the hasher with RFC 9106's parameters for little memory: 64 MiB, three passes."""
    return PasswordHasher()


@cache
def nobodys() -> str:
    """Return a hash that is checked where there is no such operator, so that the answer takes as long."""
    return hasher().hash("the password of nobody")


def check(password: str, *personal: str) -> None:
    """Refuse a password that is too short, too long, all one character, or the person's name or address."""
    require(
        SHORTEST <= len(password) <= LONGEST, f"Use {SHORTEST} to {LONGEST} characters.", param="password"
    )
    require(len(set(password)) >= 5, "Use more different characters.", param="password")
    plain = password.casefold()
    own = [part.casefold() for one in personal for part in (one, *one.split("@")) if len(part) > 3]
    require(
        not any(part in plain and len(plain) - len(part) < 6 for part in own),
        "Do not use your name or address as the password.",
        param="password",
    )


def hashed(password: str) -> str:
    """Hash a password. Takes some 60 milliseconds, so it is done outside of transactions."""
    return hasher().hash(password)


def matches(kept: str, password: str) -> bool:
    """Tell whether a password is the one of a hash."""
    try:
        return hasher().verify(kept, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
