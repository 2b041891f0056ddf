"""Define what a gateway reports by itself.

A notice says what to ask the gateway about. Notices come late, twice, in any order, and may contradict each
other, so what one claims is never believed: the gateway is asked, and its answer is settled.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AttemptChanged:
    """The outcome of an attempt is known, or another one than before. `attempt` is our id."""

    attempt: str


@dataclass(frozen=True, slots=True)
class DisputeChanged:
    """A dispute was opened or has changed. `dispute` and `charge` are the gateway's references."""

    dispute: str
    charge: str


@dataclass(frozen=True, slots=True)
class FraudSuspected:
    """The issuer of a card suspects fraud in a charge. Both references are the gateway's."""

    warning: str
    charge: str
    fraud_type: str


@dataclass(frozen=True, slots=True)
class MethodCollected:
    """A customer has entered a method on the gateway's page. `collection` is our id."""

    collection: str


@dataclass(frozen=True, slots=True)
class PayoutChanged:
    """A payout to the bank was made, or has changed. `payout` is the gateway's reference."""

    payout: str


Notice = AttemptChanged | DisputeChanged | FraudSuspected | MethodCollected | PayoutChanged
