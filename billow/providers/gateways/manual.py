"""Take no payments by machine: people record them (`billow bank record`)."""

from billow.core.payments import Charge, Declined, Outcome, SetUp
from billow.providers.gateways import StoredMethod, by_hand

NAME = "manual"
BY_PEOPLE = Declined(
    "payment_method_not_available",
    None,
    "These payments are recorded by hand: nothing can be charged.",
    retry=False,
    blocked=True,
)


class Manual:
    """Payments that are recorded by hand."""

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
