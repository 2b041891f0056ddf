"""What is due, and when: timers in the same transaction as their cause, and the one loop that runs them."""

import logging
import random
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import psycopg

from billow.core import backoff
from billow.core.errors import Unavailable, Undeliverable
from billow.store import starts
from billow.store.connections import is_away
from billow.store.perform import CONFLICTS, Interrupted, perform
from billow.store.tx import Database, Tx

log = logging.getLogger("billow.jobs")

TRIES = 5
BATCH = 50
"""How many jobs of a billing run share a transaction. Ten times as many are no faster, and lock their rows
ten times as long, while requests about the same customers wait."""
CATCH_UP = "test_clock.catch_up"
"""The job on the wall clock that runs what is due on a test clock that nobody advances now
(flows/platform/test_clocks.py)."""
RUNNING = "running"
"""The key of `Tx.notes` that names the clock whose job the transaction runs."""
WINDOW = timedelta(hours=1)
"""How far apart the due times of a batch on the wall clock may be."""
LOCKED = (psycopg.errors.LockNotAvailable, Interrupted, *CONFLICTS)
"""Errors of a job whose rows others had locked or changed: nothing is wrong with it."""
SOON = timedelta(seconds=5)
"""The first pause of such a job."""
FIRST_DUE = (
    "select due.* from (select set_config('synchronous_commit', 'off', true)) as at_once,"
    " unnest(%(kinds)s::text[]) as wanted (kind), lateral (select tenant, kind, run_at, ref, starts from jobs"
    " where clock = %(clock)s and kind = wanted.kind and run_at <= %(until)s and not parked"
    " order by run_at, tenant, ref limit 1 for update skip locked) as due"
    " order by due.run_at, due.kind limit 1"
)
"""The first due job that nobody runs: one step in the index `jobs_due` for each kind, however many are due at
the same instant. The lock skips jobs that others have taken, and is released at once. It is a write, but does
not wait for the disk."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: its verb, which is given the transaction and the refs, and the most refs at a time.

    `patience` is how long a job waits for an outside that does not answer before it is parked; None is for
    ever. `settled_by` names the kind of job that settles what this one began, once its first transaction is
    committed.
    """

    name: str
    run: Callable[..., Any]
    batch: int
    lane: str
    patience: timedelta | None = None
    settled_by: str | None = None


KINDS: dict[str, Kind] = {}


Place = tuple[str, datetime]
"""A clock, and the time on it at which a timer is due."""


class RowMissing(LookupError):
    """The row that a job is about does not exist.

    A transaction that deletes a row cancels its jobs, so this is never normal: something lost the row. The
    job fails and is parked in the end; it does not count as done.
    """


