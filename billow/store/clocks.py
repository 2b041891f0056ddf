"""What time is it, and for whom: the wall's clock, or the test clock that a customer lives on."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from billow.store.tx import Tx


def utc_now() -> datetime:
    """The only place that asks the machine what time it is. Whole microseconds, UTC."""
    return datetime.now(UTC)


def of_customer(tx: "Tx", customer: str) -> "Tx":
    """The transaction at the time of a customer, who may live on a test clock."""
    row = tx.one("select test_clock from customers where id = %(id)s", id=customer)
    return enter(tx, row["test_clock"]) if row else tx


def enter(tx: "Tx", test_clock: str | None) -> "Tx":
    """The transaction at the instant of a test clock; as it is when there is none, or none any more."""
    if test_clock is None or test_clock == tx.clock:
        return tx
    row = tx.one("select frozen_time from test_clocks where id = %(id)s", id=test_clock)
    return tx.at(test_clock, row["frozen_time"]) if row else tx
