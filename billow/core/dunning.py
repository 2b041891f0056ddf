"""When is a failed payment tried again, and when do we stop?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from billow.core.errors import ensure


@dataclass(frozen=True, slots=True)
class Policy:
    """`waits[n]` lies between failure n + 1 and the next try; `finally_` is the action after the last."""

    waits: tuple[timedelta, ...]
    finally_: str


@dataclass(frozen=True, slots=True)
class Retry:
    at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """`action` is the policy's last word, such as cancel, mark_unpaid or leave_past_due."""

    action: str


# What a merchant may choose to become of a subscription when the last retry has failed (§5.2).
FINALLY = {"cancel": "cancel", "unpaid": "mark_unpaid", "past_due": "leave_past_due"}

# Days 1, 3, 5, 7, 9, 11, 13 and 14 after the first failure: eight tries within two weeks.
SMART = Policy(tuple(timedelta(days=days) for days in (1, 2, 2, 2, 2, 2, 2, 1)), "cancel")

# The bank will not change its mind about these: a retry waits for another payment method.
HARD_DECLINES = frozenset({
    "authentication_required", "highest_risk_level", "incorrect_number", "lost_card", "pickup_card",
    "revocation_of_all_authorizations", "revocation_of_authorization", "stolen_card",
    "transaction_not_allowed",
})  # fmt: skip


def next_step(failed_at: datetime, failures: int, policy: Policy) -> Retry | GiveUp:
    """After the n-th failure wait policy.waits[n - 1]; when the waits are used up, give up."""
    ensure(failures >= 1, "Only after a failure is there a next step.")
    if failures > len(policy.waits):
        return GiveUp(policy.finally_)
    return Retry(failed_at + policy.waits[failures - 1])


def hard_decline(code: str | None, decline_code: str | None) -> bool:
    return code in HARD_DECLINES or decline_code in HARD_DECLINES
