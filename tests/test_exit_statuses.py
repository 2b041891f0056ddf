"""Does every command end with status 2 and one line when its settings are wrong, and soon?"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from billow.listening import is_ready
from billow.store import migrate
from tests.support.installation import free_port, new_database

ROOT = str(Path(__file__).parents[1])
SECONDS = 60
START = "from billow import __main__; __main__.main()"


@pytest.fixture(scope="module")
def database(server_url: str) -> str:
    found = new_database(server_url)
    migrate.migrate(found)
    return found


def ended(folder: Path, *words: str, program: str = START, **more: str) -> tuple[int, str]:
    """How `billow` ended, and what it said; that it goes on for ever is a failure."""
    given = {"BILLOW_DATA": str(folder), "BILLOW_PORT": str(free_port()), "PYTHONPATH": ROOT, **more}
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield int(other.getsockname()[1])


@pytest.mark.parametrize("command", ["up", "serve"])
def test_a_port_that_another_program_has_is_refused_and_nothing_is_made(
    tmp_path: Path, taken: int, command: str
) -> None:
    """It said "billow answers at", and went on for ever."""
    more = {"BILLOW_DATABASE_URL": "", "BILLOW_PORT": str(taken)}
    status, said = ended(tmp_path / "data", command, **more)
    assert status == 2 and f"billow: BILLOW_PORT={taken}" in said, said
    assert "address already in use" in said.lower() and "answers" not in said and "starts" not in said
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_of_two_that_start_on_one_port_at_once_one_is_refused(
    server_url: str, tmp_path: Path, workers: str
) -> None:
    """Both passed the check, as neither listened yet; the slower one was then started again for ever."""
    port, processes = free_port(), []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        given = {
            "BILLOW_DATA": str(tmp_path / name),
            "BILLOW_DATABASE_URL": new_database(server_url),
            "BILLOW_PORT": str(port),
            "BILLOW_WORKERS": workers,
            "PYTHONPATH": ROOT,
        }
        with (tmp_path / name / "log").open("wb") as log:
            command = [sys.executable, "-m", "billow", "up"]
            processes.append(subprocess.Popen(command, env={**os.environ, **given}, stdout=log, stderr=log))
    try:
        deadline = time.monotonic() + SECONDS
        while not (refused := [each for each in processes if each.poll() is not None]):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        [serving] = set(processes) - set(refused)
        assert [each.returncode for each in refused] == [2]
        while not is_ready("127.0.0.1", port):
            assert serving.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(1)
        logs = sorted((tmp_path / name / "log").read_text() for name in ("first", "second"))
        assert sum(f"billow answers at http://127.0.0.1:{port}" in said for said in logs) == 1, logs
        assert sum("Address already in use" in said for said in logs) == 1, logs
        assert not any("started again" in said for said in logs), logs
    finally:
        for each in processes:
            each.terminate()
            each.wait(SECONDS)


def test_up_says_that_it_answers_when_it_does_and_not_before(database: str, tmp_path: Path) -> None:
    port = free_port()
    given = {
        "BILLOW_DATA": str(tmp_path),
        "BILLOW_DATABASE_URL": database,
        "BILLOW_PORT": str(port),
        "PYTHONPATH": ROOT,
    }
    command = [sys.executable, "-m", "billow", "up"]
    with subprocess.Popen(command, env={**os.environ, **given}, stdout=subprocess.PIPE, text=True) as up:
        try:
            lines = iter(up.stdout or [])
            assert any(line == f"billow starts at http://127.0.0.1:{port}\n" for line in lines)
            assert next(lines) == f"billow answers at http://127.0.0.1:{port}\n"
            assert is_ready("127.0.0.1", port)
        finally:
            up.terminate()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_of_an_account_that_is_not_there(database: str, tmp_path: Path, workers: str) -> None:
    """Two server processes were started again and again, for ever, each with a traceback."""
    more = {"BILLOW_DATABASE_URL": database, "BILLOW_ACCOUNT": "acct_none", "BILLOW_WORKERS": workers}
    status, said = ended(tmp_path, "serve", **more)
    assert status == 2 and "billow: There is no account acct_none" in said, said


@pytest.fixture(scope="module")
def empty(server_url: str) -> str:
    return new_database(server_url)


@pytest.mark.parametrize("command", ["serve", "work"])
def test_a_database_that_is_not_migrated(empty: str, tmp_path: Path, command: str) -> None:
    """It ended with a traceback, or not at all."""
    more = {"BILLOW_DATABASE_URL": empty, "BILLOW_WORKERS": "2"}
    status, said = ended(tmp_path, command, **more)
    assert status == 2 and "run `billow migrate` first" in said


@pytest.mark.parametrize("command", ["up", "serve"])
def test_an_address_that_cannot_be_listened_on(database: str, tmp_path: Path, command: str) -> None:
    """An IPv4 address in the form of an IPv6 one: it passed the check, and `up` began again for ever."""
    more = {"BILLOW_DATABASE_URL": database, "BILLOW_HOST": "::ffff:127.0.0.1"}
    status, said = ended(tmp_path, command, **more)
    assert status == 2 and "cannot be listened on" in said, said


@pytest.mark.parametrize("command", ["work", "serve"])
def test_a_process_of_a_folder_without_a_database_makes_none(tmp_path: Path, command: str) -> None:
    status, said = ended(tmp_path / "mistyped", command, BILLOW_DATABASE_URL="")
    assert status == 1 and "holds no database of billow" in said, said
    assert not (tmp_path / "mistyped").exists()


@pytest.mark.parametrize("command", ["up", "serve", "work"])
def test_a_process_whose_database_cannot_be_reached(tmp_path: Path, command: str) -> None:
    away = f"postgresql://billow@127.0.0.1:{free_port()}/billow"
    status, said = ended(tmp_path, command, BILLOW_DATABASE_URL=away)
    assert status == 2 and said.count("\n") == 1, said
    assert said.startswith("billow: the database cannot be reached: "), said
