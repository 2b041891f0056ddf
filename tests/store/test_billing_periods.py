"""Does the database refuse to bill a period of an item twice (invariant 5), whoever asks?"""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from psycopg.errors import CheckViolation, ExclusionViolation

from billow.api import rows
from billow.app import App
from billow.resources.billing_period import BillingPeriod
from billow.store.tx import Tx


@pytest.fixture
def tx(app: App) -> Iterator[Tx]:
    with app.db.transaction("acct_periods/test") as tx:
        yield tx
        tx.run("delete from billing_periods")


def period(item: str, start: int, end: int) -> BillingPeriod:
    return BillingPeriod(
        customer="cus_1",
        subscription="sub_1",
        subscription_item=item,
        kind="licensed",
        price="price_1",
        period_start=datetime(2026, 1, start, tzinfo=UTC),
        period_end=datetime(2026, 1, end, tzinfo=UTC),
        invoice="in_1",
    )


def test_periods_of_one_item_that_overlap_are_refused(tx: Tx) -> None:
    rows.insert(tx, period("si_1", 1, 10))
    with pytest.raises(ExclusionViolation), tx.conn.transaction():
        rows.insert(tx, period("si_1", 9, 20))
    with pytest.raises(ExclusionViolation), tx.conn.transaction():
        rows.insert_many(tx, [period("si_1", 2, 3)])


def test_periods_that_follow_each_other_and_those_of_other_items_are_taken(tx: Tx) -> None:
    rows.insert_many(
        tx, [period("si_1", 1, 10), period("si_1", 10, 20), period("si_2", 5, 15), period("si_1", 4, 4)]
    )
    kept = rows.select(tx, BillingPeriod, "subscription = 'sub_1'")
    assert len(kept) == 4


def test_a_period_ends_after_it_began(tx: Tx) -> None:
    with pytest.raises(CheckViolation), tx.conn.transaction():
        rows.insert(tx, period("si_1", 10, 9))
