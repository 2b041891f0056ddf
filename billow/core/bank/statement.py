"""Define what a bank statement says, and check that it adds up."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WITHOUT = frozenset({"", "NONREF", "NOTPROVIDED", "NONE"})
"""What banks write where there is no reference."""


class BadStatement(ValueError):
    """A file is no statement that can be booked; the message says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One payment on a statement; a batch that the bank books as one sum is one entry for each payment in it.

    `amount` is in minor units, negative where money left the account. `bank_reference` is the bank's own name
    of the booking, and `part` the place within it. `reversal` takes back an earlier entry.
    """

    amount: int
    currency: str
    booked_on: date
    value_on: date | None = None
    bank_reference: str | None = None
    part: int = 0
    end_to_end: str | None = None
    mandate: str | None = None
    structured: str | None = None
    text: str | None = None
    name: str | None = None
    iban: str | None = None
    return_reason: str | None = None
    code: str | None = None
    reversal: bool = False
    batch: str | None = None
    """Our name of a file of direct debits that the bank books as one sum."""


@dataclass(frozen=True, slots=True)
class Statement:
    """The booked entries of one account between two balances, in minor units."""

    id: str
    account: str
    currency: str
    opening: int
    closing: int
    closed_on: date | None
    entries: tuple[Entry, ...]


def check(statement: Statement) -> None:
    """Refuse a statement whose entries do not lead from the opening to the closing balance."""
    foreign = {entry.currency for entry in statement.entries} - {statement.currency}
    if foreign:
        raise BadStatement(
            f"Statement {statement.id} has entries in {', '.join(sorted(foreign))},"
            f" and its account is in {statement.currency}."
        )
    total = sum(entry.amount for entry in statement.entries)
    if statement.opening + total != statement.closing:
        raise BadStatement(
            f"Statement {statement.id} does not add up: {statement.opening} at the beginning and entries of"
            f" {total} are not {statement.closing} at the end (in minor units)."
        )


def identities(entries: Sequence[Entry]) -> list[str]:
    """Return what each entry of a statement is recognized by when it is imported again.

    That is the bank's reference and the place within it; without one, what it says, and which of those that
    say the same it is.
    """
    seen: Counter[str] = Counter()
    found = []
    for entry in entries:
        own = entry.bank_reference or ""
        name = f"{own}/{entry.part}" if own.upper() not in WITHOUT else _digest(entry)
        if entry.reversal:
            name += "/R"
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return found


def _digest(entry: Entry) -> str:
    facts = (
        entry.amount,
        entry.currency,
        entry.booked_on,
        entry.end_to_end,
        entry.structured,
        entry.text,
        entry.name,
        entry.iban,
    )
    return "=" + hashlib.sha256("\0".join(map(str, facts)).encode()).hexdigest()[:32]
