"""A migration is applied while a server and a worker of the version before are at work: who waits for it?"""

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from billow.app import App
from billow.store import migrate
from billow.store.migrate import CannotMigrate, Migration
from tests.conftest import Api, new_caller
from tests.support.installation import new_database, running_installation
from tests.support.raw_client import form, head, send_request

CUSTOMERS = "/v1/customers"
LONG = 3.0
"""Seconds of a transaction that is under way when the migration begins."""
WITHIN = 1.5
"""Seconds within which each request is answered; one that waits for the lock gives up after two."""
EVERY = migrate.available()
NEXT = Migration(
    len(EVERY) + 1,
    "9999_next",
    "alter table customers add column seen_at timestamptz; create table seen (id text)",
)


@pytest.fixture
def system(server_url: str) -> Iterator[tuple[App, str, str]]:
    folder = Path(tempfile.mkdtemp(prefix="billow-upgrade-"))
    database = new_database(server_url)
    with running_installation(database, folder) as (app, url):
        yield app, url, database
    shutil.rmtree(folder, ignore_errors=True)


class Load:
    """Somebody who reads and writes customers all the while."""

    def __init__(self, url: str, api: Api) -> None:
        self.url, self.api = url, api
        self.answers: list[tuple[int, float]] = []
        self.enough = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(4)]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.enough.set()
        for thread in self.threads:
            thread.join()

    def run(self) -> None:
        write = b"".join(form(CUSTOMERS, self.api.key, {"name": "Ann"}))
        while not self.enough.is_set():
            for request in (write, head("GET", CUSTOMERS, self.api.key)):
                status, _, _, seconds = send_request(self.url, request)
                self.answers.append((status, seconds))


def test_nobody_waits_for_a_migration_that_waits_for_a_long_transaction(system: tuple[App, str, str]) -> None:
    """F31: whoever wants a table queues behind who wants to change it, so the migration does not queue."""
    app, url, database = system
    api = new_caller(app)
    done: list[str] = []
    with Load(url, api) as load, app.db.transaction(api.tenant) as long:
        long.run("select count(*) from customers")
        migrating = threading.Thread(target=lambda: done.extend(migrate.migrate(database, [*EVERY, NEXT])))
        migrating.start()
        time.sleep(LONG)
        assert not done
    with Load(url, api) as after:
        migrating.join(30)
        time.sleep(1)
    assert done == [NEXT.name]
    answers = [*load.answers, *after.answers]
    slowest = max(seconds for _, seconds in answers)
    refused = sum(status == 429 for status, _ in answers)
    print(f"{len(answers)} requests, {slowest:.2f} s at most, {refused} answered 429")
    assert {status for status, _ in answers} <= {200, 429} and refused < len(answers) / 10
    assert slowest < WITHIN
    assert send_request(url, head("GET", CUSTOMERS, api.key))[0] == 200, "the version before answers on"
    assert send_request(url, head("GET", "/readyz"))[0] == 503, "and says that it is to be replaced"


def test_a_migration_that_is_kept_waiting_changes_nothing_and_says_so(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "TRIES", 2)
    database = new_database(server_url)
    migrate.migrate(database)
    with psycopg.connect(database) as conn:
        conn.execute("select count(*) from billow.customers")
        with pytest.raises(CannotMigrate, match="Stop the servers and workers"):
            migrate.migrate(database, [*EVERY, NEXT])
    with psycopg.connect(database) as conn:
        assert conn.execute("select to_regclass('billow.seen')").fetchone() == (None,)
    assert migrate.migrate(database, [*EVERY, NEXT]) == [NEXT.name]
