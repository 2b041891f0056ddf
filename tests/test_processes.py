"""Are processes that cannot all be served by the database refused before they start?"""

import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from billow import processes
from billow.listening import listen
from billow.processes import ending, require_connections
from billow.store import wal
from billow.store.embedded import CannotRun


def test_more_connections_than_the_database_has_are_refused_with_the_sum(app: Any) -> None:
    require_connections(app.db.url, 1, 1, 16)
    require_connections(app.db.url, 4, 1, 16)
    with pytest.raises(CannotRun) as refused:
        require_connections(app.db.url, 6, 1, 24)
    told = str(refused.value)
    assert "144 for 6 server processes of 24 + 24 for 1 worker + " in told and "allows 100" in told
    parts, total = re.match(r"(.*) = (\d+) connections", told).groups()  # type: ignore[union-attr]
    assert sum(int(part.split()[0]) for part in parts.split(" + ")) == int(total)


def test_a_folder_of_the_same_name_is_not_taken_for_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who starts billow beside its clone has a folder `billow` in the current one."""
    (tmp_path / "billow" / "pages").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert processes.start("routes", {}).wait(timeout=60) == 0


def test_a_port_that_is_taken_is_refused_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotRun, match=f"BILLOW_PORT={port}"):
            listen("127.0.0.1", port)
    for found in listen("127.0.0.1", port):
        with pytest.raises(CannotRun, match=f"BILLOW_PORT={port}"):
            listen("127.0.0.1", port)  # although no server has taken a connection yet
        found.close()


def test_a_name_is_listened_on_at_each_of_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [("127.0.0.1", 0), ("127.0.0.2", 0), ("127.0.0.1", 0)]
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in both]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **more: found)
    opened = listen("name", 0)
    assert [each.getsockname()[0] for each in opened] == ["127.0.0.1", "127.0.0.2"]
    for each in opened:
        each.close()


def test_what_is_refused_again_and_again_before_the_server_is_ready_ends_everything(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    def start(
        command: str, environment: dict[str, str], listeners: Sequence[socket.socket]
    ) -> "subprocess.Popen[bytes]":
        started.append(command)
        return subprocess.Popen(["sh", "-c", "exit 2"] if command == "serve" else ["sleep", "60"])

    monkeypatch.setattr(processes, "start", start)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with pytest.raises(CannotRun, match="billow did not start"):
            processes.supervise(
                ["serve", "work"], {"BILLOW_DATABASE_URL": app.db.url}, ready=threading.Event()
            )
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert started.count("work") == 1 and started.count("serve") == processes.REFUSALS


def test_an_archive_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotRun, match="BILLOW_WAL_ARCHIVE"):
        wal.require_writable(tmp_path / "file" / "archive")
    wal.require_writable(tmp_path / "archive")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (-9, "the worker was killed by signal 9 (SIGKILL)"),
        (-15, "the worker was killed by signal 15 (SIGTERM)"),
        (-64, "the worker was killed by signal 64"),
        (2, "the worker ended with status 2"),
    ],
)
def test_how_a_process_ended_is_said_in_words(status: int, said: str) -> None:
    assert ending("work", status).startswith(said)


def test_nothing_is_started_again_while_the_database_is_away(
    app: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each would end at once and be started again, with two lines in the log every time."""
    answers = iter([False, False, True])
    started: list[str] = []

    def start(
        command: str, environment: dict[str, str], listeners: Sequence[socket.socket]
    ) -> "subprocess.Popen[bytes]":
        started.append(command)
        return subprocess.Popen(["sleep", "60"] if len(started) > 1 else ["false"])

    def answered(url: str) -> bool:
        known = next(answers, None)
        if known is None or known:
            threading.Timer(1, os.kill, (os.getpid(), signal.SIGTERM)).start()
        return bool(known)

    monkeypatch.setattr(processes, "start", start)
    monkeypatch.setattr(processes, "answers", answered)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        processes.supervise(["work"], {"BILLOW_DATABASE_URL": app.db.url})
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert started == ["work", "work"] and next(answers, None) is None
    assert [record.message for record in caplog.records] == [
        "the worker ended with status 1 and is started again"
    ]


SAID = """pg_receivewal: error: could not receive data from WAL stream: server closed the connection
\tThis probably means the server terminated abnormally
\tbefore or while processing the request.
pg_receivewal: error: disconnected
pg_receivewal: not renaming "000000010000000000000001.partial", segment is not complete
"""


def test_what_the_archiver_says_is_one_line_for_each_thing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        for line in SAID.splitlines():
            wal.pass_on(line.strip())
    assert [record.message for record in caplog.records] == [
        "the archive of the log: could not receive data from WAL stream: server closed the connection",
        "the archive of the log stops; it continues in the same segment at the next start",
    ]
