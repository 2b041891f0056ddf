"""What do its invoices say of a subscription: is it active, late, or at the policy's last word?"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from billow.core.dunning import GiveUp, Policy, next_step


@dataclass(frozen=True, slots=True)
class Bill:
    """A finalized invoice that is not void; `failures` are the tries to charge it."""

    status: str
    automatic: bool
    failures: int
    due_at: datetime | None


def verdict(bills: Iterable[Bill], now: datetime, policy: Policy) -> str:
    """The action (core/lifecycle.py, or the policy's) that follows from the newest bill that says something.

    The newest come first. One that is still tried, or not yet due, says nothing, and the next older one is
    asked; where none says anything the subscription is active (§5.2).
    """
    for bill in bills:
        if bill.status in ("paid", "uncollectible"):
            return "activate"
        if bill.automatic and bill.failures:
            step = next_step(now, bill.failures, policy)
            if isinstance(step, GiveUp):
                return step.action
        if not bill.automatic and bill.due_at is not None and bill.due_at <= now:
            return "miss_payment"
    return "activate"
