"""Define disputes as a gateway reports them, and which state of a dispute is later than another."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

ORDER = {
    "warning_needs_response": 0,
    "warning_under_review": 1,
    "needs_response": 2,
    "under_review": 3,
    "warning_closed": 4,
    "prevented": 4,
    "won": 4,
    "lost": 4,
}
"""How far each status is: an inquiry may become a dispute, and what is decided stays so."""
INQUIRY = ("warning_needs_response", "warning_under_review", "warning_closed")
"""The statuses of an inquiry, in which no money has moved."""
AWAITING = ("warning_needs_response", "needs_response")
"""The statuses in which the merchant can submit evidence."""
CLOSED = ("lost", "prevented", "warning_closed", "won")


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that a dispute moved on our balance with the gateway: less than zero when it was taken.

    Amount and fee are in `currency`, and the fee is what the gateway charges on top.
    """

    reference: str
    amount: int
    fee: int
    currency: str | None = None
    """The currency that the gateway had turned the charge into; None where it is that of the dispute."""
    rate: Decimal | None = None
    """By which the gateway has turned the disputed amount into this currency."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute as it is at the gateway now. `charge` is the gateway's reference of the charge.

    `due_by` is until when evidence is taken; None where the gateway names no date.
    """

    reference: str
    charge: str
    amount: int
    currency: str
    reason: str
    status: str
    network_reason_code: str | None
    movements: tuple[Movement, ...]
    due_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the merchant says to a dispute. Texts are named as the API names them; files are left out.

    Without `submit` the gateway keeps it and tells the bank nothing yet.
    """

    dispute: str
    texts: tuple[tuple[str, str], ...]
    submit: bool


def is_later(status: str, than: str) -> bool:
    """Check whether a dispute may go from one status to another: only forward, and not from a decision."""
    return ORDER[status] > ORDER[than]


def disputed_part(moved: int, currency: str, disputed: tuple[int, str]) -> int:
    """Return how much of a disputed amount and currency a movement moved.

    Of money in another currency it is the whole: a gateway takes a dispute once and returns it once, each at
    the rate of its day.

    >>> disputed_part(-920, "eur", (1000, "usd")), disputed_part(925, "eur", (1000, "usd"))
    (-1000, 1000)
    """
    whole, own = disputed
    if currency == own:
        return moved
    return (moved > 0) * whole - (moved < 0) * whole


def net_of(dispute: Dispute) -> dict[str, int]:
    """Sum up what a dispute has moved after fees, by currency, without what has come back whole."""
    net: dict[str, int] = {}
    for one in dispute.movements:
        currency = one.currency or dispute.currency
        net[currency] = net.get(currency, 0) + one.amount - one.fee
    return {currency: amount for currency, amount in net.items() if amount}


def is_inquiry(status: str) -> bool:
    return status in INQUIRY
