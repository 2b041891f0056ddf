"""Test clocks: clocks that can be advanced, for the customers on them."""

from datetime import datetime, timedelta
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import CREATE, SHOWN
from billow.api.resource import Resource
from billow.core.errors import require
from billow.store.tx import Tx

KEPT = timedelta(days=30)


class TestClock(
    Resource,
    object="test_helpers.test_clock",
    path="/v1/test_helpers/test_clocks",
    prefix="clock_",
    events=("created", "deleted"),
):
    """A clock that can be advanced. Everything of its customers happens at its time."""

    __test__ = False  # pytest collects classes called Test…

    deletes_after: datetime = f.timestamp(required=True)
    frozen_time: datetime = f.timestamp(CREATE, required=True)
    name: str | None = f.text(CREATE, max=300, unset=True)
    status: str = f.choice(SHOWN, "advancing", "internal_failure", "ready", default="ready")
    status_details: dict[str, Any] = f.nested(default={})


@TestClock.create
def create(tx: Tx, clock: TestClock) -> TestClock:
    """Create a test clock, which stands still until it is advanced."""
    require(not tx.livemode, "Test clocks can only be used in test mode.", code="testmode_charges_only")
    return rows.insert(tx, clock.but(deletes_after=tx.wall + KEPT))
