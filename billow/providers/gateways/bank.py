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
from billow.providers.gateways import StoredMethod, by_hand

NAME = "bank"
TYPE = "customer_balance"
ACTION = "display_bank_transfer_instructions"
NO_TRANSFER = Declined(
    "payment_method_not_available", None, "This gateway takes bank transfers only.", retry=False
)


class Bank:
    """The seller's bank account, as far as customers transfer to it."""

    collects_at = by_hand.NOWHERE
    authenticate = staticmethod(by_hand.authenticate)
    begin_collection = staticmethod(by_hand.begin_collection)
    capture = staticmethod(by_hand.capture)
    collected = staticmethod(by_hand.collected)
    refund = staticmethod(by_hand.refund)
    verify = staticmethod(by_hand.verify)
    reports = staticmethod(by_hand.reports)
    read_notice = staticmethod(by_hand.read_notice)
    dispute = staticmethod(by_hand.find_dispute)
    contest = staticmethod(by_hand.contest)
    concede = staticmethod(by_hand.concede)

    def __init__(self, name: str = NAME) -> None:
        self.name = name

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
