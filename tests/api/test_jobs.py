"""Do due jobs run once and in order, and does a failing job leave the others unaffected?"""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from billow.store import jobs, work
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

START = datetime(2030, 1, 1, tzinfo=UTC)
numbers = count(1)


class World:
    """A clock of its own in the database, and what ran on it. test_outages.py lives in one too."""

    def __init__(self, app: Any, tenant: str) -> None:
        self.db, self.tenant = app.db, tenant
        self.clock = f"clock_test{next(numbers)}"
        self.ran: list[tuple[str, list[str], datetime]] = []
        self.kinds: list[str] = []

    def kind(self, name: str, verb: Any = None, **more: Any) -> str:
        name = f"{self.clock}.{name}"

        def run(tx: Tx, refs: list[str]) -> Any:
            self.ran.append((name.split(".")[1], refs, tx.now))
            return verb(tx, refs) if verb else None

        jobs.job(name, **more)(run)
        self.kinds.append(name)
        return name

    def put(
        self, kind: str, ref: str, hours: float = 0, clock: str | None = None, at: datetime | None = None
    ) -> None:
        with self.db.transaction(self.tenant) as tx:
            jobs.put(tx, kind, ref, at or START + timedelta(hours=hours), clock=clock or self.clock)

    def run(self, hours: float = 0, **more: Any) -> int:
        return jobs.run_due(self.db, clock=self.clock, until=START + timedelta(hours=hours), **more)

    def left(self) -> list[dict[str, Any]]:
        with self.db.transaction(self.tenant) as tx:
            sql = (
                "select kind, ref, clock, run_at, tries, parked, error, waiting_since from jobs"
                " where tenant = %(t)s order by ref"
            )
            return tx.all(sql, t=self.tenant)


@pytest.fixture
def world(app: Any, api: Any) -> Iterator[World]:
    made = World(app, api.tenant)
    yield made
    for name in made.kinds:
        del jobs.KINDS[name]


def test_the_first_due_job_is_found_without_reading_all_that_are_due(world: World) -> None:
    """At a month's end a hundred thousand are due at the same instant, and each claim looks for the first."""
    kind, other = world.kind("many"), world.kind("none")
    with world.db.transaction(world.tenant) as tx:
        jobs.put_many(tx, kind, [(f"ref{number}", START) for number in range(500)], clock=world.clock)
    with world.db.transaction(world.tenant) as tx:
        given = {"clock": world.clock, "until": START, "kinds": [other, kind]}
        lines = [line for (line,) in tx.tuples(f"explain (analyze, costs off) {jobs.FIRST_DUE}", **given)]
    [scan] = [place for place, line in enumerate(lines) if "on jobs" in line]
    assert "Index Scan using jobs_due" in lines[scan] and "rows=0.50 loops=2" in lines[scan], "\n".join(lines)
    assert not any("Rows Removed" in line for line in lines), "\n".join(lines)


def test_what_is_due_runs_once_in_batches(world: World) -> None:
    kind = world.kind("count", batch=4)
    for number in range(10):
        world.put(kind, f"ref{number}")
    world.put(kind, "later", hours=1)
    assert world.run() == 10
    assert [len(refs) for _, refs, _ in world.ran] == [4, 4, 2]
    assert sorted(ref for _, refs, _ in world.ran for ref in refs) == [f"ref{number}" for number in range(10)]
    assert [job["ref"] for job in world.left()] == ["later"]
    assert world.run() == 0


def test_a_test_clock_runs_in_order_of_time_then_kind_then_ref(world: World) -> None:
    late, early = world.kind("b", batch=9), world.kind("a", batch=9)
    for ref, hours in [("y", 1), ("x", 1), ("z", 2), ("w", 0)]:
        world.put(late, ref, hours)
        world.put(early, ref, hours)
    world.run(hours=2)
    at = [START + timedelta(hours=hours) for hours in range(3)]
    assert world.ran == [
        ("a", ["w"], at[0]),
        ("b", ["w"], at[0]),
        ("a", ["x", "y"], at[1]),
        ("b", ["x", "y"], at[1]),
        ("a", ["z"], at[2]),
        ("b", ["z"], at[2]),
    ]


def test_a_job_that_puts_the_next_one_is_followed_to_the_end(world: World) -> None:
    def renew(tx: Tx, refs: list[str]) -> None:
        for ref in refs:
            jobs.put(tx, kind, ref, tx.now + timedelta(days=1))

    kind = world.kind("renew", renew)
    world.put(kind, "sub")
    assert world.run(hours=24 * 30) == 31
    assert [now for _, _, now in world.ran] == [START + timedelta(days=day) for day in range(31)]
    assert world.left()[0]["run_at"] == START + timedelta(days=31)


def test_one_timer_per_kind_and_thing(world: World) -> None:
    kind = world.kind("once")
    world.put(kind, "a", hours=5)
    world.put(kind, "a", hours=1)
    assert [job["run_at"] for job in world.left()] == [START + timedelta(hours=1)]
    with world.db.transaction(world.tenant) as tx:
        jobs.cancel(tx, kind, "a")
    assert world.left() == []


