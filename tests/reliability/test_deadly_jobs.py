"""A job for which a worker has too little memory is done by another; one that kills its workers is parked."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from billow.store import jobs, migrate, starts
from billow.store.tx import Database, Tx
from tests.reliability.test_kill import wait
from tests.support.installation import new_database
from tests.test_tidy import ROOT

TENANT = "acct_deadly/test"
LIMIT = 700 << 20

WORKER = """
import os, resource, signal, sys
from billow.store.jobs import job
from billow.store.tx import Database
from billow.store.work import Worker

@job("test.kills", batch=10)
def kills(tx, refs):
    if "deadly" in refs:
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does to who takes the last memory

@job("test.large")
def large(tx, refs):
    bytearray(2 * int(sys.argv[2]))  # never touched: it takes room, not memory

if sys.argv[3] == "limited":
    resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]), int(sys.argv[2])))
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
worker = Worker(Database(sys.argv[1], size=20))
worker.start()
signal.sigwait({signal.SIGTERM})
worker.stop()
"""


@pytest.fixture
def db(server_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database of its own. The kinds of jobs are known here, and run in the workers that are started."""
    for name in ("test.kills", "test.large"):
        monkeypatch.setitem(jobs.KINDS, name, jobs.Kind(name, lambda tx, refs: None, 1, "billing"))
    database = new_database(server_url)
    migrate.migrate(database)
    made = Database(database, size=4)
    yield made
    made.close()


@contextmanager
def worker(db: Database, limit: str = "unlimited") -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-c", WORKER, db.url, str(LIMIT), limit]
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def put(db: Database, kind: str, *refs: str) -> None:
    with db.transaction(TENANT) as tx:
        jobs.put_many(tx, kind, [(ref, tx.now - timedelta(minutes=1)) for ref in refs])


def left(db: Database) -> dict[str, dict[str, Any]]:
    with db.transaction(TENANT) as tx:
        return {row["ref"]: row for row in tx.all("select * from jobs where tenant = %(own)s", own=TENANT)}


def make_due(db: Database) -> None:
    with db.transaction(TENANT) as tx:
        tx.run("update jobs set run_at = %(now)s", now=tx.now - timedelta(minutes=1))


def test_a_job_that_kills_its_worker_is_parked_and_takes_nobody_along(db: Database) -> None:
    put(db, "test.kills", *(f"harmless {number}" for number in range(9)), "deadly")
    deaths = 0
    until = time.monotonic() + 120
    while not left(db).get("deadly", {}).get("parked"):
        assert time.monotonic() < until, left(db)
        with worker(db) as process:
            wait(
                lambda p=process: p.poll() is not None or left(db)["deadly"]["parked"], "it dies or parks", 40
            )
            deaths += process.poll() is not None
    print(f"parked after {deaths} workers had died of it")
    assert deaths == 5
    with worker(db) as process:
        wait(lambda: list(left(db)) == ["deadly"], "the others are done", 40)
        put(db, "test.kills", "harmless again")
        wait(lambda: list(left(db)) == ["deadly"], "work goes on", 40)
        assert process.poll() is None
    assert "may need more memory" in left(db)["deadly"]["error"]


def test_a_job_that_one_worker_has_no_memory_for_is_done_by_another(db: Database) -> None:
    put(db, "test.large", "large")
    with worker(db, "limited") as process:
        wait(lambda: left(db)["large"]["tries"] == 1, "it was tried in vain", 40)
        assert "MemoryError" in left(db)["large"]["error"]
        put(db, "test.kills", "harmless")
        wait(lambda: list(left(db)) == ["large"], "the worker goes on", 40)
        assert process.poll() is None
    make_due(db)
    with worker(db):
        wait(lambda: left(db) == {}, "another worker has done it", 40)


def test_a_job_that_no_worker_has_memory_for_is_parked_after_five_tries(db: Database) -> None:
    put(db, "test.large", "large")
    with worker(db, "limited") as process:
        for tries in range(1, 6):
            wait(lambda tries=tries: left(db)["large"]["tries"] == tries, f"try {tries}", 40)
            make_due(db)
        assert left(db)["large"]["parked"]
        assert process.poll() is None


def test_a_job_that_others_hold_or_that_fails_is_not_counted_as_deadly(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(tx: Tx, refs: list[str]) -> None:
        raise ValueError("no job of this batch can be done")

    monkeypatch.setitem(jobs.KINDS, "test.kills", jobs.Kind("test.kills", fails, 10, "billing"))
    db.counts_starts = lambda: True
    put(db, "test.kills", "one", "two")
    taken = starts.chosen(TENANT, "test.kills", "wall", db.wall(), 10)
    for _ in range(starts.MOST + 1):
        taken["refs"] = starts.count(db, {**taken, "refs": None})
        assert sorted(taken["refs"]) == ["one", "two"]
        starts.forget(db, taken)  # another process has locked them before they could be taken
    assert {row["starts"] for row in left(db).values()} == {0}
    taken["refs"] = starts.count(db, {**taken, "refs": None})
    starts.forget(db, taken, but={"one"})
    assert {ref: row["starts"] for ref, row in left(db).items()} == {"one": 1, "two": 0}
    put(db, "test.kills", "one")
    jobs.run_due(db, clock="wall", until=db.wall())
    assert {(row["starts"], row["tries"]) for row in left(db).values()} == {(0, 1)}