def job(
    name: str,
    *,
    batch: int = 1,
    lane: str = "billing",
    patience: timedelta | None = None,
    settled_by: str | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare the verb of a kind of job. Each lane has its own threads: slow gateways delay no billing."""

    def declare(run: Callable[..., Any]) -> Callable[..., Any]:
        KINDS[name] = Kind(name, run, batch, lane, patience, settled_by)
        return run

    return declare


# ------------------------------------------------------------------------------------- putting


def put(tx: Tx, kind: str, ref: str, run_at: datetime, *, clock: str | None = None) -> None:
    """Set the one timer of this kind for this thing; an earlier one is replaced."""
    put_many(tx, kind, [(ref, run_at)], clock=clock)


def put_many(tx: Tx, kind: str, timers: Sequence[tuple[str, datetime]], *, clock: str | None = None) -> None:
    """Set timers of one kind. What is due already on the test clock that we are at waits for no advance.

    All timers of a transaction are written with one statement at its end (`flush`): the last word on each.
    """
    _check_declared(kind)
    here = clock in (None, tx.clock) and tx.clock not in ("wall", tx.notes.get(RUNNING))
    if here and any(run_at <= tx.now for _, run_at in timers):
        put_many(tx, CATCH_UP, [(tx.clock, tx.wall)], clock="wall")
    _collect(tx, {(kind, ref): (clock or tx.clock, run_at) for ref, run_at in timers})


def _collect(tx: Tx, timers: Mapping[tuple[str, str], Place | None]) -> None:
    tx.notes.setdefault("timers", {}).update(timers)
    tx.endings["timers"] = flush


def flush(tx: Tx) -> None:
    """Write the timers that this transaction has set and canceled; call it before `jobs` is read in it."""
    timers: dict[tuple[str, str], Place | None] = tx.notes.pop("timers", {})
    if not timers:
        return
    canceled = sorted(timer for timer, place in timers.items() if place is None)
    due = sorted((timer, place) for timer, place in timers.items() if place is not None)
    tx.run(
        "with canceled as (delete from jobs j using unnest(%(canceled_kinds)s::text[],"
        " %(canceled_refs)s::text[]) as c (kind, ref)"
        " where j.tenant = %(tenant)s and j.kind = c.kind and j.ref = c.ref)"
        " insert into jobs (tenant, clock, kind, ref, run_at)"
        " select %(tenant)s, clock, kind, ref, run_at from unnest(%(clocks)s::text[], %(kinds)s::text[],"
        " %(refs)s::text[], %(at)s::timestamptz[]) as t (clock, kind, ref, run_at)"
        " on conflict (tenant, kind, ref) do update set run_at = excluded.run_at, clock = excluded.clock,"
        " tries = 0, error = null, parked = false, waiting_since = null, starts = 0",
        tenant=tx.tenant,
        canceled_kinds=[kind for kind, _ in canceled],
        canceled_refs=[ref for _, ref in canceled],
        clocks=[clock for _, (clock, _) in due],
        kinds=[kind for (kind, _), _ in due],
        refs=[ref for (_, ref), _ in due],
        at=[run_at for _, (_, run_at) in due],
    )


def _check_declared(kind: str) -> None:
    if kind not in KINDS:
        raise LookupError(f"No flow declares jobs of the kind {kind}: nobody would run them.")


def put_absent(tx: Tx, kind: str, timers: Sequence[tuple[str, str, datetime]]) -> int:
    """Set timers (ref, clock, due) of one kind where there are none, parked ones included; how many."""
    _check_declared(kind)
    flush(tx)
    return tx.run(
        "insert into jobs (tenant, clock, kind, ref, run_at)"
        " select %(tenant)s, clock, %(kind)s, ref, run_at from unnest(%(refs)s::text[], %(clocks)s::text[],"
        " %(at)s::timestamptz[]) as t (ref, clock, run_at) on conflict (tenant, kind, ref) do nothing",
        tenant=tx.tenant,
        kind=kind,
        refs=[ref for ref, _, _ in timers],
        clocks=[clock for _, clock, _ in timers],
        at=[at for _, _, at in timers],
    )


def move(tx: Tx, kind: str, timers: Sequence[tuple[str, Place, Place]]) -> int:
    """Move timers (ref, from, to) of one kind, where they still stand as they were seen; how many."""
    flush(tx)
    return tx.run(
        "update jobs j set clock = t.clock, run_at = t.run_at, tries = 0, error = null, waiting_since = null,"
        " starts = 0 from unnest(%(refs)s::text[], %(seen_on)s::text[], %(seen_at)s::timestamptz[],"
        " %(clocks)s::text[], %(at)s::timestamptz[]) as t (ref, seen_on, seen_at, clock, run_at)"
        " where j.tenant = %(tenant)s and j.kind = %(kind)s and j.ref = t.ref and not j.parked"
        " and j.clock = t.seen_on and j.run_at = t.seen_at",
        tenant=tx.tenant,
        kind=kind,
        refs=[ref for ref, _, _ in timers],
        seen_on=[clock for _, (clock, _), _ in timers],
        seen_at=[at for _, (_, at), _ in timers],
        clocks=[clock for _, _, (clock, _) in timers],
        at=[at for _, _, (_, at) in timers],
    )


def cancel(tx: Tx, kind: str, *refs: str) -> None:
    cancel_kinds(tx, (kind,), refs)


def cancel_kinds(tx: Tx, kinds: Sequence[str], refs: Sequence[str]) -> None:
    """Remove all timers of these kinds that these things have."""
    _collect(tx, {(kind, ref): None for kind in kinds for ref in refs})


def cancel_clock(tx: Tx, clock: str) -> None:
    """Remove all timers on a test clock."""
    flush(tx)
    tx.run("delete from jobs where tenant = %(tenant)s and clock = %(clock)s", tenant=tx.tenant, clock=clock)


def park(tx: Tx, kind: str, refs: Collection[str], reason: str, *, clock: str | None = None) -> None:
    """Note of each of these that it cannot be done, and why; nothing runs it until a person asks for that."""
    put_many(tx, kind, [(ref, tx.wall) for ref in refs], clock=clock)
    flush(tx)
    tx.run(
        "update jobs set parked = true, error = %(reason)s"
        " where tenant = %(tenant)s and kind = %(kind)s and ref = any(%(refs)s)",
        tenant=tx.tenant,
        kind=kind,
        refs=list(refs),
        reason=reason,
    )


# ------------------------------------------------------------------------------------- running


def run_due(
    db: Database,
    *,
    clock: str,
    until: datetime,
    lane: str | None = None,
    limit: int | None = None,
    batch: int | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Run what is due on a clock up to an instant, earliest first; return how many jobs were run.

    The worker, the test clocks and the tests call this. On a test clock the jobs of a batch are due at the
    same instant, which is `tx.now`, so that simulated time passes in order; on the wall `tx.now` is now.
    `batch` makes the batches of every kind smaller: no result may depend on their size.
    """
    kinds = [kind.name for kind in KINDS.values() if lane is None or kind.lane == lane]
    done = 0
    while (limit is None or done < limit) and not stop():
        count = _run_batch(db, clock, until, kinds, batch)
        if count is None:
            return done
        done += count
    return done


@dataclass(frozen=True, slots=True)
class Claim:
    """The tenant and kind of a batch, and the clock and instant at which it runs."""

    tenant: str
    kind: Kind
    clock: str
    now: datetime | None
    suspect: bool = False
    """Whether a worker may have died of its job."""


def _run_batch(
    db: Database, clock: str, until: datetime, kinds: Collection[str], batch: int | None
) -> int | None:
    """Run the first due job with others of its kind; return how many were run, or None if none is due.

    Returns 0 where other workers were faster.
    """
    with db.connection() as conn:
        row = conn.execute(FIRST_DUE, {"clock": clock, "until": until, "kinds": list(kinds)}).fetchone()
        if row and row[-1] >= starts.MOST:
            starts.park(conn, row[0], row[1], *row[3:])
            return 0
    if row is None:
        return None
    tenant, kind, run_at, _, begun = row
    alone = begun or (clock != "wall" and KINDS[kind].settled_by)  # _ask_at_once counts for each job
    size = 1 if alone else min(batch or KINDS[kind].batch, KINDS[kind].batch)
    now = None if clock == "wall" else run_at
    latest = min(until, run_at + WINDOW) if clock == "wall" else run_at
    claim = Claim(tenant, KINDS[kind], clock, now, bool(begun))
    try:
        return _attempt(db, claim, latest, size)
    except Exception as error:
        if size > 1 and not is_away(error):
            return _one_by_one(db, claim, latest, size)
        raise


@dataclass(slots=True)
class Run:
    """A run of a verb: the jobs that it took, and whether one of its transactions was committed."""

    taken: list["Taken"] = field(default_factory=list)
    committed: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Taken:
    """A job that is being run: how often it failed, and since when an outside does not answer it."""

    ref: str
    tries: int
    waiting_since: datetime | None = field(compare=False)


def _begin(db: Database, claim: Claim, run: Run) -> Callable[[], AbstractContextManager[Tx]]:
    """Return what begins the transactions of a run; what it puts on its own clock needs no catch-up."""

    @contextmanager
    def begin() -> Iterator[Tx]:
        with db.transaction(claim.tenant, now=claim.now, clock=claim.clock) as tx:
            tx.notes[RUNNING] = claim.clock
            yield tx
        run.committed = True

    return begin


def _attempt(db: Database, claim: Claim, latest: datetime, size: int) -> int:
    """Take up to `size` jobs and run their verb in one transaction, which also deletes them.

    A verb that yields ends this transaction, and the jobs are gone: it has put others that settle what it
    began, and these remain when several jobs fail after that. A job that fails alone is tried again later.
    When the database does not answer, nothing is noted: its rows tell whether the jobs were done.
    """
    run = Run()
    choice = starts.chosen(claim.tenant, claim.kind.name, claim.clock, latest, size)
    if claim.suspect or db.counts_starts():
        choice["refs"] = starts.count(db, choice)

    def take(tx: Tx) -> Any:
        rows = tx.tuples(
            f"delete from jobs where (tenant, kind, ref) in ({starts.CHOICE})"
            " returning ref, tries, waiting_since",
            **choice,
        )
        run.taken = sorted(Taken(*row) for row in rows)
        return claim.kind.run(tx, [job.ref for job in run.taken]) if run.taken else None

    try:
        perform(_begin(db, claim, run), take)
    except Exception as error:
        begun = run.committed and claim.kind.settled_by
        if is_away(error):
            raise
        if not (begun or size == len(run.taken) == 1):
            starts.forget(db, choice)
            raise
        if len(run.taken) == 1:
            _postpone(db, claim, run, error)
        else:
            refs = ", ".join(job.ref for job in run.taken)
            trace = not isinstance(error, (Unavailable, *LOCKED))
            log.error("jobs %s %s are left to %s: %s", claim.kind.name, refs, begun, error, exc_info=trace)
    else:
        starts.forget(db, choice, but={job.ref for job in run.taken})
    return len(run.taken)


def _one_by_one(db: Database, claim: Claim, latest: datetime, size: int) -> int:
    """Run the jobs of a failed batch one by one, so that one bad row stops no other job."""
    log.warning("batch of %s failed, running one by one", claim.kind.name, exc_info=True)
    done = 0
    for _ in range(size):
        count = _attempt(db, claim, latest, 1)
        if not count:
            break
        done += count
    return done


# ------------------------------------------------------------------------------------- trying again


def _postpone(db: Database, claim: Claim, run: Run, error: Exception) -> None:
    """Put a failed job back for later, or park it, so that a person sees it (`billow jobs`)."""
    [job] = run.taken
    with db.transaction(claim.tenant, now=claim.now, clock=claim.clock) as tx:
        if isinstance(error, Undeliverable):
            log.error("job %s %s was refused for good: %s", claim.kind.name, job.ref, error)
            _write(tx, claim, job, tx.now, str(error), parked=True)
        elif isinstance(error, Unavailable) and claim.clock != "wall":
            _ask_at_once(tx, claim, run, error)
        elif isinstance(error, (Unavailable, *LOCKED)) and claim.clock == "wall":
            _wait(tx, claim, run, error)
        else:
            _count(tx, claim, job, error)


def _count(tx: Tx, claim: Claim, job: Taken, error: Exception) -> None:
    """Put a failed job back after a pause that grows with each failure; park it after the last."""
    text = "".join(traceback.format_exception(error))
    log.error("job %s %s failed: %s", claim.kind.name, job.ref, text)
    wait = timedelta(seconds=5 * 4**job.tries) if claim.clock == "wall" else timedelta(0)
    job = replace(job, tries=job.tries + 1, waiting_since=None)
    _write(tx, claim, job, tx.now + wait, text, parked=job.tries >= TRIES)


def _wait(tx: Tx, claim: Claim, run: Run, error: Exception) -> None:
    """Put a job back that an outside did not answer, without a failure; park it when patience has run out."""
    [job] = run.taken
    if run.committed and claim.kind.settled_by:
        log.warning("job %s %s leaves it to %s: %s", claim.kind.name, job.ref, claim.kind.settled_by, error)
        return
    since = job.waiting_since or tx.now
    silent, patience = tx.now - since, claim.kind.patience
    parked = patience is not None and silent >= patience
    least = backoff.LEAST if isinstance(error, Unavailable) else SOON
    at = tx.now + backoff.pause(silent, random.randint(0, backoff.SPREAD), least)  # noqa: S311
    log.warning("job %s %s %s: %s", claim.kind.name, job.ref, "is parked" if parked else "waits", error)
    reason = f"{type(error).__name__}: {error} (since {since:%Y-%m-%d %H:%M} UTC)"
    _write(tx, claim, replace(job, waiting_since=since), at, reason, parked=parked)


def _ask_at_once(tx: Tx, claim: Claim, run: Run, error: Exception) -> None:
    """Put a job of a test clock back that an outside did not answer: a few times at once, then on the wall.

    No time passes on a test clock while we wait. So an advance ends, however long the outside is silent.
    """
    [job] = run.taken
    job = replace(job, tries=job.tries + 1)
    if job.tries < TRIES:
        _write(tx, claim, job, tx.now, str(error))
    elif not (run.committed and claim.kind.settled_by):
        job, at = replace(job, tries=0, waiting_since=tx.wall), tx.wall + backoff.LEAST
        _write(tx, replace(claim, clock="wall"), job, at, str(error))


def _write(tx: Tx, claim: Claim, job: Taken, at: datetime, error: str, parked: bool = False) -> None:
    """Put a job back with its failures, in place of what its own verb may have put."""
    tx.run(
        "insert into jobs (tenant, clock, kind, ref, run_at, tries, error, parked, waiting_since) values"
        " (%(tenant)s, %(clock)s, %(kind)s, %(ref)s, %(at)s, %(tries)s, %(error)s, %(parked)s, %(since)s)"
        " on conflict (tenant, kind, ref) do update set clock = excluded.clock, run_at = excluded.run_at,"
        " tries = excluded.tries, error = excluded.error, parked = excluded.parked,"
        " waiting_since = excluded.waiting_since, starts = 0",
        tenant=claim.tenant,
        clock=claim.clock,
        kind=claim.kind.name,
        ref=job.ref,
        at=at,
        tries=job.tries,
        error=error[-8000:],
        parked=parked,
        since=job.waiting_since,
    )


def run_clock(db: Database, id: str, target: datetime) -> bool:
    """Run what is due on a test clock; return False where another process does, or instants would mix."""
    with db.connection() as conn:
        row = conn.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", (id,)).fetchone()
        if not row or not row[0]:
            return False
        try:
            run_due(db, clock=id, until=target)
            return True
        finally:
            conn.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", (id,))


def is_due(tx: Tx, clock: str, until: datetime) -> bool:
    """Check whether a clock has anything to run up to an instant."""
    flush(tx)
    found = tx.one(
        "select 1 from jobs where tenant = %(tenant)s and clock = %(clock)s and run_at <= %(until)s"
        " and not parked limit 1",
        tenant=tx.tenant,
        clock=clock,
        until=until,
    )
    return found is not None


def late(tx: Tx, before: datetime) -> list[dict[str, Any]]:
    """Count the jobs of each kind on the wall clock that are due since before an instant, and since when."""
    flush(tx)
    return tx.all(
        "select kind, count(*) as count, min(run_at) as since from jobs where tenant = %(tenant)s"
        " and clock = 'wall' and not parked and run_at < %(before)s group by kind order by kind",
        tenant=tx.tenant,
        before=before,
    )


def parked(tx: Tx, clock: str | None = None) -> list[dict[str, Any]]:
    """List the jobs that were given up, of one clock or of all."""
    flush(tx)
    return tx.all(
        "select kind, ref, error from jobs where tenant = %(tenant)s and parked"
        " and (%(clock)s::text is null or clock = %(clock)s)",
        tenant=tx.tenant,
        clock=clock,
    )
