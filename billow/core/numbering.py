"""Format the numbers of invoices, credit notes and quotes, and say which series a number is of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from billow.core.tax_ids import MEMBERS

SYMBOLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CLEAR = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Letters and digits that are not mistaken for one another: no 0 and O, no 1, I and L."""
PREFIX_LENGTH = 8
LONGEST = 26
"""The longest number of an invoice, as at Stripe."""
SCHEMES = ("account", "customer")


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


def prefix_from(seed: str, symbols: str = SYMBOLS, length: int = PREFIX_LENGTH) -> str:
    """Derive letters and digits from an id: the same each time, and hardly ever those of another id."""
    rest = int.from_bytes(sha256(seed.encode()).digest())
    drawn = []
    for _ in range(length):
        rest, at = divmod(rest, len(symbols))
        drawn.append(symbols[at])
    return "".join(drawn)


# ------------------------------------------------------------------------------- series of an account

USUAL = "{prefix}-{number:04}"
FORMATS = {"invoice": USUAL, "credit_note": "{prefix}-CN-{number:04}"}
YEARLY = {"credit_note": "{prefix}-CN-{year}-{number:04}"}
"""The formats of documents where the invoices of the account begin again each year."""
PART = re.compile(r"\{(prefix|year|number)(?::0([1-9]))?\}")
PREFIX = re.compile(r"[A-Z0-9]{1,12}")
FORMAT_RULE = (
    "A format has {number} or {number:05} once, and may have {prefix}, {year}, capital letters, digits and"
    f" any of -/._; its numbers have at most {LONGEST} characters."
)


def scheme_of(country: str) -> str:
    """Return how sellers of a country number: without a gap over all customers in the European Union."""
    return "account" if country in MEMBERS else "customer"


def is_prefix(text: str) -> bool:
    return PREFIX.fullmatch(text) is not None


def is_format(text: str) -> bool:
    """Return whether a text is a format of numbers, of invoices or of credit notes.

    >>> is_format("{prefix}-{year}-{number:05}"), is_format("INV"), is_format("{number}{number}")
    (True, False, False)
    """
    parts = [found.group(1) for found in PART.finditer(text)]
    rest = PART.sub("", text)
    fixed = re.fullmatch(r"[A-Z0-9/._-]*", rest) is not None
    # A digit beside the number would make two numbers of one: 1 and 12 would be 11 and 112.
    apart = not re.search(r"[0-9]\{number|\}[0-9]|\}\{number|\{number[^}]*\}[0-9{]", text)
    longest = len(rest) + 12 * ("prefix" in parts) + 4 * ("year" in parts) + 8
    return fixed and apart and len(set(parts)) == len(parts) and "number" in parts and longest <= 34


@dataclass(frozen=True, slots=True)
class Series:
    """How an account numbers its documents of a kind; `scheme` says whose series it is."""

    scheme: str
    prefix: str
    format: str = USUAL
    kind: str = "invoice"

    @classmethod
    def of(cls, settings: Mapping[str, Any], country: str, account: str, kind: str = "invoice") -> "Series":
        """Return the series that an account's settings describe, or else what its country has by default.

        Credit notes have numbers of their own, and nothing but the format in common with invoices.
        """
        of_invoices = settings.get("format")
        own = of_invoices if kind == "invoice" else settings.get(f"{kind}_format")
        usual = YEARLY if of_invoices and "{year" in of_invoices else FORMATS
        return cls(
            settings.get("scheme") or scheme_of(country),
            settings.get("prefix") or prefix_from(account, CLEAR, 6),
            own or usual.get(kind, USUAL),
            kind,
        )

    @property
    def yearly(self) -> bool:
        """Whether it begins again each year: only where the year is part of the number."""
        return "{year" in self.format

    def pattern(self, at: datetime) -> str:
        """Return its numbers without the number, which names its counter: ACME-2026-{number:04}."""
        given = {"prefix": self.prefix, "year": str(at.year)}
        return PART.sub(lambda part: given.get(part.group(1), part.group()), self.format)

    def number(self, sequence: int, at: datetime) -> str:
        """Format a number: 12 in 2026 is ACME-2026-0012."""
        return in_series(self.pattern(at), sequence)

    def described(self, at: datetime) -> str:
        """Say in words how invoices are numbered."""
        if self.scheme == "customer":
            return "by customer, as PREFIX-0001"
        again = ", again from 1 each year" if self.yearly else ""
        return f"by account without a gap, as {self.number(1, at)}{again}"


def in_series(pattern: str, sequence: int) -> str:
    """Format a number of a series.

    >>> in_series("ACME-2026-{number:04}", 12)
    'ACME-2026-0012'
    """
    return PART.sub(lambda part: f"{sequence:0{part.group(2) or 1}d}", pattern)


def place_in(pattern: str, given: str) -> int | None:
    """Return the position of a number in a series; None where it is not of that series.

    >>> place_in("ACME-{number:04}", "ACME-0012"), place_in("ACME-{number:04}", "ACME-12")
    (12, None)
    """
    before, _, after = PART.sub("\0", pattern).partition("\0")
    digits = given[len(before) : len(given) - len(after)]
    if not (digits.isascii() and digits.isdecimal()) or len(given) > LONGEST:
        return None
    return int(digits) if in_series(pattern, int(digits)) == given else None
