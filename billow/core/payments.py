"""Define requests to a payment gateway and its answers. A decline is an answer, not an error."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from billow.core.money import round_half_away

TEST_METHOD = re.compile(r"pm_(?:[A-Za-z0-9]+_[A-Za-z0-9_]+|usBankAccount|sepaDebit)")
"""Our own ids have no second underscore: what is written like this names a test method."""


def names_test_method(given: str) -> bool:
    """Return whether an id is the name of a test method, such as pm_card_visa, and not an id of ours."""
    return TEST_METHOD.fullmatch(given) is not None


@dataclass(frozen=True, slots=True)
class MethodTerms:
    """What one payment is made with, mostly one by card, or a set-up, and no later one."""

    moto: bool = False
    """Whether the card was named in a letter or a call, so that its holder is not asked to authenticate."""
    three_d_secure: Mapping[str, Any] | None = None
    """The result of 3D Secure that its holder has passed elsewhere."""
    cvc_token: str | None = None
    """The token of a security code that was typed again."""
    plan: Mapping[str, Any] | None = None
    """The installments in which the bank collects it; we are paid at once."""

    own: Mapping[str, Any] | None = None
    """What is said once of a method of another type than card: a Blik code, Klarna's subscriptions."""

    @property
    def is_authenticated(self) -> bool:
        """Return whether the holder has passed 3D Secure elsewhere, or the bank knows that it was tried."""
        result = self.three_d_secure
        return result is not None and result.get("ares_trans_status") not in ("N", "R", "U")


NO_TERMS = MethodTerms()


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
    return_url: str | None = None
    """Where the customer returns to whom the bank asks elsewhere; None where nobody can be asked."""
    type: str = "card"
    """The type of the payment method."""
    wishes: tuple[str, ...] = ()
    """What is asked of a hold, where the card allows it: the names of `core/holds.py`."""
    three_d_secure: str | None = None
    """How the holder of a card is asked to authenticate, where the bank would not ask: any or challenge."""
    terms: MethodTerms = NO_TERMS


@dataclass(frozen=True, slots=True)
class SetUp:
    """Prepare a stored method for later payments; no money moves. `attempt` is our id, as of a `Charge`.

    With `off_session` the customer will not be there when it is charged.
    """

    attempt: str
    method: str
    off_session: bool = True
    return_url: str | None = None
    type: str = "card"
    three_d_secure: str | None = None
    terms: MethodTerms = NO_TERMS


@dataclass(frozen=True, slots=True)
class Collect:
    """Let a customer enter a method on a page of the gateway's own, so that no number reaches us.

    `collection` is our id of this: however often it is sent, the gateway makes one page of it.
    """

    collection: str
    types: tuple[str, ...]
    currency: str | None
    return_url: str
    """Where the customer comes back to with a method, which the gateway is asked for then."""
    cancel_url: str


@dataclass(frozen=True, slots=True)
class CollectingPage:
    """The page of a gateway on which a method is entered, and the gateway's reference of it."""

    reference: str
    url: str


@dataclass(frozen=True, slots=True)
class Deposits:
    """What the owner of a bank account reads on a statement: two amounts of deposits, or the code of one."""

    amounts: tuple[int, ...] = ()
    descriptor_code: str | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """Take part or all of an authorized charge, and release the rest, unless more captures are to follow.

    An amount of zero takes nothing more and releases what is left after earlier captures.
    """

    attempt: str
    charge: str
    amount: int
    currency: str
    final: bool = True


@dataclass(frozen=True, slots=True)
class Increment:
    """Raise what is held by a charge that nothing was captured of; `amount` is the new total."""

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
    at_once: bool = field(default=False, compare=False)
    """Whether the money is available without the usual wait."""
    exchange: "Exchange | None" = field(default=None, compare=False)
    allows: tuple[str, ...] = field(default=(), compare=False)
    """What the card grants of the wishes of a hold."""
    most: int | None = field(default=None, compare=False)
    """How much can be captured of a hold at most, where that is more than is held."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The gateway's conversion of a charge into the currency that it pays out: amount, fee and rate."""

    currency: str
    amount: int
    fee: int
    rate: Decimal

    def fee_of(self, amount: int) -> int:
        """Return the fee in the currency of a charge of an amount: the same part of it.

        The rate is not asked: currencies have different numbers of decimals.

        >>> Exchange("eur", 620, 43, Decimal("0.0062")).fee_of(1000)  # yen
        69
        """
        return round_half_away(Fraction(amount * self.fee, self.amount)) if self.amount else 0


@dataclass(frozen=True, slots=True)
class Declined:
    """`retry` says whether the same method may work later, `blocked` that no bank was asked."""

    code: str
    decline_code: str | None
    message: str
    retry: bool
    blocked: bool = field(default=False, compare=False)


CANCELED = Declined(
    "payment_canceled", None, "The payment was canceled before its customer had confirmed it.", retry=False
)
"""The outcome of an attempt that was canceled while it waited for its customer."""


@dataclass(frozen=True, slots=True)
class NeedsAction:
    """The customer must act first: authenticate, as with 3D Secure, or what `kind` says.

    The kinds are types of `next_action` (`verify_with_microdeposits`, `redirect_to_url`). `url` is where the
    customer acts, if that is not a page of ours.
    """

    reference: str
    kind: str = "authenticate"
    url: str | None = field(default=None, compare=False)
    wishes: tuple[str, ...] = field(default=(), compare=False)
    """What was asked of a hold, for the answer after the action."""


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

    def details(self) -> "MethodDetails":
        """Return the card as the details of a method."""
        return MethodDetails("card", asdict(self))


@dataclass(frozen=True, slots=True)
class MethodDetails:
    """What a gateway tells of a stored method: its type, and what can be shown of it, never a number."""

    type: str
    details: Mapping[str, Any]
