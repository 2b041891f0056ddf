"""Create ids that cannot be guessed and that sort by creation."""

import os
import threading
import time

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#: A random byte as a character: some eight of them come a fifth more often, which leaves 5.9 bits each.
CHARACTERS = bytes(ord(ALPHABET[byte % 62]) for byte in range(256))
CHANCE = 15
PAIRS = [high + low for high in ALPHABET for low in ALPHABET]
_latest = 0
_high, _moment = -1, ""  # the first seven digits of time, which last for four milliseconds
_pool, _used = "", 0
_lock = threading.Lock()


def base62(number: int, width: int) -> str:
    """Write the last `width` digits of a number, two at a time."""
    digits = ""
    for _ in range((width + 1) // 2):
        number, pair = divmod(number, 62 * 62)
        digits = PAIRS[pair] + digits
    return digits[-width:]


def new_id(prefix: str) -> str:
    """Return `cus_` and 24 characters: nine of time, unique within a process, and fifteen random ones."""
    global _latest, _high, _moment, _pool, _used
    with _lock:
        _latest = max(_latest + 1, time.time_ns() // 1000)
        high, pair = divmod(_latest, len(PAIRS))
        if high != _high:
            _high, _moment = high, base62(high, 7)
        if _used == len(_pool):
            _pool, _used = os.urandom(CHANCE * 256).translate(CHARACTERS).decode(), 0
        chance = _pool[_used : _used + CHANCE]
        _used += CHANCE
        return f"{prefix}{_moment}{PAIRS[pair]}{chance}"


def digits(length: int) -> str:
    """Return a random number of `length` digits, the first of which is not zero."""
    return str(10 ** (length - 1) + int.from_bytes(os.urandom(length)) % (9 * 10 ** (length - 1)))


def secret(prefix: str, length: int = 32) -> str:
    """Return a random secret of `length` base-62 characters."""
    characters = b""
    while len(characters) < length:
        # A byte of 248 or more would make some characters come more often than others.
        characters += bytes(ord(ALPHABET[byte % 62]) for byte in os.urandom(length + 8) if byte < 248)
    return prefix + characters[:length].decode()


def _forget_pool() -> None:
    """Forget the random pool after a fork, so that the child does not repeat its parent's values."""
    global _pool, _used
    _pool, _used = "", 0


os.register_at_fork(after_in_child=_forget_pool)
