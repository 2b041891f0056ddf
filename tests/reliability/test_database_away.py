"""Nobody is shut out by a database that is away, a pool that is exhausted, or a row that is locked."""

import json
import shutil
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from billow import app as application
from billow import settings
from billow.app import App
from billow.store import migrate
from billow.store.embedded import Embedded
from billow.store.tx import Database
from tests.conftest import Api, new_caller
from tests.support.installation import new_database, running_installation

CLIENTS = 64


def ask(url: str, key: str, form: dict[str, Any] | None = None) -> tuple[int, dict[str, Any], float]:
    """Status, body and seconds of a request."""
    began = time.monotonic()
    data = urlencode(form).encode() if form is not None else None
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, body = answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        status, body = error.code, json.load(error)
        body["Retry-After"] = error.headers.get("Retry-After")
    return status, body, time.monotonic() - began


def together(count: int, act: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(act, range(count)))


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Embedded, App, str]]:
    """A server of a PostgreSQL of its own, which may be stopped under it."""
    # Not pytest's tmp_path: its parents are closed to other users, and as root postgres is another user.
    folder = Path(tempfile.mkdtemp(prefix="billow-away-"))
    server = Embedded(folder / "postgres")
    server.start()
    data = tmp_path_factory.mktemp("data")
    with running_installation(server.url, data) as (built, url):
        yield server, built, url
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def test_every_client_is_told_within_two_seconds_that_the_database_is_away(
    alone: tuple[Embedded, App, str],
) -> None:
    server, built, url = alone
    key = built.keys.create(f"{built.account}/test", now=built.db.wall())
    assert all(answer[0] == 200 for answer in together(8, lambda _: ask(f"{url}/v1/customers", key)))
    server.stop()
    told = together(CLIENTS, lambda n: ask(f"{url}/v1/customers", key, {"name": f"n{n}"} if n % 2 else None))
    slowest = max(seconds for _, _, seconds in told)
    print(f"{CLIENTS} clients were answered within {slowest:.2f} s")
    assert {(status, body["Retry-After"]) for status, body, _ in told} == {(503, "2")}
    assert slowest < 2
    began = time.monotonic()
    server.start()
    while ask(f"{url}/v1/customers", key, {"name": "after"})[0] != 200:
        assert time.monotonic() - began < 10
        time.sleep(0.05)
    print(f"the first write after {time.monotonic() - began:.2f} s, with the server's start")
    assert all(answer[0] == 200 for answer in together(8, lambda _: ask(f"{url}/v1/customers", key)))


# ------------------------------------------------------------------------------------- locks


@pytest.fixture
def shop(server_url: str, tmp_path: Path) -> Iterator[tuple[App, str]]:
    """A server with eight threads on a database of its own, and the system to make accounts with."""
    with running_installation(new_database(server_url), tmp_path, BILLOW_THREADS="8") as (built, url):
        yield built, url


@contextmanager
def locked(built: App, customer: str) -> Iterator[None]:
    """Somebody else, as a long batch, holds the row of a customer."""
    with built.db.connection() as conn, conn.transaction():
        conn.execute("select set_config('billow.tenant', %s, true)", (f"{built.account}/test",))
        assert conn.execute("select 1 from customers where id = %s for update", (customer,)).fetchone()
        yield


def test_sixteen_clients_on_one_locked_row_keep_nobody_else_waiting(shop: tuple[App, str]) -> None:
    built, url = shop
    key = built.keys.create(f"{built.account}/test", now=built.db.wall())
    customer = ask(f"{url}/v1/customers", key, {"name": "locked"})[1]["id"]
    over = threading.Event()
    blocked: list[tuple[int, dict[str, Any], float]] = []

    def insist(number: int) -> None:
        while not over.is_set():
            blocked.append(ask(f"{url}/v1/customers/{customer}", key, {"name": f"n{number}"}))

    others: list[tuple[int, dict[str, Any], float]] = []
    with locked(built, customer), ThreadPoolExecutor(16) as threads:
        try:
            list(threads.submit(insist, number) for number in range(16))
            time.sleep(0.5)
            until = time.monotonic() + 4
            while time.monotonic() < until:
                others.append(ask(f"{url}/v1/customers", key, {"name": "free"}))
                others.append(ask(f"{url}/v1/customers?limit=1", key))
        finally:
            over.set()
    slowest, longest = max(a[2] for a in others), max(a[2] for a in blocked)
    print(f"others waited up to {slowest:.2f} s ({len(others)} requests), the blocked {longest:.2f} s")
    assert {status for status, _, _ in others} == {200}
    assert {(status, body["error"]["code"]) for status, body, _ in blocked} == {(429, "lock_timeout")}
    assert slowest < 1.5
    assert longest < 5
    assert ask(f"{url}/v1/customers/{customer}", key, {"name": "free again"})[0] == 200


def test_a_short_wait_for_a_lock_is_no_refusal(shop: tuple[App, str]) -> None:
    built, url = shop
    key = built.keys.create(f"{built.account}/test", now=built.db.wall())
    customer = ask(f"{url}/v1/customers", key, {"name": "locked"})[1]["id"]
    with ThreadPoolExecutor(1) as thread, ExitStack() as stack:
        stack.enter_context(locked(built, customer))
        waiting = thread.submit(ask, f"{url}/v1/customers/{customer}", key, {"name": "patient"})
        time.sleep(0.7)
        stack.close()
        status, body, seconds = waiting.result()
    assert (status, body.get("name")) == (200, "patient")
    assert 0.5 < seconds < 3


# ------------------------------------------------------------------------------------- the pool


def test_an_exhausted_pool_is_a_503_within_a_second_and_recovers(
    server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = new_database(server_url)
    migrate.migrate(database)
    monkeypatch.setattr(application, "Database", lambda url, **more: Database(url, **{**more, "size": 2}))
    built = application.build(settings.load({"BILLOW_DATA": str(tmp_path)}), database)
    built.db.connections.patience = application.CALLERS_PATIENCE
    api = new_caller(built)

    def told(_: int) -> tuple[int, str | None, float]:
        began = time.monotonic()
        answer = Api(built, api.key, api.tenant).post("/v1/customers", {"name": "anybody"})
        return answer.status, answer.headers.get("Retry-After"), time.monotonic() - began

    def slow(_: int) -> None:
        with built.db.connection() as conn:
            conn.execute("select pg_sleep(3)")

    assert told(0)[0] == 200
    with ThreadPoolExecutor(2) as threads:
        sleeping = [threads.submit(slow, number) for number in range(2)]
        time.sleep(0.3)
        answers = together(8, told)
        for one in sleeping:
            one.result()
    longest = max(seconds for _, _, seconds in answers)
    print(f"told after {longest:.2f} s")
    assert {(status, retry) for status, retry, _ in answers} == {(503, "2")}
    assert longest < 1.5  # 0.8 s on an idle machine
    assert {told(number)[0] for number in range(8)} == {200}
    built.close()
