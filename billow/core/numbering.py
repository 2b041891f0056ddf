"""Format the numbers of invoices, credit notes and quotes."""

from hashlib import sha256

SYMBOLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PREFIX_LENGTH = 8


def number(prefix: str, sequence: int) -> str:
    """Format an invoice number: ABC-0001, with at least four digits."""
    return f"{prefix}-{sequence:04d}"


def place(prefix: str, given: str) -> int | None:
    """Return the position of a number in the series of a prefix; None where it is not of that series.

    >>> place("ABC", "ABC-0012"), place("ABC", "ABC-12"), place("ABC", "2026/12")
    (12, None, None)
    """
    digits = given.removeprefix(f"{prefix}-")
    if not (digits.isascii() and digits.isdecimal()):
        return None
    sequence = int(digits)
    return sequence if number(prefix, sequence) == given else None


def credit_note_number(invoice: str, sequence: int) -> str:
    """Format the number of a credit note: ABC-0001-CN-01 is the first of the invoice ABC-0001 (§7.9)."""
    return f"{invoice}-CN-{sequence:02d}"


def quote_number(prefix: str, sequence: int, revision: int) -> str:
    """Format a quote number: QT-ABC-0001-1 is a customer's first quote, and -2 its revision (§7.9)."""
    return f"QT-{number(prefix, sequence)}-{revision}"


def prefix_from(seed: str) -> str:
    """Derive eight letters and digits from an id: the same each time, and hardly ever those of another id."""
    rest = int.from_bytes(sha256(seed.encode()).digest())
    symbols = []
    for _ in range(PREFIX_LENGTH):
        rest, at = divmod(rest, len(SYMBOLS))
        symbols.append(SYMBOLS[at])
    return "".join(symbols)
