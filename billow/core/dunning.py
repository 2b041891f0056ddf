"""Decide when a failed payment is retried, and when the retries end."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from billow.core.errors import ensure


@dataclass(frozen=True, slots=True)
class Policy:
    """`waits[n]` is the time from failure n + 1 to the next try; `finally_` is the last action."""

    waits: tuple[timedelta, ...]
    finally_: str


@dataclass(frozen=True, slots=True)
class Retry:
    at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """`action` is the policy's final action, such as cancel, mark_unpaid or leave_past_due."""

    action: str


# What a merchant can choose to happen to a subscription when the last retry has failed (§5.2).
FINALLY = {"cancel": "cancel", "unpaid": "mark_unpaid", "past_due": "leave_past_due"}

# Days 1, 3, 5, 7, 9, 11, 13 and 14 after the first failure: eight tries within two weeks.
SMART = Policy(tuple(timedelta(days=days) for days in (1, 2, 2, 2, 2, 2, 2, 1)), "cancel")

# These declines are final: a retry waits for another payment method.
HARD_DECLINES = frozenset({
    "authentication_required", "highest_risk_level", "incorrect_number", "lost_card", "pickup_card",
    "revocation_of_all_authorizations", "revocation_of_authorization", "stolen_card",
    "transaction_not_allowed",
    "account_closed", "bank_account_restricted", "debit_not_authorized", "refer_to_customer",
})  # fmt: skip


def next_step(failed_at: datetime, failures: int, policy: Policy) -> Retry | GiveUp:
    """Return the next step after the n-th failure: a retry after policy.waits[n - 1], or giving up."""
    ensure(failures >= 1, "Only after a failure is there a next step.")
    if failures > len(policy.waits):
        return GiveUp(policy.finally_)
    return Retry(failed_at + policy.waits[failures - 1])


def hard_decline(code: str | None, decline_code: str | None) -> bool:
    return code in HARD_DECLINES or decline_code in HARD_DECLINES
