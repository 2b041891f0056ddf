"""Define a public register of tax numbers: it says whether a number is registered, and to whom."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """What a register says of a number: whether it has it, and the name and address that it shows of it."""

    registered: bool
    name: str | None = None
    address: str | None = None


class Register(Protocol):
    def look_up(self, country: str, number: str) -> Entry:
        """Look up a number without its prefix; raise `core.errors.Unavailable` without an answer."""
