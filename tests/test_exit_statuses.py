"""Does every command end with status 2 and one line when its settings are wrong, and soon?"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from billow.store import migrate
from tests.support.installation import free_port, new_database

ROOT = str(Path(__file__).parents[1])
SECONDS = 60
START = "from billow import __main__, processes; {}; __main__.main()"
UNCHECKED = START.format("processes.require_port = lambda host, port: None")
"""A server that learns only from its own attempt that the port is taken: another was a moment faster."""


@pytest.fixture(scope="module")
def database(server_url: str) -> str:
    found = new_database(server_url)
    migrate.migrate(found)
    return found


def ended(folder: Path, *words: str, program: str = START.format("pass"), **more: str) -> tuple[int, str]:
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


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_whose_port_was_taken_a_moment_before(
    database: str, tmp_path: Path, taken: int, workers: str
) -> None:
    """It ended with 3, the status of the HTTP server that is inside of it."""
    more = {"BILLOW_DATABASE_URL": database, "BILLOW_PORT": str(taken), "BILLOW_WORKERS": workers}
    status, said = ended(tmp_path, "serve", program=UNCHECKED, **more)
    assert status == 2 and f"billow: BILLOW_PORT={taken}" in said, said
    assert "address already in use" in said.lower()


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
