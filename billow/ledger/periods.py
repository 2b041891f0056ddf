"""Close accounting periods, and say when a posting is booked that comes after its period was closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from billow.core.books.periods import INTO_CLOSED
from billow.core.errors import require
from billow.store.tx import Tx

KEY = "ledger.periods"
AFTER_ITS_END = timedelta(hours=1)
"""How long after its end a period may be closed: what began in it has committed by then."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Until when the books are closed; None where they are open from the beginning."""

    soft: datetime | None
    hard: datetime | None

    def open_from(self, into_closed: bool) -> datetime | None:
        """Return when the open period begins; who may post into softly closed ones has more of them."""
        if into_closed:
            return self.hard
        return max((one for one in (self.soft, self.hard) if one), default=None)


def booked_at(tx: Tx, at: datetime) -> datetime:
    """Return when something is booked that happened at an instant: then, or when the open period begins.

    The lock is shared with others who post, and held until the commit, so that nobody closes a period
    meanwhile. What happens now is in no period that could be closed, and needs neither.
    """
    if at >= tx.wall:
        return at
    if KEY not in tx.notes:
        tx.tuples("select pg_advisory_xact_lock_shared(hashtextextended(%(key)s, 0))::text", key=key_of(tx))
        tx.notes[KEY] = closed(tx).open_from(bool(tx.notes.get(INTO_CLOSED)))
    begins: datetime | None = tx.notes[KEY]
    return at if begins is None else max(at, begins)


def key_of(tx: Tx) -> str:
    return f"{KEY} {tx.tenant}"


def closed(tx: Tx) -> Closed:
    """Return until when the books are closed."""
    [(soft, hard)] = tx.tuples(
        "select max(ends) filter (where not hard), max(ends) filter (where hard) from closed_periods"
    )
    return Closed(soft, hard)


def close(tx: Tx, month: str, ends: datetime, *, hard: bool) -> None:
    """Close a month and all before it. Waits for those who post; a softly closed one may be closed hard."""
    require(ends + AFTER_ITS_END <= tx.wall, f"{month} can be closed an hour after its end, {ends}.")
    tx.run("select pg_advisory_xact_lock(hashtextextended(%(key)s, 0))", key=key_of(tx))
    known = closed(tx)
    already = known.hard is not None and ends <= known.hard
    require(not already, f"{month} is closed for good already.")
    tx.run(
        "insert into closed_periods (id, created, ends, hard) values (%(id)s, %(now)s, %(ends)s, %(hard)s)"
        " on conflict (tenant, id) do update set created = %(now)s,"
        " ends = greatest(closed_periods.ends, %(ends)s), hard = closed_periods.hard or %(hard)s",
        id=month,
        now=tx.wall,
        ends=ends,
        hard=hard,
    )


def reopen(tx: Tx, month: str, begins: datetime, before: str) -> None:
    """Open a softly closed month again, and all after it; those before it stay closed."""
    tx.run("select pg_advisory_xact_lock(hashtextextended(%(key)s, 0))", key=key_of(tx))
    known = closed(tx)
    require(known.hard is None or begins >= known.hard, f"{month} was closed for good.")
    require(known.soft is not None and begins < known.soft, f"{month} is not closed.")
    tx.run("delete from closed_periods where not hard and ends > %(begins)s", begins=begins)
    if known.hard is None or begins > known.hard:
        tx.run(
            "insert into closed_periods (id, created, ends, hard) values (%(id)s, %(now)s, %(ends)s, false)"
            " on conflict do nothing",
            id=before,
            now=tx.wall,
            ends=begins,
        )


def first_booked(tx: Tx) -> Sequence[datetime]:
    """Return when the oldest and the newest transfer was booked; nothing where there is none."""
    [(first, last)] = tx.tuples("select min(created), max(created) from ledger_transfers")
    return [first, last] if first else []
