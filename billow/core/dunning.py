"""Decide when a failed payment is retried, and when the retries end."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from billow.core.errors import ensure


@dataclass(frozen=True, slots=True)
class Preference:
    """The days and hours that suit a customer: those of paydays, and those of earlier payments."""

    paydays: tuple[int, ...] = ()
    """Days of the month; 0 is the last working day."""
    habits: bool = False
    """Whether the weekday and hour at which the customer's payments succeeded are preferred."""


@dataclass(frozen=True, slots=True)
class Policy:
    """`waits[n]` is the time from failure n + 1 to the next try; `finally_` is the last action."""

    waits: tuple[timedelta, ...]
    finally_: str
    writes_off: bool = False
    """Whether the invoice becomes uncollectible after the last try; else it stays open."""
    prefers: Preference | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """When the payment is tried again, and why then."""

    at: datetime
    reason: str = "as scheduled"


@dataclass(frozen=True, slots=True)
class GiveUp:
    """`action` is the policy's final action, such as cancel, mark_unpaid or leave_past_due."""

    action: str


# What a merchant can choose to happen to a subscription when the last retry has failed (§5.2).
FINALLY = {"cancel": "cancel", "unpaid": "mark_unpaid", "past_due": "leave_past_due"}
# The same of an invoice, and whether it is written off.
INVOICE_FINALLY = {"open": False, "uncollectible": True}

# The days after the first failure on which eight retries are made, by the window (§8.6).
WINDOWS = {
    "1w": (1, 2, 3, 4, 5, 6, 7), "2w": (1, 3, 5, 7, 9, 11, 13, 14), "3w": (1, 3, 6, 9, 12, 15, 18, 21),
    "1mo": (1, 4, 8, 12, 16, 20, 25, 30), "2mo": (1, 7, 15, 23, 31, 40, 50, 60),
}  # fmt: skip


def waits_of(days: Sequence[int]) -> tuple[timedelta, ...]:
    """Return the waits between retries on these days after the first failure: 1, 3 is one day, then two."""
    return tuple(timedelta(days=day - before) for before, day in zip((0, *days), days, strict=False))


# Days 1, 3, 5, 7, 9, 11, 13 and 14 after the first failure: eight tries within two weeks.
SMART = Policy(waits_of(WINDOWS["2w"]), "cancel")

# These declines are final: a retry waits for another payment method.
HARD_DECLINES = frozenset({
    "authentication_required", "highest_risk_level", "incorrect_number", "lost_card", "pickup_card",
    "revocation_of_all_authorizations", "revocation_of_authorization", "stolen_card",
    "transaction_not_allowed",
    "account_closed", "bank_account_restricted", "debit_not_authorized", "refer_to_customer",
})  # fmt: skip
CLASSES = ("soft", "funds", "hard")
"""The classes of declines, which may have schedules of their own: the bank may agree later, there was not
enough money, and no retry helps without another payment method."""


def next_step(failed_at: datetime, failures: int, policy: Policy) -> Retry | GiveUp:
    """Return the next step after the n-th failure: a retry after policy.waits[n - 1], or giving up."""
    ensure(failures >= 1, "Only after a failure is there a next step.")
    if failures > len(policy.waits):
        return GiveUp(policy.finally_)
    return Retry(failed_at + policy.waits[failures - 1])


def hard_decline(code: str | None, decline_code: str | None) -> bool:
    return code in HARD_DECLINES or decline_code in HARD_DECLINES


def class_of(code: str, has_method: bool) -> str:
    """Return the class of a decline; without a payment method nothing but another one helps."""
    if not has_method or hard_decline(code, None):
        return "hard"
    return "funds" if code == "insufficient_funds" else "soft"


# ------------------------------------------------------------------------------------- a time that suits

APART = timedelta(hours=12)
"""The least time between two tries."""
PAYDAY, WEEKDAY = 4, 2
"""How much a payday and the customer's weekday count against each other."""


@dataclass(frozen=True, slots=True)
class Failures:
    """The failures of an invoice so far: when the first and the last of them were, and how many."""

    first: datetime
    last: datetime
    count: int


def suiting(failures: Failures, policy: Policy, paid_at: Sequence[datetime]) -> Retry | GiveUp:
    """Return the next step, where a retry is moved to a day and hour that suit the customer.

    A retry stays after the failure and before the next planned one, so that the schedule ends when it says.
    The same failures and payments always lead to the same instant.
    """
    step = next_step(failures.last, failures.count, policy)
    if policy.prefers is None or isinstance(step, GiveUp):
        return step
    planned = failures.first + sum(policy.waits[: failures.count], timedelta())
    following = policy.waits[failures.count : failures.count + 1]
    latest = planned + following[0] - APART if following else planned
    found = [
        choice
        for day in range(-2, 3)
        for choice in [choice_of(planned + timedelta(days=day), policy.prefers, paid_at)]
        if failures.last + APART <= choice.at <= latest
    ]
    if not found:
        return Retry(max(planned, failures.last + APART))
    best = max(found, key=lambda one: (one.score, -abs(one.at - planned), one.at))
    return Retry(best.at, best.reason)


@dataclass(frozen=True, slots=True)
class Choice:
    at: datetime
    score: int
    reason: str


def choice_of(at: datetime, prefers: Preference, paid_at: Sequence[datetime]) -> Choice:
    """Return a day as a choice: at the hour of earlier payments, with what speaks for it."""
    habit = usual(paid_at) if prefers.habits else None
    if habit:
        at = at.replace(hour=habit.hour, minute=0, second=0, microsecond=0)
    payday, weekday = payday_of(at, prefers.paydays), habit is not None and at.weekday() == habit.weekday
    reasons = [
        *([f"a payday ({payday})"] if payday else []),
        *(["the weekday of earlier payments"] if weekday else []),
        *(["the hour of earlier payments"] if habit else []),
    ]
    return Choice(at, PAYDAY * bool(payday) + WEEKDAY * weekday, ", ".join(reasons) or "as scheduled")


def payday_of(at: datetime, paydays: Sequence[int]) -> str:
    """Name the payday that a day is; empty if it is none. A payday on a weekend is the Friday before."""
    for day in (at, *((at + timedelta(days=ahead) for ahead in (1, 2)) if at.weekday() == 4 else ())):
        if day.day in paydays:
            return f"the {day.day}."
    return "the last working day" if 0 in paydays and at.date() == last_working_day(at).date() else ""


def last_working_day(at: datetime) -> datetime:
    """Return the last day of a month that is no Saturday or Sunday."""
    end = (at.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return end - timedelta(days=max(0, end.weekday() - 4))


@dataclass(frozen=True, slots=True)
class Habit:
    weekday: int
    hour: int


def usual(paid_at: Sequence[datetime]) -> Habit | None:
    """Return the weekday and the hour at which most payments succeeded; the latest payment decides a tie."""
    if not paid_at:
        return None
    ordered = sorted(paid_at, reverse=True)  # `most_common` keeps the order of equal counts
    [(weekday, _)] = Counter(at.weekday() for at in ordered).most_common(1)
    [(hour, _)] = Counter(at.hour for at in ordered).most_common(1)
    return Habit(weekday, hour)
