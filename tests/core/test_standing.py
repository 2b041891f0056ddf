"""What do its invoices say of a subscription?"""

from datetime import UTC, datetime, timedelta

import pytest

from billow.core.dunning import SMART, Policy
from billow.core.standing import Bill, verdict

NOW = datetime(2025, 3, 1, tzinfo=UTC)
PAID = Bill("paid", automatic=True, failures=0, due_at=None)
GIVEN_UP = Bill("uncollectible", automatic=True, failures=9, due_at=None)
UNTRIED = Bill("open", automatic=True, failures=0, due_at=None)
TRIED = Bill("open", automatic=True, failures=8, due_at=None)
EXHAUSTED = Bill("open", automatic=True, failures=9, due_at=None)
OVERDUE = Bill("open", automatic=False, failures=0, due_at=NOW)
WAITING = Bill("open", automatic=False, failures=0, due_at=NOW + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("bills", "wanted"),
    [
        ([], "activate"),
        ([PAID, OVERDUE], "activate"),
        ([GIVEN_UP, EXHAUSTED], "activate"),
        ([OVERDUE, PAID], "miss_payment"),
        ([EXHAUSTED, PAID], "cancel"),
        ([TRIED, UNTRIED, WAITING, OVERDUE, PAID], "miss_payment"),
        ([TRIED, WAITING], "activate"),
        ([WAITING, PAID, EXHAUSTED], "activate"),
    ],
)
def test_the_newest_invoice_that_says_something_decides(bills: list[Bill], wanted: str) -> None:
    assert verdict(bills, NOW, SMART) == wanted


def test_the_last_word_is_the_policys() -> None:
    assert verdict([EXHAUSTED], NOW, Policy(SMART.waits, "mark_unpaid")) == "mark_unpaid"
