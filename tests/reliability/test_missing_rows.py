"""A job whose row does not exist is parked with its reason; it is never taken for done."""

from collections.abc import Generator
from datetime import timedelta

import pytest

from billow.app import App
from billow.core.errors import Refused
from billow.store import jobs
from billow.store.tx import Tx
from tests.conftest import Api

ABOUT_NO_ROW = {
    "cards.expiring",
    "dispute.follow",  # the gateway is asked for it, and may report one that is not recorded yet
    "events.number",
    "ledger.seal",
    "payout.follow",  # the gateway has made it, and is asked for it first
    "payout.poll",  # it names a gateway, which is asked
    "statements.monthly",
    "store.prune",
    "timers.repair",
}
ENDS_WITH_ITS_ROW = {"billing.oversize", "webhook.forget", "webhook.notice"}
"""A receiver may be deleted while something waits for it, and what waits alone may be deleted or billed."""


@pytest.mark.parametrize("kind", sorted(jobs.KINDS.keys() - ABOUT_NO_ROW - ENDS_WITH_ITS_ROW))
def test_a_job_without_its_row_fails(kind: str, app: App, api: Api) -> None:
    def run(tx: Tx) -> None:
        steps = jobs.KINDS[kind].run(tx, ["gone"])
        if isinstance(steps, Generator):
            next(steps)

    with app.db.transaction(api.tenant) as tx, pytest.raises((jobs.RowMissing, Refused), match="gone"):
        run(tx)


def test_a_renewal_without_its_subscription_is_parked_and_says_why(
    app: App, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ("subscription.renew", jobs.CATCH_UP)
    monkeypatch.setattr(jobs, "KINDS", {kind: jobs.KINDS[kind] for kind in kinds})
    now = app.db.wall() - timedelta(days=1)
    with app.db.transaction(api.tenant, now=now, clock="clock_lost") as tx:
        jobs.put(tx, "subscription.renew", "sub_lost", now)
    jobs.run_due(app.db, clock="clock_lost", until=now)
    with app.db.transaction(api.tenant) as tx:
        [left] = jobs.parked(tx, "clock_lost")
        jobs.cancel(tx, "subscription.renew", "sub_lost")
    assert "There is no subscription sub_lost." in left["error"]


def test_a_deleted_test_clock_leaves_no_job(app: App, api: Api) -> None:
    clock = api.post("/v1/test_helpers/test_clocks", {"frozen_time": 1735689600})
    with app.db.transaction(api.tenant) as tx:
        jobs.put(tx, jobs.CATCH_UP, clock["id"], tx.wall, clock="wall")
    api.delete(f"/v1/test_helpers/test_clocks/{clock['id']}")
    with app.db.transaction(api.tenant) as tx:
        assert (
            tx.tuples(
                "select kind from jobs where tenant = %(t)s and ref = %(r)s", t=tx.tenant, r=clock["id"]
            )
            == []
        )
