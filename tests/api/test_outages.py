"""Is a job retried for days while a provider is down, then shown as given up, and retried on request?"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import flask
import psycopg
import pytest

from billow import commands, processes
from billow.core.errors import Unavailable, Undeliverable
from billow.pages import metrics
from billow.store import backlog, jobs
from billow.store.perform import Steps, ask
from billow.store.tx import Tx
from tests.api.test_jobs import START, World

TOKEN = "a token of the test"


@pytest.fixture
def world(app: Any, api: Any) -> Iterator[World]:
    made = World(app, api.tenant)
    yield made
    for name in made.kinds:
        del jobs.KINDS[name]


class Silence:
    """An outside that does not answer, and a wall clock in the hands of the test."""

    def __init__(self, world: World, patch: pytest.MonkeyPatch) -> None:
        self.world, self.now, self.asked = world, world.db.wall(), list[datetime]()
        self.error: Exception | None = Unavailable("Nobody answers.")
        patch.setattr(world.db, "wall", lambda: self.now)

    def ask(self) -> None:
        self.asked.append(self.now)
        if self.error:
            raise self.error

    def verb(self, tx: Tx, refs: list[str]) -> Steps:
        yield ask(self.ask)

    def bad(self, tx: Tx, refs: list[str]) -> None:
        if refs == ["bad"] and self.error:
            raise ValueError("poison")

    def pass_time(self, days: float) -> None:
        """The worker looks at each instant at which something is due."""
        until = self.now + timedelta(days=days)
        while True:
            while jobs.run_due(self.world.db, clock="wall", until=self.now, lane="silent"):
                pass
            due = [job["run_at"] for job in self.world.left() if not job["parked"]]
            following = min(due, default=until + timedelta(days=1))
            if following > until:
                self.now = until
                return
            self.now = following


@pytest.fixture
def silence(world: World, monkeypatch: pytest.MonkeyPatch) -> Silence:
    return Silence(world, monkeypatch)


def test_who_does_not_answer_is_asked_again_for_days_and_no_try_is_used_up(
    world: World, silence: Silence
) -> None:
    world.put(world.kind("ask", silence.verb, lane="silent"), "a", clock="wall", at=silence.now)
    silence.pass_time(5)
    (waiting,) = world.left()
    assert (waiting["tries"], waiting["parked"]) == (0, False)
    assert waiting["waiting_since"] == silence.asked[0] and "Nobody answers." in waiting["error"]
    pauses = [later - earlier for earlier, later in pairwise(silence.asked)]
    assert timedelta(minutes=1) <= pauses[0] <= timedelta(minutes=1.2)
    assert timedelta(hours=1) <= pauses[-1] <= max(pauses) <= timedelta(hours=1.2)
    assert 100 <= len(silence.asked) <= 5 * 24 + 10
    silence.error = None
    silence.pass_time(0.1)
    assert world.left() == []


def test_a_kind_with_patience_is_parked_when_it_ends_and_not_before(world: World, silence: Silence) -> None:
    kind = world.kind("ask", silence.verb, lane="silent", patience=timedelta(days=3))
    world.put(kind, "a", clock="wall", at=silence.now)
    silence.pass_time(2.9)
    assert not world.left()[0]["parked"]
    silence.pass_time(0.3)
    (parked,) = world.left()
    assert parked["parked"] and "Nobody answers." in parked["error"]


def test_what_is_refused_for_good_is_parked_at_once_with_the_reason(world: World, silence: Silence) -> None:
    silence.error = Undeliverable("550 no such user")
    world.put(world.kind("ask", silence.verb, lane="silent"), "a", clock="wall", at=silence.now)
    silence.pass_time(0.1)
    (parked,) = world.left()
    assert (parked["parked"], parked["error"], len(silence.asked)) == (True, "550 no such user", 1)


def test_a_kind_that_another_settles_is_not_asked_again_itself(world: World, silence: Silence) -> None:
    kind = world.kind("ask", silence.verb, lane="silent", settled_by="attempt.resolve")
    world.put(kind, "a", clock="wall", at=silence.now)
    silence.pass_time(0.1)
    assert world.left() == [] and len(silence.asked) == 1


def test_a_row_that_others_hold_uses_up_no_try(world: World, silence: Silence) -> None:
    silence.error = psycopg.errors.LockNotAvailable()
    world.put(world.kind("ask", silence.verb, lane="silent"), "a", clock="wall", at=silence.now)
    silence.pass_time(0)
    (waiting,) = world.left()
    assert (waiting["tries"], waiting["parked"]) == (0, False)
    assert timedelta(seconds=5) <= waiting["run_at"] - silence.now <= timedelta(seconds=6)


def test_an_advance_does_not_wait_for_who_is_silent(world: World, silence: Silence) -> None:
    """On a test clock it is asked a few times at once; then it waits on the wall, and the clock goes on."""
    world.put(world.kind("ask", silence.verb, lane="silent"), "a", hours=1)
    assert world.run(hours=48) == jobs.TRIES
    (waiting,) = world.left()
    assert (waiting["clock"], waiting["tries"], waiting["parked"]) == ("wall", 0, False)
    silence.error = None
    silence.pass_time(0.1)
    assert world.left() == []


def test_what_is_stuck_is_shown_with_its_reason_and_tried_again(world: World, silence: Silence) -> None:
    asks = world.kind("ask", silence.verb, lane="silent")
    fails = world.kind("fail", silence.bad, lane="silent")
    world.put(asks, "a", clock="wall", at=silence.now)
    world.put(fails, "bad", clock="wall", at=silence.now)
    silence.pass_time(0.5)
    world.put(fails, "good", clock="wall", at=silence.now - timedelta(minutes=5))
    with world.db.connection() as conn:
        ours = {one.kind: one for one in backlog.backlog(conn, silence.now)}
        waiting = [one for one in backlog.stuck(conn, parked=False) if one.kind == asks]
        parked = [one for one in backlog.stuck(conn, parked=True) if one.kind == fails]
        assert backlog.parked(conn)[fails] == 1
    assert (ours[asks].waiting, ours[asks].parked) == (1, 0)
    assert (ours[fails].due, ours[fails].overdue, ours[fails].parked, ours[fails].lag) == (1, 1, 1, 300)
    assert "Nobody answers." in waiting[0].reason and waiting[0].since == silence.asked[0]
    assert (parked[0].ref, parked[0].reason, parked[0].tries) == ("bad", "ValueError: poison", jobs.TRIES)
    silence.error = None
    with world.db.connection() as conn:
        assert backlog.retry(conn, silence.now, "nothing of that name") == 0
        assert backlog.retry(conn, silence.now, "bad") == 1
        assert backlog.retry(conn, silence.now, asks) == 1
    silence.pass_time(0)
    assert world.left() == []


def test_a_parked_job_of_a_test_clock_runs_again_though_the_clock_stands_still(
    world: World, silence: Silence
) -> None:
    kind = world.kind("fail", silence.bad)
    world.put(kind, "bad", hours=1)
    world.run(hours=2)
    with world.db.connection() as conn:
        assert backlog.retry(conn, silence.now, kind) == 1
    again, watch = sorted(world.left(), key=lambda job: str(job["kind"]) != kind)
    assert (again["run_at"], again["parked"]) == (START + timedelta(hours=1), False)
    assert (watch["kind"], watch["ref"]) == (jobs.CATCH_UP, world.clock)


def test_the_metrics_show_every_kind_and_open_to_the_token_only(
    app: Any, api: Any, world: World, silence: Silence
) -> None:
    kind = world.kind("ask", silence.verb, lane="silent")
    world.put(kind, "a", clock="wall", at=silence.now)
    silence.pass_time(0.1)
    site = flask.Flask("metrics")
    metrics.add(site, app.db, TOKEN)
    client = site.test_client()
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}x"}).status_code == 401
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200 and answer.content_type.startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert f'billow_jobs_waiting{{kind="{kind}",lane="silent"}} 1.0' in lines
    assert 'billow_jobs_parked{kind="quote.expire",lane="billing"} 0.0' in lines
    assert len([line for line in lines if line.startswith("# TYPE billow_jobs_")]) == 5
    assert api.account not in answer.text and "Nobody answers" not in answer.text


def test_without_a_token_there_are_no_metrics(api: Any) -> None:
    assert api.get("/metrics", Authorization="Bearer ").status == 404


def test_the_command_shows_what_is_stuck_and_tries_it_again(
    app: Any, world: World, silence: Silence, caplog: pytest.LogCaptureFixture
) -> None:
    kind = world.kind("fail", silence.bad, lane="silent")
    world.put(kind, "bad", clock="wall", at=silence.now)
    silence.pass_time(0.5)
    with caplog.at_level(logging.WARNING):
        processes.log_parked_jobs(app.db)
    assert f"{kind} 1" in caplog.text and "billow jobs --parked" in caplog.text
    assert [row[:6] for row in commands.job_rows(app) if row[0] == kind] == [[kind, "silent", 0, 0, 0, 1]]
    [shown] = [row for row in commands.stuck_rows(app, parked=True) if row[0] == kind]
    assert (shown[1], shown[2], shown[-1]) == ("bad", world.tenant, "ValueError: poison")
    silence.error = None
    assert commands.retry_jobs(app, kind) == 1
    silence.pass_time(0)
    assert world.left() == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("", ""),
        ("Traceback\n  File\nValueError: no\n", "ValueError: no"),
        ("550 \x1b[31mred", "550  [31mred"),
    ],
)
def test_a_reason_is_one_line_that_harms_no_terminal(error: str, reason: str) -> None:
    assert backlog.reason_of(error) == reason
