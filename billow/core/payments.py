"""Define requests to a payment gateway and its answers. A decline is an answer, not an error."""

from dataclasses import dataclass, field
from decimal import Decimal

TEST_METHOD = "pm_card_"
"""Our own ids have no second underscore: whatever begins like this names a test card."""


@dataclass(frozen=True, slots=True)
class Charge:
    """`attempt` is our id of this try: the idempotency key at the gateway, also to look it up later."""

    attempt: str
    amount: int
    currency: str
    method: str
    off_session: bool
    description: str | None = None
    capture: bool = True
    """Without it the money is held on the card until a `Capture`, and costs no fee until then."""


@dataclass(frozen=True, slots=True)
class Capture:
    """Take part or all of an authorized charge, once; the rest is released."""

    attempt: str
    charge: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Refund:
    """Refund part or all of a charge, named by the gateway's reference; an uncaptured one always whole."""

    attempt: str
    charge: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Succeeded:
    """`fee` is what the gateway keeps, in minor units of the charge's currency.

    Two more are the references of the bank and the network, where the gateway gives them. `news` says that
    the gateway will have more to report soon, such as a dispute: it is asked for that (`Gateway.reports`).
    """

    reference: str
    fee: int
    authorization_code: str | None = field(default=None, compare=False)
    network_transaction_id: str | None = field(default=None, compare=False)
    news: bool = field(default=False, compare=False)
    exchange: "Exchange | None" = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Exchange:
    """The gateway's conversion of a charge into the currency that it pays out: amount, fee and rate."""

    currency: str
    amount: int
    fee: int
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Declined:
    """`retry` says whether the same method may work later, `blocked` that no bank was asked."""

    code: str
    decline_code: str | None
    message: str
    retry: bool
    blocked: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class NeedsAction:
    """The customer must act first, as with 3D Secure."""

    reference: str


@dataclass(frozen=True, slots=True)
class Pending:
    """Accepted, but the money takes days to arrive; a notice will follow.

    `ask_in` is after how many seconds it is worth asking, if no notice comes.
    """

    reference: str
    ask_in: int = field(default=3600, compare=False)


Outcome = Succeeded | Declined | NeedsAction | Pending


@dataclass(frozen=True, slots=True)
class CardDetails:
    """The details of a card that can be kept and shown; the same card always has the same fingerprint."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int
    funding: str
    country: str
    fingerprint: str