def test_a_poison_job_is_parked_with_its_traceback_and_the_others_run(world: World) -> None:
    def verb(tx: Tx, refs: list[str]) -> None:
        tx.run(
            "insert into idempotency_keys (key, fingerprint, request, created)"
            " select unnest(%(refs)s::text[]), '',"
            " '', %(now)s",
            refs=refs,
            now=tx.now,
        )
        if "bad" in refs:
            raise ValueError("poison")

    kind = world.kind("eat", verb, batch=10)
    for ref in ("a", "bad", "c"):
        world.put(kind, ref)
    world.run()
    (bad,) = world.left()
    assert (bad["ref"], bad["parked"], bad["tries"]) == ("bad", True, jobs.TRIES)
    assert "ValueError: poison" in bad["error"]
    with world.db.transaction(world.tenant) as tx:
        done = [row["key"] for row in tx.all("select key from idempotency_keys order by key")]
        assert [job["ref"] for job in jobs.parked(tx, world.clock)] == ["bad"]
    assert done == ["a", "c"], "what the bad one wrote is rolled back, what the others wrote is kept"
    world.put(kind, "bad")
    assert world.left()[0]["tries"] == 0, "putting it again is a new beginning"


def test_on_the_wall_a_failed_job_waits_longer_each_time(world: World) -> None:
    def verb(tx: Tx, refs: list[str]) -> None:
        raise ValueError("no")

    kind = world.kind("fail", verb)
    now = world.db.wall()
    world.put(kind, "a", clock="wall")
    with world.db.transaction(world.tenant) as tx:
        jobs.put(tx, kind, "a", now, clock="wall")
    assert jobs.run_due(world.db, clock="wall", until=now, lane="billing") >= 1
    (first,) = world.left()
    assert first["tries"] == 1 and first["run_at"] - now >= timedelta(seconds=5)
    jobs.run_due(world.db, clock="wall", until=first["run_at"])
    (second,) = world.left()
    assert second["tries"] == 2 and second["run_at"] - world.db.wall() > timedelta(seconds=15)


def test_a_kind_that_nobody_declared_is_refused(world: World) -> None:
    with pytest.raises(LookupError, match="misspelt"):
        world.put("invoice.misspelt", "a")


def test_every_lane_of_a_kind_has_threads(app: Any) -> None:
    assert {kind.lane for kind in jobs.KINDS.values()} <= {*work.LANES}


@pytest.mark.parametrize("kind", ["subscription.renew", "invoice.finalize", "revenue.recognize"])
def test_jobs_that_lock_customers_lock_few_at_a_time(app: Any, kind: str) -> None:
    """Requests about these customers wait until the batch is done."""
    assert jobs.KINDS[kind].batch <= jobs.BATCH


def test_on_the_wall_a_batch_holds_an_hour_and_happens_now(world: World) -> None:
    kind = world.kind("wall", batch=10)
    now = world.db.wall()
    with world.db.transaction(world.tenant) as tx:
        for ref, minutes in [("a", 200), ("b", 190), ("c", 10)]:
            jobs.put(tx, kind, ref, now - timedelta(minutes=minutes), clock="wall")
    jobs.run_due(world.db, clock="wall", until=now)
    assert [refs for _, refs, _ in world.ran] == [["a", "b"], ["c"]]
    assert all(at >= now for _, _, at in world.ran)


def test_a_job_that_yields_has_let_go_of_its_claim(world: World) -> None:
    seen: list[Any] = []

    def verb(tx: Tx, refs: list[str]) -> Steps:
        tx, _ = yield ask(lambda: seen.append(world.left()))
        seen.append(tx.now)

    world.put(world.kind("ask", verb), "a", hours=1)
    assert world.run(hours=2) == 1
    assert seen == [[], START + timedelta(hours=1)], "and it resumes at its own instant"


def test_lanes_do_not_wait_for_each_other(world: World) -> None:
    world.put(world.kind("slow", lane="outside"), "a")
    world.put(world.kind("quick"), "b")
    assert world.run(lane="billing") == 1
    assert [name for name, _, _ in world.ran] == ["quick"]
    assert world.run(lane="outside", limit=1) == 1


def test_two_runners_share_the_work_and_nothing_runs_twice(world: World) -> None:
    met = threading.Event()
    where: dict[str, set[str]] = {}

    def verb(tx: Tx, refs: list[str]) -> None:
        where.setdefault(threading.current_thread().name, set()).update(refs)
        if len(where) == 2:
            met.set()
        assert met.wait(timeout=10), "the second runner found nothing while the first held its batch"

    kind = world.kind("share", verb, batch=5)
    with world.db.transaction(world.tenant) as tx:
        jobs.put_many(tx, kind, [(f"r{number}", START) for number in range(100)], clock=world.clock)
    done: list[int] = []

    def run() -> None:
        done.append(world.run())

    threads = [threading.Thread(target=run, name=str(number)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 100 and len(where) == 2
    assert len([ref for _, refs, _ in world.ran for ref in refs]) == 100
    assert world.left() == []


@pytest.mark.parametrize("size", [1, 2, 50])
def test_the_size_of_batches_changes_nothing(world: World, size: int) -> None:
    kind = world.kind("sized", batch=50)
    for number in range(7):
        world.put(kind, f"r{number}")
    assert world.run(batch=size) == 7
    assert sorted(ref for _, refs, _ in world.ran for ref in refs) == [f"r{number}" for number in range(7)]
    assert max(len(refs) for _, refs, _ in world.ran) == min(size, 7)
