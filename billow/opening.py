"""Open an installation for a command: its settings, its database, its parts."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from billow import app as application
from billow import settings
from billow.app import App
from billow.settings import Settings
from billow.store import folder, unfinished
from billow.store import migrate as migrations
from billow.store.embedded import CannotRun, Embedded
from billow.store.restart import Restarter
from billow.store.tx import SCHEMA


def read_settings(
    data: Path | None = None, port: int | None = None, host: str | None = None, account: str | None = None
) -> Settings:
    """Read the settings; options override the environment, also for processes that we start."""
    given = {
        "BILLOW_DATA": data and data.absolute(),
        "BILLOW_PORT": port,
        "BILLOW_HOST": host,
        "BILLOW_ACCOUNT": account,
    }
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})
    os.umask(0o077)  # also of processes that we start: no other user may read what we write
    read = settings.load(os.environ)
    application.log(read)
    return read


class NoDatabase(RuntimeError):
    """There is no billow where a command looks for one; nothing was made."""


@contextmanager
def database(read: Settings, *, new: bool = False) -> Iterator[str]:
    """Yield the URL of the database: another server's, or the embedded one, which stops with its last user.

    The embedded one is started again when it dies. If that fails, the command ends with the reason. It is
    created where there is none only for a command that begins an installation (`new`).
    """
    unfinished.refuse_folder(read.data)
    if read.embedded is None:
        folder.close(read.data)
        with psycopg.connect(read.database_url, autocommit=True) as conn:
            unfinished.refuse_database(conn)
        yield read.database_url
        return
    if not new:
        require_cluster(read)
    folder.close(read.data)
    server = Embedded(read.embedded)
    server.start()
    restarter = Restarter(server, gave_up=lambda: os.kill(os.getpid(), signal.SIGTERM))
    restarter.start()
    try:
        unfinished.refuse_folder(read.data)  # a restore may have begun before our server was visible to it
        yield server.url
    finally:
        restarter.stop()
        server.stop()
    if restarter.failure:
        raise CannotRun(restarter.failure)


def require_cluster(read: Settings) -> None:
    """Refuse a folder that should hold the embedded database, and does not."""
    if read.embedded and not (read.embedded / "cluster").exists():
        raise NoDatabase(f"{read.data} holds no database of billow: `billow up` makes one. {NOTHING}")


NOTHING = "Nothing was made here."


@contextmanager
def open_installation(
    data: Path | None = None, account: str | None = None, *, new: bool = False
) -> Iterator[App]:
    """Yield the parts, built on a migrated database, for a command.

    A command that begins an installation (`new`) creates, migrates and seeds what is missing. Every other one
    is refused then, so that reading never changes an installation or makes one in a mistyped folder.
    """
    read = read_settings(data, account=account)
    with database(read, new=new) as url:
        if new:
            migrations.migrate(url)
        else:
            require_installation(url)
        built = application.build(read, url)
        try:
            yield built
        finally:
            built.close()


def require_installation(url: str) -> None:
    """Refuse a database without billow, of another version, or without an account."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"set search_path = {SCHEMA}")
        waiting = migrations.pending(conn)
        if len(waiting) == len(migrations.available()):
            raise NoDatabase(f"The database holds nothing of billow: `billow up` sets it up. {NOTHING}")
        if waiting:
            raise migrations.CannotMigrate(NOT_MIGRATED)
        if not conn.execute("select 1 from accounts limit 1").fetchone():
            raise NoDatabase(f"There is no account yet: `billow up` makes one and shows its key. {NOTHING}")


NOT_MIGRATED = "the database is not migrated to this version: run `billow migrate` first."
