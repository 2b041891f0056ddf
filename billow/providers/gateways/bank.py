"""Wait for bank transfers: customers pay by themselves, and statements say that they have.

A charge asks the customer to act. The transfer is found by its reference when the statement is imported
(flows/bank/), which pays the invoice and ends what waits for it.
"""

from billow.core.payments import (
    CANCELED,
    Charge,
    Declined,
    MethodDetails,
    NeedsAction,
    Outcome,
    SetUp,
    Succeeded,
)
from billow.providers.gateways import StoredMethod
from billow.providers.gateways.by_hand import ByHand

NAME = "bank"
TYPE = "customer_balance"
ACTION = "display_bank_transfer_instructions"
NO_TRANSFER = Declined(
    "payment_method_not_available", None, "This gateway takes bank transfers only.", retry=False
)


class Bank(ByHand):
    """The seller's bank account, as far as customers transfer to it."""

    def __init__(self, name: str = NAME) -> None:
        super().__init__(name)

    def store_method(self, token: str, type: str = "card", check: bool = True) -> StoredMethod | Declined:
        """Store that a customer pays by transfer, of which nothing needs to be known."""
        return StoredMethod(TYPE, MethodDetails(TYPE, {})) if type == TYPE else NO_TRANSFER

    def set_up(self, set_up: SetUp) -> Outcome:
        """Answer that nothing is to be prepared."""
        return Succeeded(set_up.attempt, 0)

    def charge(self, charge: Charge) -> Outcome:
        """Ask the customer to make the transfer."""
        return NeedsAction(charge.attempt, kind=ACTION)

    def cancel(self, attempt: str) -> Outcome | None:
        """Return that the transfer is awaited no more; one that comes all the same waits in the queue."""
        return CANCELED

    def look_up(self, attempt: str) -> Outcome | None:
        """Return that the transfer is awaited."""
        return NeedsAction(attempt, kind=ACTION)
