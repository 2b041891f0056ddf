"""Define disputes as a gateway reports them, and which state of a dispute is later than another."""

from dataclasses import dataclass
from datetime import datetime

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
    """Money that a dispute moved on our balance with the gateway: less than zero when it was taken."""

    reference: str
    amount: int
    fee: int


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


def is_inquiry(status: str) -> bool:
    return status in INQUIRY
