"""Does the embedded PostgreSQL survive what happens to a process: kill -9, a second start, a long path."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from billow.store.embedded import CannotRun, Embedded

USE_IT_AND_WAIT = """
import sys
from pathlib import Path
from billow.store.embedded import Embedded
server = Embedded(Path(sys.argv[1]))
server.start()
print(server.url, flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's tmp_path: its parent is closed to others, and as root postgres is another user."""
    path = Path(tempfile.mkdtemp(prefix="billow-test-"))
    yield path
    for pid in servers(path):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(path)


def servers(folder: Path) -> list[int]:
    """The postmasters that the operating system shows for a folder, whatever we believe."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if arguments[0].endswith("/postgres") and any(word.startswith(str(folder)) for word in arguments):
            found.append(int(process.name))
    return found


def left(folder: Path) -> list[int]:
    """What is still there when those that were told to end had ten seconds to do so."""
    for _ in range(100):
        if not servers(folder):
            return []
        time.sleep(0.1)
    return servers(folder)


def ask(server: Embedded, sql: str) -> object:
    with psycopg.connect(server.url, autocommit=True) as conn:
        cursor = conn.execute(sql)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def count_for_seconds(url: str) -> None:
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url) as conn:
        conn.execute("select count(*) from generate_series(1, 4000000) a where a::text || 'x' <> 'y'")


def another_process(folder: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", USE_IT_AND_WAIT, str(folder)],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout and process.stdout.readline().startswith("postgresql://")
    return process


def test_a_server_starts_answers_and_leaves_no_process(folder: Path) -> None:
    server = Embedded(folder)
    server.start()
    assert server.running and len(servers(folder)) == 1
    assert str(ask(server, "show server_version_num")).startswith("18")
    settings = {name: ask(server, f"show {name}") for name in ("fsync", "data_checksums", "listen_addresses")}
    assert settings == {"fsync": "on", "data_checksums": "on", "listen_addresses": ""}
    assert (
        ask(server, "select lower('ÄÖÜ') || getdatabaseencoding() || current_setting('timezone')")
        == "äöüUTF8UTC"
    )
    server.stop()
    assert not server.running and left(folder) == []
    server.stop()


def test_data_survives_a_killed_postmaster(folder: Path) -> None:
    server = Embedded(folder)
    server.start()
    ask(server, "create table kept as select 42 as answer")
    busy = threading.Thread(target=count_for_seconds, args=(server.url,))
    busy.start()
    while not ask(
        server, "select 1 from pg_stat_activity where state = 'active' and query ~ '^select count'"
    ):
        pass
    os.kill(servers(folder)[0], signal.SIGKILL)  # the busy session outlives it, and holds its memory
    second = Embedded(folder)
    second.start()
    busy.join()
    assert ask(second, "select answer from kept") == 42
    second.stop()
    server.stop()
    assert left(folder) == []


def test_a_pid_file_that_names_a_stranger_is_forgotten(folder: Path) -> None:
    server = Embedded(folder)
    server.start()
    pid_file = folder / "cluster" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop()
    stranger = subprocess.Popen(
        ["sleep", "60"], user=pid_file.parent.stat().st_uid if os.geteuid() == 0 else None
    )
    pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
    try:
        server.start()
        assert ask(server, "select 1") == 1
        server.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_the_last_of_two_users_ends_the_server(folder: Path) -> None:
    first = another_process(folder)
    second = Embedded(folder)
    second.start()
    assert len(servers(folder)) == 1
    first.communicate("")
    assert ask(second, "select 1") == 1
    second.stop()
    assert left(folder) == []


def test_a_server_left_by_a_killed_process_is_adopted(folder: Path) -> None:
    first = another_process(folder)
    first.kill()
    first.communicate()
    orphan = servers(folder)
    second = Embedded(folder)
    second.start()
    assert servers(folder) == orphan and len(orphan) == 1
    second.stop()
    assert left(folder) == []


def test_the_terminals_interrupt_does_not_reach_the_server(folder: Path) -> None:
    server = Embedded(folder)
    server.start()
    pid = servers(folder)[0]
    assert os.getsid(pid) == pid != os.getsid(0)
    server.stop()


def test_a_long_path_gets_a_short_socket_that_only_its_owner_may_enter(folder: Path) -> None:
    server = Embedded(folder / ("long" * 30))
    server.start()
    assert ask(server, "select 1") == 1
    sockets = Path(str(ask(server, "show unix_socket_directories")))
    assert len(str(sockets)) < 80 and sockets.stat().st_mode & 0o077 == 0
    server.stop()
    sockets.rmdir()


def test_a_cluster_of_another_version_is_refused(folder: Path) -> None:
    server = Embedded(folder)
    server.start()
    server.stop()
    (folder / "cluster" / "PG_VERSION").write_text("15\n")
    with pytest.raises(CannotRun, match="made by PostgreSQL 15"):
        server.start()
    assert left(folder) == []
