"""`billow check`, the metrics and a base backup tell of an archive of the log that stands still."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import flask
import psycopg
import pytest

from billow.pages import metrics
from billow.store import archive_lag
from billow.store.archive_lag import Position, Watch
from billow.store.clocks import utc_now
from billow.store.embedded import Embedded
from billow.store.tx import Database
from tests.reliability.installations import Place, command
from tests.reliability.test_rewind import archiving, disk  # noqa: F401  (fixture)

TOKEN = "0123456789abcdef"  # noqa: S105


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at a server that has just started too, and give an archive that follows the time it needs."""
    monkeypatch.setattr(archive_lag, "STARTING", timedelta(0))
    monkeypatch.setattr(archive_lag, "PATIENCE", 30.0)


@pytest.fixture
def server(disk: Path) -> Iterator[Embedded]:  # noqa: F811
    started = Embedded(disk / "live" / "postgres")
    started.start()
    with Place(disk / "live", started.url).opened():
        yield started
    started.stop()


def write(conn: "psycopg.Connection[tuple[object, ...]]") -> None:
    conn.execute("create table if not exists ticks (number bigint)")
    conn.execute("insert into ticks select generate_series(1, 20000)")


def scraped(url: str) -> dict[str, int]:
    """What /metrics says of the archive, twice in a row: the second time a moment has passed."""
    db = Database(url, size=2)
    site = flask.Flask("metrics")
    metrics.add(site, db, TOKEN)
    text = ""
    for later in (0, 60):
        db.wall = lambda later=later: utc_now() + timedelta(seconds=later)  # type: ignore[misc]
        text = site.test_client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    db.close()
    lines = [line.split() for line in text.splitlines() if line.startswith("billow_wal_archive")]
    return {name.removeprefix("billow_wal_archive_lag_"): int(float(value)) for name, value in lines}


def test_an_archive_that_stands_still_is_told_of(
    server: Embedded,
    disk: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setting = {"BILLOW_WAL_ARCHIVE": str(disk / "archive")}
    live = ("--data", str(disk / "live"))
    with psycopg.connect(server.url, autocommit=True) as conn:
        assert archive_lag.fault(conn, utc_now(), wanted=False) is None
        assert "nothing is archived" in (archive_lag.fault(conn, utc_now(), wanted=True) or "")
        with archived(server.url, disk / "archive") as receiver:
            write(conn)
            assert archive_lag.fault(conn, utc_now(), wanted=True) is None
            status, said = command("check", *live, **setting)
            assert status == 0 and "ok  archive of the log: it follows the server" in said
            os.kill(receiver, signal.SIGSTOP)  # as where its disk does not answer
            write(conn)
            monkeypatch.setattr(archive_lag, "PATIENCE", 1.0)
            status, said = command("check", *live, **setting)
            assert status == 1 and "no  archive of the log: it stands still" in said
            found = scraped(server.url)
            assert found["bytes"] > 1000 and found["seconds"] >= 60
            status, said = command("backup", str(disk / "base"), "--base", *live, **setting)
            assert status == 0 and "No log continues this base backup. The archive" in said
            os.kill(receiver, signal.SIGCONT)
            monkeypatch.setattr(archive_lag, "PATIENCE", 30.0)
            assert archive_lag.fault(conn, utc_now(), wanted=True) is None
        write(conn)
        monkeypatch.setattr(archive_lag, "PATIENCE", 1.0)
        assert "stands still" in (archive_lag.fault(conn, utc_now(), wanted=True) or "")


@contextmanager
def archived(url: str, archive: Path) -> Iterator[int]:
    """`billow archive` at work, and the process that receives the log for it."""
    process = archiving(url, archive)
    receiver = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
    try:
        yield receiver
    finally:
        os.kill(receiver, signal.SIGCONT)
        process.terminate()
        process.wait()


def test_the_lag_is_the_age_of_what_was_first_seen_and_is_not_archived() -> None:
    watch, start = Watch(), utc_now()

    def after(minutes: int, written: int, archived: int | None) -> int:
        return watch.seconds(Position(written, archived), start + timedelta(minutes=minutes))

    assert [after(0, 100, 100), after(1, 200, 190)] == [0, 0], "what is behind for a moment only"
    assert [after(2, 300, 250), after(5, 400, 250)] == [0, 180]
    assert after(6, 500, 350) == 60, "the oldest that is missing was seen a minute before"
    assert [after(7, 500, 500), after(9, 600, None), after(10, 600, None)] == [0, 0, 60]
