"""The embedded database is brought to any second, and the commands of the guide do it."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from billow.store.backup_file import Damaged, Reader
from billow.store.embedded import Embedded
from billow.store.restore import Target
from billow.store.rewind import rewound, verify
from tests.conftest import new_caller
from tests.reliability.installations import Place, command, disagreements, subscribe
from tests.support import invariants

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/guide/backup.md").read_text()
RUN = re.compile(r"<!-- run -->\n```sh\n(.*?)```", re.DOTALL)


@pytest.fixture
def disk() -> Iterator[Path]:
    """Folders that the system user of PostgreSQL may pass; pytest's are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="billow-rewind-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def archiving(url: str, archive: Path) -> "subprocess.Popen[bytes]":
    """`billow archive`, as `billow up` starts it; returns when the log arrives."""
    more = {"BILLOW_DATABASE_URL": url, "BILLOW_WAL_ARCHIVE": str(archive), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-m", "billow", "archive"], env={**os.environ, **more})
    while not list(archive.glob("*/*.partial")):
        assert process.poll() is None
        time.sleep(0.05)
    return process


def types(number: int, disk: Path, until: str = "") -> None:
    """Run a command of the guide, in the folders of the test."""
    text = RUN.findall(GUIDE)[number].replace("2026-11-29 14:02:30", until)
    places = {"/var/backups": "backup", "/var/archive": "archive", "/var/lib/billow": "live", "/srv": "srv"}
    for said, meant in places.items():
        text = text.replace(said, str(disk / meant))
    program, *words = shlex.split(text)
    assert program == "billow"
    status, output = command(*words)
    assert status == 0, (text, output)


def test_the_guide_brings_back_a_second_and_the_last_moment(
    disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A second between two writes: the first is there, the second is not."""
    for name in ("backup", "srv"):
        (disk / name).mkdir()
    server = Embedded(disk / "live" / "postgres")
    server.start()
    place = Place(disk / "live", server.url)
    with place.opened() as app:
        process = archiving(server.url, disk / "archive")
        api = new_caller(app)
        first = subscribe(api)[0]
        types(3, disk)  # the base backup
        between = subscribe(api)[0]
        time.sleep(0.05)
        until = app.db.wall()
        time.sleep(0.05)
        subscribe(api)
        for number in (0, 1, 2):  # a file, verified, restored
            types(number, disk)
        last = write_until_killed(server, process)
    server.stop()
    types(4, disk, until.strftime("%Y-%m-%d %H:%M:%S.%f"))
    assert customers(disk / "srv" / "rewound", api.tenant) == {first, between}
    begun = time.monotonic()
    number, at = ticks(disk, "latest")
    lost = (last[1] - at).total_seconds()
    print(f"lost {last[0] - number} writes, {lost:.3f} s; restored in {time.monotonic() - begun:.1f} s")
    assert lost <= 1 and "cannot be read" not in caplog.text
    damage_is_noticed(disk, number, caplog)


def damage_is_noticed(disk: Path, number: int, caplog: pytest.LogCaptureFixture) -> None:
    """A flipped byte in the log, in a file of the server, in the list of them, and in what is beside them."""
    [partial] = (disk / "archive").glob("*/*.partial")
    text = partial.read_bytes()
    flip(partial, text.rstrip(b"\0").rindex(b"\0\0") - 5000)
    fewer, _ = ticks(disk, "damaged")
    assert fewer < number and f"the end of {partial} cannot be read" in caplog.text
    base = disk / "backup/base-1"
    with Reader(base / "files.tar") as files:
        verify(base, files)
        for name in ("global/pg_control", "backup_manifest"):
            flip(base / "cluster" / name, 100)
            with pytest.raises(Damaged, match=name):
                verify(base, files)
            flip(base / "cluster" / name, 100)
    flip(base / "files.tar", (base / "files.tar").read_bytes().index(b"SQLite"))
    with pytest.raises(Damaged, match=r"gateway.sqlite"), rewound(base, None, None, target(disk / "none")):
        pass
    assert not (disk / "none").exists()


def flip(file: Path, place: int) -> None:
    text = bytearray(file.read_bytes())
    text[place] ^= 1
    file.write_bytes(text)


def target(data: Path) -> Target:
    return Target(data, data / "postgres", "", None)


def ticks(disk: Path, name: str) -> tuple[int, datetime]:
    """The last write that a restore of everything brings back."""
    base, archive = disk / "backup/base-1", disk / "archive"
    with rewound(base, archive, None, target(disk / name)) as url, psycopg.connect(url) as conn:
        row = conn.execute("select max(number), max(at) from ticks").fetchone()
    assert row is not None
    return row[0], row[1]


def write_until_killed(server: Embedded, process: "subprocess.Popen[bytes]") -> tuple[int, datetime]:
    """Write as fast as it goes until server and archiver are killed; the last write that was acknowledged."""
    pid = int((server.folder / "cluster" / "postmaster.pid").read_text().splitlines()[0])
    last = (0, datetime.min)
    with closing(psycopg.connect(server.url, autocommit=True)) as conn:
        conn.execute("create table ticks (number bigint, at timestamptz)")
        killer = threading.Timer(1, lambda: [os.kill(each, signal.SIGKILL) for each in (process.pid, pid)])
        killer.start()
        try:
            for number in range(10**6):
                row = conn.execute(
                    "insert into ticks values (%s, clock_timestamp()) returning number, at", (number,)
                ).fetchone()
                assert row is not None
                last = row
        except psycopg.OperationalError:
            pass
        killer.join()
    process.wait()
    return last


def customers(data: Path, tenant: str) -> set[str]:
    """Who is there; and the books, the gateway and the timers of all of them hold together."""
    server = Embedded(data / "postgres")
    server.start()
    with Place(data, server.url).opened() as app:
        invariants.check_all(app.db, tenant)
        assert disagreements(app, tenant, data / "gateway.sqlite") == []
        with app.db.transaction(tenant) as tx:
            found = {id for (id,) in tx.tuples("select id from customers")}
    server.stop()
    return found
