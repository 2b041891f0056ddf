"""Answer for gateways that report no payouts of their own."""

from collections.abc import Mapping, Sequence

from billow.core.payouts import PaidOut


class NoPayouts:
    """A gateway that pays out on request only, or whose money is on the seller's own account already."""

    def payout(self, reference: str) -> PaidOut | None:
        """Find no payout."""
        return None

    def recent_payouts(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}

    def paid_out_with(self, reference: str) -> Sequence[str]:
        """Return nothing."""
        return ()
