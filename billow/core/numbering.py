"""What number does an invoice carry, and what number a quote?"""

from hashlib import sha256

SYMBOLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PREFIX_LENGTH = 8


def number(prefix: str, sequence: int) -> str:
    """ABC-0001: at least four digits, more when they are needed."""
    return f"{prefix}-{sequence:04d}"


def place(prefix: str, given: str) -> int | None:
    """Tell which place a number has in the series of a prefix; None where it is not written as one of it.

    >>> place("ABC", "ABC-0012"), place("ABC", "ABC-12"), place("ABC", "2026/12")
    (12, None, None)
    """
    digits = given.removeprefix(f"{prefix}-")
    if not (digits.isascii() and digits.isdecimal()):
        return None
    sequence = int(digits)
    return sequence if number(prefix, sequence) == given else None


def quote_number(prefix: str, sequence: int, revision: int) -> str:
    """QT-ABC-0001-1: the first quote of a customer, and -2 what revises it (§7.9)."""
    return f"QT-{number(prefix, sequence)}-{revision}"


def prefix_from(seed: str) -> str:
    """Eight letters and digits that an id always gives, and another id hardly ever."""
    rest = int.from_bytes(sha256(seed.encode()).digest())
    symbols = []
    for _ in range(PREFIX_LENGTH):
        rest, at = divmod(rest, len(SYMBOLS))
        symbols.append(SYMBOLS[at])
    return "".join(symbols)
