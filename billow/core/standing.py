"""Decide from its invoices whether a subscription is active, past due, or ends its retries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from billow.core.dunning import GiveUp, Policy, next_step


@dataclass(frozen=True, slots=True)
class Bill:
    """A finalized invoice that is not void; `failures` counts the failed attempts to charge it."""

    status: str
    automatic: bool
    failures: int
    due_at: datetime | None
    given_up: bool = False
    """Whether its retries have ended, as was noted at the last of them."""


def verdict(bills: Iterable[Bill], now: datetime, policy: Policy) -> str:
    """Return the action (of core/lifecycle.py or the policy) that the newest decisive invoice leads to.

    The newest come first. One that is still retried or not yet due is not decisive, and the next older one
    counts; where none is decisive the subscription is active (§5.2).
    """
    for bill in bills:
        if bill.status in ("paid", "uncollectible"):
            return "activate"
        if bill.automatic and bill.failures:
            step = next_step(now, bill.failures, policy)
            if bill.given_up or isinstance(step, GiveUp):
                return policy.finally_
        if not bill.automatic and bill.due_at is not None and bill.due_at <= now:
            return "miss_payment"
    return "activate"
