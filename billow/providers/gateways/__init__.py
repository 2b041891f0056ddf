"""What must a payment gateway be able to do? A decline is an answer; silence is `Unavailable`."""

from dataclasses import dataclass
from typing import Protocol

from billow.core.payments import Capture, CardDetails, Charge, Declined, Outcome, Refund


@dataclass(frozen=True, slots=True)
class StoredMethod:
    """`reference` is the gateway's own name for the card: what `Charge.method` carries from now on."""

    reference: str
    card: CardDetails


class Gateway(Protocol):
    """Every request names an attempt, and one attempt moves money at most once, however often it is asked.

    Each function may raise `core.errors.Unavailable`: then nobody knows what happened, until `look_up` tells.
    """

    name: str

    def store_method(self, token: str) -> StoredMethod | Declined:
        """Keep what the browser's token stands for; some cards are refused already here."""
        ...

    def charge(self, charge: Charge) -> Outcome:
        """Take the money. `NeedsAction` and `Pending` are settled later; `look_up` then says how."""
        ...

    def capture(self, capture: Capture) -> Outcome:
        """Take what a charge that was made without `capture` holds, or a part of it."""
        ...

    def refund(self, refund: Refund) -> Outcome:
        """Give back a part of what `refund.charge`, the reference of a succeeded charge, took."""
        ...

    def look_up(self, attempt: str) -> Outcome | None:
        """What became of an attempt, as of now; None if it never arrived."""
        ...
