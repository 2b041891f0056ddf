"""Data of three earlier commits migrates while it is there, holds together, and renews a month.

The files were made once by `make.py` with the code of 69c9ffc (7 migrations), 91c09a8 (14) and f3d384a (20).
"""

import gzip
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from billow import commands
from billow.app import App
from billow.store import migrate
from billow.store.jobs import run_due
from tests.conftest import Api
from tests.reliability.installations import Place
from tests.support import invariants
from tests.support.installation import new_database
from tests.test_schema import Description, describe, differences

FILES = sorted(Path(__file__).parent.glob("*.sql.gz"))
MONTH = timedelta(days=31)


@pytest.fixture(params=FILES, ids=lambda file: file.name)
def older(request: pytest.FixtureRequest, server_url: str, tmp_path: Path) -> tuple[Place, int]:
    """An installation of an earlier commit, and the number of its newest migration."""
    file: Path = request.param
    place = Place(tmp_path / "data", new_database(server_url))
    with psycopg.connect(place.url) as conn:
        migrate.become_owner(conn)
        text = gzip.decompress(file.read_bytes()).decode().replace("CREATE SCHEMA billow;\n", "")
        conn.execute(text.encode())
    return place, int(file.name[:4])


@pytest.fixture(scope="module")
def fresh(server_url: str) -> Description:
    """The schema of a new installation."""
    url = new_database(server_url)
    migrate.migrate(url)
    return describe(url)


def test_data_of_an_earlier_commit_migrates_and_renews(older: tuple[Place, int], fresh: Description) -> None:
    place, number = older
    with psycopg.connect(place.url) as conn:
        conn.execute("set search_path = billow")
        assert migrate.pending(conn) == [one.name for one in migrate.available() if one.number > number]
    migrate.migrate(place.url)
    assert differences(describe(place.url), fresh) == []
    [(tenant, clock, frozen)] = place.rows("select tenant, id, frozen_time from test_clocks")
    with place.opened() as app:
        commands.agree_with_gateway(app, place.data / "gateway.sqlite")
        invariants.check_all(app.db, tenant, clock)
        before = bills(app, tenant)
        caller = Api(app, app.keys.create(tenant, now=app.db.wall()), tenant)
        until = int((frozen + MONTH).timestamp())
        assert "error" not in caller.post(
            f"/v1/test_helpers/test_clocks/{clock}/advance", {"frozen_time": until}
        )
        while run_due(app.db, clock="wall", until=app.db.wall()):
            pass
        assert caller.get(f"/v1/test_helpers/test_clocks/{clock}")["status"] == "ready"
        invariants.check_all(app.db, tenant, clock)
        active = {"test_clock": clock, "status": "active", "limit": 100}
        running = {row["id"] for row in caller.get("/v1/subscriptions", active)["data"]}
        renewed = bills(app, tenant)
        assert running and all(renewed[id] == before[id] + 1 for id in running), (before, renewed)
        letters = [path.read_text() for path in (place.data / "outbox").iterdir()]
        assert any("ann@example.com" in letter for letter in letters)
        found = list(commands.check(app.db, commands.Checked()))
        assert all(good for good, _ in found), found


def bills(app: App, tenant: str) -> dict[str, int]:
    """How many invoices each subscription has."""
    with app.db.transaction(tenant) as tx:
        counted = "select subscription, count(*) from invoices where subscription is not null group by 1"
        return dict(tx.tuples(counted))


def test_three_earlier_commits_are_there() -> None:
    assert [file.name[:4] for file in FILES] == ["0007", "0014", "0020"]
