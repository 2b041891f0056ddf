"""However time passes and whoever does the work, the same invoices and the same books come of it."""

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billow.app import App
from billow.ledger.journal import journal
from billow.store import jobs
from tests.conftest import new_caller
from tests.flows.conftest import Wall, Worlds
from tests.support import invariants
from tests.support.world import Customer, World, moment

ID = re.compile(r"\b([a-z]+)_[0-9A-Za-z]{24}\b")
NAMES = ("anna", "ben", "cleo", "dan", "eve", "finn", "gus")


def outcome(app: App, world: World, people: list[Customer]) -> tuple[list[Any], list[str]]:
    """All invoices and all postings, with the customers' names for whatever is random.

    Two invoices of one customer that are finalized at the same instant take their numbers in the order in
    which the workers commit: either order is right, so the numbers are compared apart from the papers.
    """
    papers = [
        (
            person.name,
            data["created"],
            str([(line["description"], line["amount"], line["period"]) for line in data["lines"]["data"]]),
            data["status"],
            data["status_transitions"],
            data["amount_due"],
            data["attempt_count"],
        )
        for person in people
        for data in (invoice.data for invoice in person.invoices)
    ]
    papers.sort(key=lambda paper: paper[:3])
    numbers = [
        (person.name, sorted(invoice.data["number"][-4:] for invoice in person.invoices)) for person in people
    ]
    with app.db.transaction(world.api.tenant) as tx:
        text = journal(tx)
    for person in people:
        shown = person.id.replace("_", "")
        text = text.replace(person.id, person.name).replace(shown[0].upper() + shown[1:], person.name)
    text = re.sub(r"\b(Prod|Revenue:Prod)[0-9A-Za-z]{24}", r"\1", ID.sub(r"\1", text))
    return [*papers, *numbers], sorted(text.strip().split("\n\n"))


# ------------------------------------------------------------------------------------- steps


def story(world: World, step: timedelta) -> list[Customer]:
    """Four months of licence, usage and a card that fails for a while, in steps of some length."""

    def until(when: str) -> None:
        now, end = datetime.fromtimestamp(world.seconds, UTC), moment(when)
        while now < end:
            now = min(now + step, end)
            world.at(now.strftime("%Y-%m-%d %H:%M"))

    world.at("2025-01-31 10:00")
    calls = world.metered("Calls", world.meter("calls"), tiers=[(10, "100"), ("inf", "50")])
    pro = world.plan("Pro", usd=20)
    anna, ben, cleo = (world.customer(name) for name in NAMES[:3])
    anna.subscribes_to(pro, calls)
    ben.subscribes_to(pro)
    cleo.subscribes_to(calls, trial_period_days=9)
    until("2025-02-20")
    anna.uses("calls", 15, "2025-02-19")
    cleo.uses("calls", 4, "2025-02-19")
    ben.pays_with("declining")
    until("2025-04-05")
    ben.pays_with("visa")
    anna.uses("calls", 1, "2025-04-01")
    until("2025-06-01")
    return [anna, ben, cleo]


def test_one_long_step_is_the_same_as_many_short_ones(app: App, worlds: Worlds) -> None:
    results = []
    for step in (timedelta(days=60), timedelta(days=7, hours=5), timedelta(hours=26)):
        world = worlds()
        results.append(outcome(app, world, story(world, step)))
    assert results[0] == results[1] == results[2]
    assert len(results[0][0]) > 10


def test_three_months_in_one_step_are_three_months_in_ninety(app: App, worlds: Worlds) -> None:
    results = []
    for days in (90, 1):
        world = worlds()
        world.at("2025-01-31")
        anna = world.customer("anna")
        anna.subscribes_to(world.plan("Pro", count=2, usd=20))
        for day in range(days, 91, days):
            world.at((moment("2025-01-31") + timedelta(days=day)).strftime("%Y-%m-%d"))
        results.append(outcome(app, world, [anna]))
    assert results[0] == results[1]


# ------------------------------------------------------------------------------------- batches and workers


def month_end(world: World, until: Callable[[str], None]) -> list[Customer]:
    """Seven customers that renew together, twice; some share what is settled one after the other."""
    pro, team = world.plan("Pro", usd=20), world.plan("Team", usd=50)
    calls = world.metered("Calls", world.meter("calls"), cents="3")
    people = [world.customer(name, balance=-1500 if name in NAMES[:2] else 0) for name in NAMES]
    for person in people:
        person.subscribes_to(pro, calls)
    for person in people[:3]:
        person.subscribes_to(team)
    people[3].pays_with("declining")
    people[4].pays_with("always 3DS")
    until("2025-01-20 00:00")
    for number, person in enumerate(people):
        person.uses("calls", 10 * number, "2025-01-19")
    until("2025-03-03 00:00")
    return people


@pytest.fixture
def reference(app: App, worlds: Worlds) -> tuple[list[Any], list[str]]:
    """What comes of it by default: batches of up to 500."""
    world = worlds()
    world.at("2025-01-01")
    return outcome(app, world, month_end(world, world.at))


@pytest.mark.parametrize("batch", [1, 3])
def test_the_size_of_a_batch_does_not_matter(
    app: App, worlds: Worlds, monkeypatch: pytest.MonkeyPatch, reference: object, batch: int
) -> None:
    def run_clock(clock: str, until: datetime) -> bool:
        jobs.run_due(app.db, clock=clock, until=until, batch=batch)
        return True

    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, run_clock=run_clock))
    world = worlds()
    world.at("2025-01-01")
    assert outcome(app, world, month_end(world, world.at)) == reference


class Workers:
    """Some threads that do what is due on the wall, which is moved from one due time to the next."""

    def __init__(self, app: App, wall: Wall, tenant: str, count: int, batch: int | None) -> None:
        self.app, self.wall, self.tenant = app, wall, tenant
        self.count, self.batch = count, batch
        self.failures: list[BaseException] = []

    def until(self, when: str) -> None:
        end = moment(when)
        while True:
            self.work()
            with self.app.db.connection() as conn:
                row = conn.execute(
                    "select min(run_at) from jobs where tenant = %s and clock = 'wall' and run_at <= %s"
                    " and not parked",
                    (self.tenant, end),
                ).fetchone()
            if row is None or row[0] is None:
                break
            self.wall.now = row[0]
        self.wall.now = end

    def work(self) -> None:
        threads = [threading.Thread(target=self.run) for _ in range(self.count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not self.failures, self.failures

    def run(self) -> None:
        try:
            while jobs.run_due(self.app.db, clock="wall", until=self.wall.now, batch=self.batch):
                pass
        except BaseException as error:
            self.failures.append(error)


@pytest.fixture
def alone(app: App) -> None:
    """What other stories left for the wall is none of these workers' business."""
    with app.db.connection() as conn:
        conn.execute("delete from jobs where clock = 'wall'")


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(("count", "batch"), [(1, None), (2, 1), (2, 3), (3, None)])
def test_the_number_of_workers_does_not_matter(
    app: App, wall: Wall, reference: tuple[list[Any], list[str]], count: int, batch: int | None
) -> None:
    caller = new_caller(app)
    wall.now = moment("2025-01-01")
    workers = Workers(app, wall, caller.tenant, count, batch)
    world = World(caller, workers.work)
    papers, books = outcome(app, world, month_end(world, workers.until))
    assert papers == reference[0]
    assert books == reference[1]
    invariants.check_all(app.db, caller.tenant)
