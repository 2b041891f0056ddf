"""Is what comes late booked in the open period, and does a closed one stay as it was?"""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from billow.core.books.periods import INTO_CLOSED
from billow.core.errors import Refused
from billow.ledger import audit, chain, entries, periods
from billow.ledger.balances import trial_balance
from billow.ledger.chain import seal
from billow.ledger.post import Posting, post

ENDS = datetime(2026, 2, 1, tzinfo=UTC)
LATE = datetime(2026, 1, 20, 15, tzinfo=UTC)


def late(source: str, at: datetime = LATE) -> Posting:
    return Posting("paid", source, at, entries.payment_succeeded("simulated", "cus_1", "usd", 100))


def dates(tx) -> dict[str, tuple[datetime, datetime | None]]:
    found = tx.tuples("select source, created, dated from ledger_transfers order by source")
    return {source: (created, dated) for source, created, dated in found}


def reclosed(tx, month: str, ends: datetime, hard: bool = False) -> None:
    """As another transaction closes it: this one forgets what it knew."""
    tx.notes.pop(periods.KEY, None)
    periods.close(tx, month, ends, hard=hard)


@pytest.mark.parametrize("hard", [False, True])
def test_what_comes_late_is_booked_when_the_open_period_begins(tx, hard):
    post(tx, [late("in time")])
    reclosed(tx, "2026-01", ENDS, hard)
    before = trial_balance(tx, ENDS - timedelta(microseconds=1))
    post(tx, [late("late"), late("after", ENDS + timedelta(days=3))])
    assert dates(tx) == {
        "after": (ENDS + timedelta(days=3), None),
        "in time": (LATE, None),
        "late": (ENDS, LATE),
    }
    assert trial_balance(tx, ENDS - timedelta(microseconds=1)) == before


def test_only_who_may_posts_into_a_softly_closed_period_and_nobody_into_a_hard_one(tx):
    reclosed(tx, "2026-01", ENDS)
    tx.notes[INTO_CLOSED] = True
    post(tx, [late("soft")])
    reclosed(tx, "2026-01", ENDS, hard=True)
    post(tx, [late("hard")])
    assert dates(tx) == {"soft": (LATE, None), "hard": (ENDS, LATE)}


def test_a_softly_closed_month_opens_again_with_those_after_it(tx):
    march = datetime(2026, 4, 1, tzinfo=UTC)
    reclosed(tx, "2026-03", march)
    begins = datetime(2026, 3, 1, tzinfo=UTC)
    periods.reopen(tx, "2026-03", begins, "2026-02")
    assert periods.closed(tx).soft == begins
    with pytest.raises(Refused, match="is not closed"):
        periods.reopen(tx, "2026-03", begins, "2026-02")
    reclosed(tx, "2026-02", begins, hard=True)
    with pytest.raises(Refused, match="closed for good"):
        periods.reopen(tx, "2026-02", ENDS, "2026-01")
    with pytest.raises(Refused, match="for good already"):
        periods.close(tx, "2026-01", ENDS, hard=False)


def test_a_month_is_closed_after_its_end(tx):
    with pytest.raises(Refused, match="an hour after its end"):
        periods.close(tx, "2099-01", datetime(2099, 2, 1, tzinfo=UTC), hard=False)
    with pytest.raises(Refused, match="an hour after its end"):
        periods.close(tx, "now", tx.wall, hard=False)


def test_the_date_of_a_late_transfer_is_sealed(tx):
    reclosed(tx, "2026-01", ENDS)
    post(tx, [late("late")])
    seal(tx)
    [found], findings = audit.links(tx, 1, 10)
    assert findings == [] and len(found.transfers) == 1
    row = {name: None for name in chain.COLUMNS} | {"created": ENDS, "amount": 1}
    assert chain.leaf({**row, "dated": LATE}) != chain.leaf({**row, "dated": None})


def test_nobody_posts_into_a_period_while_it_is_closed(database, new_tenant):
    """The closing waits for the posting that has begun; what begins afterwards is late."""
    tenant, closed = new_tenant(), threading.Event()

    def close() -> None:
        with database.transaction(tenant) as tx:
            periods.close(tx, "2026-01", ENDS, hard=True)
        closed.set()

    with database.transaction(tenant) as tx:
        post(tx, [late("first")])
        thread = threading.Thread(target=close)
        thread.start()
        assert not closed.wait(0.2)
    thread.join(20)
    with database.transaction(tenant) as tx:
        post(tx, [late("second")])
        assert dates(tx) == {"first": (LATE, None), "second": (ENDS, LATE)}


def test_a_month_that_was_closed_for_good_stays_so_when_its_end_moves(tx):
    """A time zone further west ends the month later, and it looks open again."""
    reclosed(tx, "2026-01", ENDS, hard=True)
    reclosed(tx, "2026-01", ENDS + timedelta(hours=5))
    tx.notes.pop(periods.KEY, None)
    assert periods.closed(tx).hard == ENDS + timedelta(hours=5)
