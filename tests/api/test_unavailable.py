"""Is a request answered with 503 and without partial effects when the database is down or full?"""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from billow import app as application
from billow import settings
from billow.api.rows import writing
from billow.store import migrate
from billow.store.embedded import Embedded
from tests.conftest import Api, new_caller


@pytest.fixture
def alone() -> Iterator[tuple[Embedded, Api]]:
    """A system with a database of its own, which may be stopped."""
    folder = Path(tempfile.mkdtemp(prefix="billow-gone-"))
    server = Embedded(folder / "postgres")
    server.start()
    migrate.migrate(server.url)
    built = application.build(settings.load({"BILLOW_DATA": str(folder)}), server.url)
    yield server, new_caller(built)
    built.close()
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_lost_database_is_a_503_and_comes_back_by_itself(alone: tuple[Embedded, Api]) -> None:
    server, api = alone
    assert api.post("/v1/customers", {"name": "before"}).status == 200
    server.stop()
    gone = api.post("/v1/customers", {"name": "during"})
    assert gone.status == 503 and gone.headers["Retry-After"] == "2"
    assert gone["error"]["type"] == "api_error"
    assert api.get("/readyz").status == 503
    server.start()
    deadline = time.monotonic() + 5
    while api.post("/v1/customers", {"name": "after"}).status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert {api.post("/v1/customers", {"name": "after"}).status for _ in range(8)} == {200}
    names = [customer["name"] for customer in api.get("/v1/customers", {"limit": 100})["data"]]
    assert "during" not in names and "before" in names


def test_a_full_disk_is_a_503_and_leaves_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise psycopg.errors.DiskFull("could not extend file: No space left on device")

    # The event is written after the row, in the same transaction: the row must go with it.
    monkeypatch.setattr(writing, "emit", full)
    refused = api.post("/v1/customers", {"name": "half"})
    assert refused.status == 503 and "Retry-After" in refused.headers
    monkeypatch.undo()
    assert api.get("/v1/customers")["data"] == []
