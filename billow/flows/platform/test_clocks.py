"""Advance a test clock: run everything that is due on it, in order, each at its own instant."""

from datetime import datetime, timedelta

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import instant, seconds
from billow.api.params import Params
from billow.core import calendar
from billow.core.errors import Refused, needed, require
from billow.flows.customers import card_expiry
from billow.flows.outside.outside import outside_of
from billow.flows.papers import monthly_statements
from billow.resources.test_clock import TestClock
from billow.store import jobs
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

RECHECK = timedelta(seconds=5)
"""After how long to check that a clock in `advancing` is really being advanced."""
RETRY = timedelta(seconds=1)
"""After how long to try again to run a clock that another worker is running."""


class Advance(Params):
    frozen_time: datetime = f.timestamp(required=True)


@TestClock.action("advance", Advance)
def advance(tx: Tx, clock: TestClock, wanted: Advance) -> TestClock:
    """Advance a test clock. It is `advancing` until everything due has run, then `ready`."""
    if clock.status == "advancing":
        raise Refused("The test clock is already advancing. Wait until it is ready.", status=429)
    require(
        wanted.frozen_time > clock.frozen_time,
        "The frozen time must be later than the clock's current frozen time.",
        param="frozen_time",
    )
    require(
        wanted.frozen_time <= limit(tx, clock),
        "You can only advance a test clock by up to two intervals of its shortest subscription.",
        param="frozen_time",
    )
    card_expiry.watch_clock(tx, clock.id, clock.frozen_time)
    monthly_statements.watch_clock(tx, clock.id, clock.frozen_time)
    jobs.put(tx, "test_clock.advance", clock.id, tx.wall, clock="wall")
    return rows.update(
        tx,
        clock,
        event="test_helpers.test_clock.advancing",
        status="advancing",
        status_details={"advancing": {"target_frozen_time": seconds(wanted.frozen_time)}},
    )


def limit(tx: Tx, clock: TestClock) -> datetime:
    """Return how far a clock may advance: two intervals of its shortest subscription, or two years."""
    found = tx.tuples(
        "select distinct p.recurring ->> 'interval', (p.recurring ->> 'interval_count')::int"
        " from subscriptions s join subscription_items i on i.subscription = s.id"
        " join prices p on p.id = i.price"
        " where s.test_clock = %(id)s and s.status not in ('canceled', 'incomplete_expired')",
        id=clock.id,
    )
    ends = [calendar.boundary(clock.frozen_time, interval, count, 2) for interval, count in found]
    return min(ends, default=calendar.boundary(clock.frozen_time, "year", 1, 2))


def ahead(tx: Tx, clock: TestClock, most: int) -> list[tuple[str, str, datetime]]:
    """Return what happens next on a clock: the kind of each job, what it is about, and when it is due."""
    return tx.tuples(
        "select kind, ref, run_at from jobs"
        " where tenant = %(tenant)s and clock = %(clock)s and not parked"
        " order by run_at, kind, ref limit %(most)s",
        tenant=tx.tenant,
        clock=clock.id,
        most=most,
    )


@job("test_clock.advance", lane="clocks")
def run(tx: Tx, refs: list[str]) -> Steps:
    """Run what is due on a clock up to its target, then set it ready. After a crash the job runs again."""
    [id] = refs
    clock = rows.find_all(tx, TestClock, refs)[id]
    if clock.status != "advancing":
        return None
    target = needed(
        instant(clock.status_details["advancing"]["target_frozen_time"]),
        "the target of a clock that advances",
    )
    jobs.put(tx, "test_clock.advance", id, tx.wall + RECHECK, clock="wall")
    tx, finished = yield ask(outside_of(tx).run_clock, id, target)
    if finished:
        finish(tx, id, target)
    else:
        jobs.put(tx, "test_clock.advance", id, tx.wall + RETRY, clock="wall")
    return None


@job(jobs.CATCH_UP, lane="clocks")
def catch_up(tx: Tx, refs: list[str]) -> Steps:
    """Run what is due on a clock that is not advancing, such as a payment that a request asked for now.

    The job runs once more afterwards, for what another request put too late for this run.
    """
    [id] = refs
    clock = rows.find_all(tx, TestClock, refs)[id]
    if clock.status == "advancing" or not jobs.is_due(tx, id, clock.frozen_time):
        return None
    jobs.put(tx, jobs.CATCH_UP, id, tx.wall + RETRY, clock="wall")
    yield ask(outside_of(tx).run_clock, id, clock.frozen_time)
    return None


def finish(tx: Tx, id: str, target: datetime) -> None:
    """Set a clock to its target, ready or failed. Locks the clock; emits its status."""
    clock = rows.lock(tx, TestClock, id)
    if clock.status != "advancing":
        return
    jobs.cancel(tx, "test_clock.advance", id)
    status = "internal_failure" if jobs.parked(tx, id) else "ready"
    rows.update(
        tx.at(id, target),
        clock,
        event=f"test_helpers.test_clock.{status}",
        frozen_time=target,
        status=status,
        status_details={},
    )
