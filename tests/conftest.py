"""What every test stands on: a database for each worker, and a fresh account for each test, so nothing is
cleaned up.
"""

import gc
import logging
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest

from billow import app as application
from billow import settings
from billow.app import App
from billow.providers.egress import Blocked, Egress
from billow.store import migrate
from billow.store.embedded import Embedded
from billow.store.ids import secret

# Each process of the tests would compile all of billow again, and each worker all tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

SHARED = Path(__file__).parents[1] / ".." / "shared"


def pytest_collection_finish() -> None:
    """Spare the collector of garbage what was imported and collected: millions of objects that stay."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


class Reply(dict[str, Any]):
    """A JSON answer with its status and headers."""

    def __init__(self, body: dict[str, Any], status: int, headers: Any) -> None:
        super().__init__(body)
        self.status, self.headers = status, headers


class Api:
    """A caller with a key: `api.post("/v1/customers", {"name": "Ann", "address[city]": "Bern"})`."""

    def __init__(self, app: App, key: str, tenant: str) -> None:
        self.app, self.key, self.tenant = app, key, tenant
        self._client = app.wsgi.test_client()

    @property
    def account(self) -> str:
        return self.tenant.split("/")[0]

    def post(self, path: str, data: dict[str, Any] | str | None = None, **headers: str) -> Reply:
        return self.ask("POST", path, data=data or {}, headers=headers)

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Reply:
        return self.ask("GET", path, query_string=query or {}, headers=headers)

    def delete(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Reply:
        return self.ask("DELETE", path, query_string=query or {}, headers=headers)

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **sent: Any) -> Reply:
        """Headers are named in Python: Idempotency_Key="a". `Authorization` may be replaced, "" for none."""
        named = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        named = {"Authorization": f"Bearer {self.key}", **named}
        if isinstance(sent.get("data"), str | bytes):
            sent.setdefault("content_type", "application/x-www-form-urlencoded")
        answer = self._client.open(path, method=method, headers=named, **sent)
        return Reply(answer.get_json() or {}, answer.status_code, answer.headers)

    def event_types(self, **query: Any) -> list[str]:
        """What was told, the oldest first."""
        events = self.get("/v1/events", {"limit": 100, **query})["data"]
        return [event["type"] for event in reversed(events)]


def shared(*parts: str) -> Path:
    """A file of the shared folder beside the checkout; the test is skipped where there is none."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs ../shared/{'/'.join(parts)}, which is not beside this checkout")
    return path


@pytest.fixture(scope="session")
def contract() -> ModuleType:
    """The checker of the API's contract; `problems(obj)` is empty for a good object."""
    folder = str(shared("contract").resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    import stripe_contract

    return stripe_contract


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """An empty PostgreSQL, one for each worker of xdist."""
    # Not pytest's tmp_path: its parents are closed to other users, and as root postgres is another user.
    folder = Path(tempfile.mkdtemp(prefix="billow-tests-"))
    server = Embedded(folder)
    server.start()
    # No commit waits for the disk here. Tests of crashes start databases of their own.
    with psycopg.connect(server.url, autocommit=True) as conn:
        conn.execute("alter role all set synchronous_commit = off")
    yield server.url
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def app(server_url: str) -> Iterator[App]:
    """The whole system on a migrated database, with the simulated gateway."""
    folder = Path(tempfile.mkdtemp(prefix="billow-data-"))
    migrate.migrate(server_url)
    given = {
        "BILLOW_DATA": str(folder),
        "BILLOW_SELLER_NAME": "Nimbus Ltd",
        "BILLOW_RATE_LIMIT_TEST": "0",
        "BILLOW_RATE_LIMIT_LIVE": "0",
    }
    built = application.build(settings.load(given), server_url)
    built.db.outside = replace(built.db.outside, posting=Egress(resolve=nameless).posting)
    yield built
    built.close()
    shutil.rmtree(folder, ignore_errors=True)


def nameless(host: str, port: int) -> list[str]:
    """Addresses only: no test asks the name servers of where it runs, which may answer late or never."""
    try:
        return [str(ip_address(host))]
    except ValueError as error:
        raise Blocked(f"{host} is a name") from error


def new_caller(app: App, mode: str = "test", account: str | None = None) -> Api:
    """A caller of a fresh account, or in another mode of the same."""
    account = account or secret("acct_", 16)
    tenant, now = f"{account}/{mode}", app.db.wall()
    with app.db.connection() as conn:
        conn.execute(
            "insert into accounts (id, created) values (%s, %s) on conflict do nothing", (account, now)
        )
    return Api(app, app.keys.create(tenant, now=now), tenant)


@pytest.fixture
def api(app: App) -> Api:
    return new_caller(app)


@pytest.fixture
def other(app: App) -> Api:
    """Somebody else, with an account of their own."""
    return new_caller(app)


@pytest.fixture(scope="session")
def http_url(app: App) -> Iterator[str]:
    """The system behind a real socket, for whoever speaks HTTP."""
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.WARNING)

    server = make_server("127.0.0.1", 0, app.wsgi, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def sdk(api: Api, http_url: str, contract: ModuleType) -> Iterator[Any]:
    """The official client, every answer of which is held against the contract."""
    import stripe

    recorder = contract.recorder()
    yield stripe.StripeClient(
        api.key, http_client=recorder, base_addresses={"api": http_url}, max_network_retries=0
    )
    assert recorder.problems == {}
