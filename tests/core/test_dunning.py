"""When is a failed payment tried again, and which failures are final?"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.dunning import SMART, GiveUp, Policy, Retry, hard_decline, next_step

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
