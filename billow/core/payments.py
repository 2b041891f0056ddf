"""What do we tell a payment gateway, and what can it answer? A decline is an answer, not an error."""

from dataclasses import dataclass, field

TEST_METHOD = "pm_card_"
"""Our own ids have no second underscore: whatever begins like this names a test card."""


@dataclass(frozen=True, slots=True)
class Charge:
    """`attempt` is our id of this try: the gateway's idempotency key, and how to look it up after a crash."""

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
    """Part or all of what a charge holds is taken, once; the rest is let go."""

    attempt: str
    charge: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Refund:
    """Part or all of a charge, which `charge` names by the gateway's reference; of a held one always all."""

    attempt: str
    charge: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Succeeded:
    """`fee` is what the gateway keeps, in minor units of the charge's currency.

    The two others are the bank's and the network's names for it, where the gateway tells them.
    """

    reference: str
    fee: int
    authorization_code: str | None = field(default=None, compare=False)
    network_transaction_id: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Declined:
    """`retry` says whether the same method may work later."""

    code: str
    decline_code: str | None
    message: str
    retry: bool


@dataclass(frozen=True, slots=True)
class NeedsAction:
    """The customer must act first, as with 3D Secure."""

    reference: str


@dataclass(frozen=True, slots=True)
class Pending:
    """Accepted, but the money takes days; a notice will tell."""

    reference: str


Outcome = Succeeded | Declined | NeedsAction | Pending


@dataclass(frozen=True, slots=True)
class CardDetails:
    """What may be kept and shown of a card; the same card always has the same fingerprint."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int
    funding: str
    country: str
    fingerprint: str
