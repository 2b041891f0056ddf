"""A whole installation for a test: `billow up` in its own processes, on its own database."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from billow import app as application
from billow import settings
from billow.app import App
from billow.store import migrate
from billow.store.ids import secret

READY_SECONDS = 60


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def new_database(server_url: str) -> str:
    """Create an empty database on the server, on which no worker of another test runs."""
    name = f"billow_{secret('', 12).lower()}"
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


@contextmanager
def running_installation(
    database: str, folder: Path, output: int | None = None, **more: str
) -> Iterator[tuple[App, str]]:
    """Migrate a database and run `billow up` on it; yield the app, to create accounts with, and the URL.

    The processes print and log to the file `log`, or to the descriptor `output`.
    """
    port = free_port()
    given = {
        "BILLOW_DATABASE_URL": database,
        "BILLOW_DATA": str(folder),
        "BILLOW_PORT": str(port),
        "BILLOW_LOG_LEVEL": "error",
        "BILLOW_RATE_LIMIT_TEST": "0",
        "BILLOW_WEBHOOK_ALLOW_PRIVATE": "127.0.0.0/8",
        **more,
    }
    migrate.migrate(database)
    built = application.build(settings.load(given), database)
    root = str(Path(__file__).parents[2])
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "billow", "up"],
            env={**os.environ, "PYTHONPATH": root, **given},
            stdout=log if output is None else output,
            stderr=log if output is None else output,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _await(url, process, folder / "log")
        yield built, url
    finally:
        process.terminate()
        process.wait(60)
        built.close()


def _await(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=5).close()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
