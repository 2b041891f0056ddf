"""A world for each test, and a check of the invariants after it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from billow.app import App
from billow.flows.events import dispatch
from billow.store import jobs
from billow.store.tx import Database
from tests.conftest import Api, new_caller
from tests.support import invariants
from tests.support.world import World

Worlds = Callable[[], World]


def do_what_is_due(app: App) -> None:
    """Run everything that is due on the wall clock, and what becomes due at once by that."""
    while jobs.run_due(app.db, clock="wall", until=app.db.wall()) or dispatch.run_due(app.db):
        pass


@pytest.fixture
def worlds(app: App) -> Iterator[Worlds]:
    """As many merchants as a test needs. The invariants of each are checked after the test."""
    made: list[tuple[Api, World]] = []

    def another() -> World:
        caller = new_caller(app)
        made.append((caller, World(caller, lambda: do_what_is_due(app))))
        return made[-1][1]

    yield another
    do_what_is_due(app)
    for caller, world in made:
        invariants.check_all(app.db, caller.tenant, world.clock)


@pytest.fixture
def world(worlds: Worlds) -> World:
    """The world of one merchant."""
    return worlds()


OF_THE_HOUSE = "^(cards|events|ledger|statements|store|timers)[.]"
"""The kinds of jobs that are about no customer of a test, which each installation has."""


def run_later(db: Database, later: timedelta, lane: str | None = None) -> int:
    """Run what is due on the wall until so much later; return how many jobs were run.

    What each installation has waits for its own hour: it puts itself at the next midnight, and would be run
    for ever where that lies before the instant asked for.
    """
    until, done = db.wall() + later, 0
    while True:
        with db.connection() as conn:
            sooner = conn.execute(
                "update jobs set run_at = %s where clock = 'wall' and run_at > %s and run_at <= %s"
                " and kind !~ %s and not parked",
                (db.wall(), db.wall(), until, OF_THE_HOUSE),
            ).rowcount
        ran = jobs.run_due(db, clock="wall", until=db.wall(), lane=lane)
        done += ran
        if not ran or not sooner:
            return done


class Wall:
    """A wall clock that the test sets."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(autouse=True)
def begun(app: App) -> datetime:
    """When this test began."""
    return app.db.wall()


@pytest.fixture
def wall(app: App, begun: datetime, monkeypatch: pytest.MonkeyPatch) -> Wall:
    """A wall clock that stands still until the test moves it; jobs that other tests left are deleted.

    Of the accounts of other tests, those of the house as well: thousands of accounts have some each day.
    """
    with app.db.connection() as conn:
        conn.execute("delete from jobs where clock = 'wall' and kind !~ %s", (OF_THE_HOUSE,))
        conn.execute(
            "delete from jobs j using accounts a"
            " where j.clock = 'wall' and split_part(j.tenant, '/', 1) = a.id"
            " and a.id <> %s and a.created < %s",
            (app.account, begun),
        )
    made = Wall(app.db.wall())
    monkeypatch.setattr(app.db, "wall", made)
    return made
