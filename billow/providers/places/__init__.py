"""Say where an IP address is: country and state, where a database of addresses has them."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Place:
    """A country by its two letters, and the code of the state in it, if it is known."""

    country: str
    state: str | None = None


class Places(Protocol):
    def place_of(self, address: str) -> Place | None:
        """Return the place of an IP address; None where it is not known."""
