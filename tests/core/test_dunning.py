"""When is a failed payment tried again, and which failures are final?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.dunning import (
    APART,
    SMART,
    WINDOWS,
    Failures,
    GiveUp,
    Policy,
    Preference,
    Retry,
    class_of,
    hard_decline,
    next_step,
    suiting,
    waits_of,
)

START = datetime(2025, 1, 1, 12, tzinfo=UTC)


def days_until_giving_up(policy):
    at, days = START, []
    for failures in range(1, 100):
        step = next_step(at, failures, policy)
        if isinstance(step, GiveUp):
            return days, step.action
        at = step.at
        days.append((at - START).days)
    raise AssertionError("it never gives up")


def test_smart_retries_come_on_their_days_after_the_first_failure():
    assert days_until_giving_up(SMART) == ([1, 3, 5, 7, 9, 11, 13, 14], "cancel")


def test_a_policy_without_waits_gives_up_at_once():
    assert next_step(START, 1, Policy((), "mark_unpaid")) == GiveUp("mark_unpaid")


def test_a_retry_counts_from_the_failure_before_it():
    policy = Policy((timedelta(days=3), timedelta(days=5)), "cancel")
    assert next_step(START, 2, policy) == Retry(START + timedelta(days=5))


@given(st.lists(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=60)), max_size=10))
def test_every_wait_is_used_once_and_in_order(waits):
    days, action = days_until_giving_up(Policy(tuple(waits), "leave_past_due"))
    assert (len(days), action) == (len(waits), "leave_past_due")
    assert days == sorted(days)


@pytest.mark.parametrize(
    ("code", "decline_code", "hard"),
    [
        ("card_declined", "lost_card", True),
        ("card_declined", "stolen_card", True),
        ("authentication_required", None, True),
        ("incorrect_number", None, True),
        ("card_declined", "insufficient_funds", False),
        ("card_declined", "generic_decline", False),
        ("expired_card", None, False),
        (None, None, False),
    ],
)
def test_hard_declines_wait_for_another_card(code, decline_code, hard):
    assert hard_decline(code, decline_code) is hard


# ------------------------------------------------------------------------------------- a time that suits

PAYDAYS = Preference(paydays=(1, 15, 0))
HABITS = Preference(habits=True)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def suited(
    failed: str, prefers: Preference, *paid: str, count: int = 1, window: str = "2w"
) -> Retry | GiveUp:
    policy = replace(SMART, waits=waits_of(WINDOWS[window]), prefers=prefers)
    first = at(failed)
    last = first + sum(policy.waits[: count - 1], timedelta())
    return suiting(Failures(first, last, count), policy, [at(one) for one in paid])


@pytest.mark.parametrize(
    ("window", "days"), [("1w", 7), ("2w", 14), ("3w", 21), ("1mo", 30), ("2mo", 60)]
)  # fmt: skip
def test_a_window_ends_on_its_last_day(window, days):
    policy = replace(SMART, waits=waits_of(WINDOWS[window]))
    found, _ = days_until_giving_up(policy)
    assert (len(found), found[-1]) == (7 if window == "1w" else 8, days)


def test_a_payday_near_the_planned_day_is_chosen():
    # The second retry is planned for Wednesday 13. Friday 15 is a payday, but the third is planned for it.
    assert suited("2025-08-10T09:00", PAYDAYS, count=2) == Retry(at("2025-08-13T09:00"))
    assert suited("2025-08-10T09:00", PAYDAYS, count=3) == Retry(at("2025-08-15T09:00"), "a payday (the 15.)")


def test_a_payday_on_a_weekend_is_paid_the_friday_before():
    assert suited("2025-02-11T09:00", PAYDAYS, count=2) == Retry(at("2025-02-14T09:00"), "a payday (the 15.)")


def test_the_last_working_day_of_a_month_is_a_payday():
    # 31 August 2025 is a Sunday.
    only = Preference(paydays=(0,))
    assert suited("2025-08-27T09:00", only, count=2) == Retry(
        at("2025-08-29T09:00"), "a payday (the last working day)"
    )


def test_the_weekday_and_hour_of_earlier_payments_are_chosen():
    # All earlier payments were on a Friday; two of three at 18 o'clock.
    paid = ("2025-06-06T18:10", "2025-07-04T18:40", "2025-05-02T07:00")
    assert suited("2025-08-10T09:00", HABITS, *paid, count=3) == Retry(
        at("2025-08-15T18:00"), "the weekday of earlier payments, the hour of earlier payments"
    )


def test_without_earlier_payments_the_schedule_stands():
    assert suited("2025-08-10T09:00", HABITS) == Retry(at("2025-08-11T09:00"))


def test_a_payday_counts_more_than_a_weekday():
    both, paid = replace(PAYDAYS, habits=True), ("2025-07-02T09:00",)  # a Wednesday
    assert suited("2025-08-08T09:00", both, *paid, count=4, window="3w") == Retry(
        at("2025-08-15T09:00"), "a payday (the 15.), the hour of earlier payments"
    )


instants = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


@given(
    first=instants,
    paid=st.lists(instants, max_size=5),
    days=st.sets(st.integers(1, 60), min_size=1, max_size=8).map(sorted),
    paydays=st.sets(st.integers(0, 28), max_size=4).map(tuple),
    habits=st.booleans(),
)
def test_moved_retries_stay_in_order_apart_and_within_the_schedule(first, paid, days, paydays, habits):
    policy = Policy(waits_of(days), "cancel", prefers=Preference(paydays, habits))
    last, count = first, 1
    while isinstance(step := suiting(Failures(first, last, count), policy, paid), Retry):
        assert step.at >= last + APART
        assert step == suiting(Failures(first, last, count), policy, list(reversed(paid)))
        last, count = step.at, count + 1
    assert count == len(days) + 1
    assert last <= first + timedelta(days=days[-1]) + APART


@pytest.mark.parametrize(
    ("code", "method", "named"),
    [
        ("insufficient_funds", True, "funds"), ("generic_decline", True, "soft"), ("lost_card", True, "hard"),
        ("insufficient_funds", False, "hard"), ("expired_card", True, "soft"),
    ],
)  # fmt: skip
def test_a_decline_has_a_class(code, method, named):
    assert class_of(code, method) == named
