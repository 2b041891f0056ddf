"""Answer what gateways are asked that only people and statements of banks can do."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from billow.core.disputes import Dispute, Evidence
from billow.core.errors import Inconsistent
from billow.core.notices import Notice
from billow.core.payments import (
    Capture,
    Collect,
    CollectingPage,
    Declined,
    Deposits,
    Increment,
    Outcome,
    Refund,
)
from billow.providers.gateways import StoredMethod
from billow.providers.gateways.no_payouts import NoPayouts

NOT_CAPTURED = Declined("capture_not_supported", None, "Nothing is held that could be captured.", retry=False)
REFUND = Declined(
    "refund_by_transfer", None, "Refund it by a transfer of your own: no gateway can.", retry=False
)


class ByHand(NoPayouts):
    """A gateway that reaches nobody by a network: it holds nothing, and returns and disputes nothing."""

    collects_at: Mapping[str, str] = MappingProxyType({})
    """No customer enters anything at it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def capture(self, capture: Capture) -> Outcome:
        """Refuse: no amount is held."""
        return NOT_CAPTURED

    def increment(self, increment: Increment) -> Outcome:
        """Refuse: no amount is held."""
        return NOT_CAPTURED

    def refund(self, refund: Refund) -> Outcome:
        """Refuse: the money went to the seller's own account, and only the seller can return it."""
        return REFUND

    def begin_collection(self, wanted: Collect) -> CollectingPage:
        """Raise: there is no page but ours."""
        raise Inconsistent("This gateway has no page of its own.")

    def collected(self, collection: str, reference: str) -> StoredMethod | Declined | None:
        """Answer that nothing was entered elsewhere."""
        return None

    def authenticate(self, attempt: str, passed: bool = True) -> Outcome | None:
        """Answer that no bank asks anything."""
        return None

    def verify(self, attempt: str, proof: Deposits) -> Outcome | None:
        """Answer that there is nothing to verify."""
        return None

    def reports(self, attempt: str) -> Sequence[Notice]:
        """Return nothing: statements report by `billow bank import`."""
        return ()

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> Sequence[Notice]:
        """Read no notices."""
        return ()

    def dispute(self, reference: str) -> Dispute | None:
        """Find no dispute."""
        return None

    def contest(self, evidence: Evidence) -> Dispute:
        """Raise: there are no disputes here."""
        raise Inconsistent("Payments by bank are not disputed.")

    def concede(self, reference: str) -> Dispute:
        """Raise: there are no disputes here."""
        raise Inconsistent("Payments by bank are not disputed.")
