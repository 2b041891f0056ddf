"""Define what a payment gateway does. A decline is an answer; no answer raises `Unavailable`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from billow.core.disputes import Dispute, Evidence
from billow.core.notices import Notice
from billow.core.payments import (
    Capture,
    Charge,
    Collect,
    CollectingPage,
    Declined,
    Deposits,
    Increment,
    MethodDetails,
    Outcome,
    Refund,
    SetUp,
)
from billow.core.payouts import PaidOut

HERE, ELSEWHERE = "here", "elsewhere"
"""Where a customer enters a method: in a form on a page of ours, or on a page of the gateway's own."""


@dataclass(frozen=True, slots=True)
class StoredMethod:
    """A stored method. `reference` is the gateway's id for it, which `Charge.method` carries from now on."""

    reference: str
    method: MethodDetails
    gateway: str = ""
    """The name of the gateway that stores it."""


class Gateway(Protocol):
    """A gateway. Every request names an attempt, which moves money at most once, however often it is sent.

    Each function may raise `core.errors.Unavailable`: then the outcome is unknown until `look_up` returns it.
    """

    name: str
    collects_at: Mapping[str, str]
    """Where customers enter methods of each type, `HERE` or `ELSEWHERE`; those of other types nowhere."""

    def store_method(self, token: str, type: str = "card", check: bool = True) -> StoredMethod | Declined:
        """Store the method of a browser's token, or of an account's number; some are refused here already.

        `type` is the type of payment method that a number is of; a token knows its own. Without a number, as
        for a wallet, the token is the name of the type. Without `check` no card is refused here: its first
        charge says whether it is any good.
        """
        ...

    def begin_collection(self, wanted: Collect) -> CollectingPage:
        """Open a page on which a customer enters a method that is collected `ELSEWHERE`."""
        ...

    def collected(self, collection: str, reference: str) -> StoredMethod | Declined | None:
        """Return the method that was entered on the page of a collection of ours; None while there is none.

        A page that was opened for another collection is none of ours: it has no method either.
        """
        ...

    def set_up(self, set_up: SetUp) -> Outcome:
        """Prepare a stored method for later payments; `NeedsAction` is settled as of a charge."""
        ...

    def charge(self, charge: Charge) -> Outcome:
        """Charge a card. `NeedsAction` and `Pending` are settled later, and `look_up` returns how."""
        ...

    def capture(self, capture: Capture) -> Outcome:
        """Capture a charge that was made without `capture`, in full or in part.

        With `final` false the rest stays held, where the card allows that.
        """
        ...

    def increment(self, increment: Increment) -> Outcome:
        """Raise what a charge holds, where the card allows that; a decline leaves the hold as it is."""
        ...

    def refund(self, refund: Refund) -> Outcome:
        """Refund all or part of a succeeded charge, whose reference is `refund.charge`."""
        ...

    def authenticate(self, attempt: str, passed: bool = True) -> Outcome | None:
        """Tell the bank what its customer answered on our page; return the outcome of the attempt, if known.

        Only where the bank asks on our page: a `NeedsAction` with a `url` is answered there.
        """
        ...

    def verify(self, attempt: str, proof: Deposits) -> Outcome | None:
        """Verify the bank account of an attempt that answered `verify_with_microdeposits`; then it goes on.

        `Declined` means that the proof is wrong: the attempt waits for another one.
        """
        ...

    def look_up(self, attempt: str) -> Outcome | None:
        """Return the current outcome of an attempt, or None if it never arrived."""
        ...

    def cancel(self, attempt: str) -> Outcome | None:
        """Cancel an attempt that waits for its customer; return `CANCELED`, or what has become of it already.

        None if it never arrived. After `CANCELED` nobody can complete it.
        """
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

    def payout(self, reference: str) -> PaidOut | None:
        """Return a payout to the bank as it is now, or None if there is none of this reference."""
        ...

    def recent_payouts(self) -> Mapping[str, str]:
        """Return the latest payouts that the gateway has made by itself, by reference: the status of each."""
        ...

    def paid_out_with(self, reference: str) -> Sequence[str]:
        """Return what an automatic payout pays out: references of charges, and our attempts of refunds."""
        ...

    def concede(self, reference: str) -> Dispute:
        """Accept that a dispute is lost; a closed dispute stays as it is."""
        ...
