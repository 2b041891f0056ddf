"""Are old mails deleted, and those kept that still mean something?"""

from datetime import timedelta

from billow.flows.platform import retention
from tests.conftest import Api

STATES = ("sent", "not_sent", "bounced", "waiting")


def mails(api: Api) -> set[str]:
    with api.app.db.transaction(api.tenant, reads=True) as tx:
        return {id for (id,) in tx.tuples("select id from mails")}


def test_mails_are_deleted_after_their_time_but_for_those_that_came_back_or_wait(api: Api) -> None:
    with api.app.db.transaction(api.tenant) as tx:
        for days in (399, 401):
            for state in STATES:
                tx.run(
                    "insert into mails (id, created, kind, about, cause, facts, state, closed_at) values"
                    " (%(id)s, %(at)s, 'receipt', 'ch_1', %(id)s, '{}', %(state)s, %(closed)s)",
                    id=f"{state} {days}",
                    at=tx.wall - timedelta(days=days),
                    state=state,
                    closed=None if state == "waiting" else tx.wall - timedelta(days=days),
                )
    with api.app.db.transaction(api.tenant) as tx:
        assert retention.prune_mails(tx) == 2
    assert mails(api) == {f"{state} 399" for state in STATES} | {"bounced 401", "waiting 401"}
