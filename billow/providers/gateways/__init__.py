"""Define what a payment gateway does. A decline is an answer; no answer raises `Unavailable`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from billow.core.disputes import Dispute, Evidence
from billow.core.notices import Notice
from billow.core.payments import Capture, CardDetails, Charge, Declined, Outcome, Refund


@dataclass(frozen=True, slots=True)
class StoredMethod:
    """A stored card. `reference` is the gateway's id for it, which `Charge.method` carries from now on."""

    reference: str
    card: CardDetails


class Gateway(Protocol):
    """A gateway. Every request names an attempt, which moves money at most once, however often it is sent.

    Each function may raise `core.errors.Unavailable`: then the outcome is unknown until `look_up` returns it.
    """

    name: str

    def store_method(self, token: str) -> StoredMethod | Declined:
        """Store the card of a browser's token; some cards are refused here already."""
        ...

    def charge(self, charge: Charge) -> Outcome:
        """Charge a card. `NeedsAction` and `Pending` are settled later, and `look_up` returns how."""
        ...

    def capture(self, capture: Capture) -> Outcome:
        """Capture a charge that was made without `capture`, in full or in part."""
        ...

    def refund(self, refund: Refund) -> Outcome:
        """Refund all or part of a succeeded charge, whose reference is `refund.charge`."""
        ...

    def look_up(self, attempt: str) -> Outcome | None:
        """Return the current outcome of an attempt, or None if it never arrived."""
        ...

    def reports(self, attempt: str) -> Sequence[Notice]:
        """Return what the gateway has to report about an attempt that it has answered, such as a dispute."""
        ...

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> Sequence[Notice]:
        """Read a notice that was sent to us; raise `Refused` if its signature is wrong or old.

        Notices of other kinds than ours are read as none.
        """
        ...

    def dispute(self, reference: str) -> Dispute | None:
        """Return a dispute as it is now, or None if there is none of this reference."""
        ...

    def contest(self, evidence: Evidence) -> Dispute:
        """Keep or submit evidence; a second call with the same evidence changes nothing."""
        ...

    def concede(self, reference: str) -> Dispute:
        """Accept that a dispute is lost; a closed dispute stays as it is."""
        ...
