"""Take no payments by machine: people record them (`billow bank record`)."""

from billow.core.payments import Charge, Declined, Outcome, SetUp
from billow.providers.gateways import StoredMethod
from billow.providers.gateways.by_hand import ByHand

NAME = "manual"
BY_PEOPLE = Declined(
    "payment_method_not_available",
    None,
    "These payments are recorded by hand: nothing can be charged.",
    retry=False,
    blocked=True,
)


class Manual(ByHand):
    """Payments that are recorded by hand."""

    def __init__(self, name: str = NAME) -> None:
        super().__init__(name)

    def store_method(self, token: str, type: str = "card", check: bool = True) -> StoredMethod | Declined:
        """Refuse to store a method, as nothing is charged."""
        return BY_PEOPLE

    def set_up(self, set_up: SetUp) -> Outcome:
        """Refuse, as nothing is charged."""
        return BY_PEOPLE

    def charge(self, charge: Charge) -> Outcome:
        """Decline, without asking anybody."""
        return BY_PEOPLE

    def cancel(self, attempt: str) -> Outcome | None:
        """Return the one answer that there is."""
        return BY_PEOPLE

    def look_up(self, attempt: str) -> Outcome | None:
        """Return the one answer that there is."""
        return BY_PEOPLE
