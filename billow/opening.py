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


@contextmanager
def database(read: Settings) -> Iterator[str]:
    """Yield the URL of the database: another server's, or the embedded one, which stops with its last user.

    The embedded one is started again when it dies. If that fails, the command ends with the reason.
    """
    unfinished.refuse_folder(read.data)
    folder.close(read.data)
    if read.embedded is None:
        with psycopg.connect(read.database_url, autocommit=True) as conn:
            unfinished.refuse_database(conn)
        yield read.database_url
        return
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


@contextmanager
def open_installation(data: Path | None = None, account: str | None = None) -> Iterator[App]:
    """Yield the parts, built on a migrated database, for a command."""
    read = read_settings(data, account=account)
    with database(read) as url:
        migrations.migrate(url)
        built = application.build(read, url)
        try:
            yield built
        finally:
            built.close()
