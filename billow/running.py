"""The commands that run billow: everything, or one part of it alone."""

import asyncio
import os
import threading
from typing import Annotated

import typer

from billow import app as application
from billow import processes
from billow.app import App
from billow.flows.operators import invitations
from billow.listening import inherited, listen, on_ready, reachable, url_of
from billow.opening import database, read_settings, require_cluster
from billow.pages.dashboard.entrance import WELCOME
from billow.proxy import certificates
from billow.proxy.forward import Proxy
from billow.settings import BadSetting, Settings
from billow.store import folder, wal
from billow.store import migrate as migrations
from billow.store.clocks import utc_now
from billow.streams import detach
from billow.terminal import Data, Host, Port, say, tell_first_owner, tell_new_key

PROXY = "127.0.0.2"
"""An address of this machine that no other server listens on, so that its port 443 is free."""


def up(data: Data = None, port: Port = None, host: Host = None) -> None:
    """Run everything: the database, migrations, the API server and a worker. SIGTERM stops all of it."""
    detach()
    read = read_settings(data, port, host)
    listeners = listen(read.host, read.port)
    with database(read, new=True) as url:
        processes.require_connections(url, read.workers, 1, application.pool_size(read))
        if read.embedded and read.wal_archive:
            wal.require_writable(read.wal_archive)
        migrations.migrate(url)
        prepare(read, url, invites=True)
        if read.embedded and not read.wal_archive:
            wal.drop_slot(url)
        archive = ["archive"] if read.embedded and read.wal_archive else []
        say(f"billow starts at {url_of(read.host, read.port)}")
        ready = announced(read)
        processes.supervise(["serve", "work", *archive], {"BILLOW_DATABASE_URL": url}, listeners, ready)


def announced(read: Settings) -> threading.Event:
    """Say where billow answers as soon as it does."""
    words = f"billow answers at {url_of(read.host, read.port)}"
    return on_ready(read.host, read.port, lambda: say(words))


def prepare(read: Settings, url: str, *, invites: bool = False) -> None:
    """Build the application once, so that a wrong setting ends the command before it starts processes.

    With `invites` the dashboard's first owner gets a link, while there is nobody who could sign in.
    """
    built = application.build(read, url)
    try:
        token = first_token(built) if invites else None
    finally:
        built.close()
    tell_new_key(built.new_key)
    tell_first_owner(f"{read.base_url}{WELCOME}/{token}" if token else None)


def first_token(built: App) -> str | None:
    with built.db.connection() as conn, conn.transaction():
        return invitations.first_token(conn, built.account, built.db.wall())


def serve(data: Data = None, port: Port = None, host: Host = None) -> None:
    """Run the API server alone. Any number of servers can share one database."""
    detach()
    read = read_settings(data, port, host)
    handed = inherited(os.environ)
    listeners = handed or listen(read.host, read.port)
    with database(read) as url:
        processes.require_connections(url, read.workers, 0, application.pool_size(read))
        prepare(read, url, invites=not handed)  # `up` has told it before it handed us its sockets
        os.environ["BILLOW_DATABASE_URL"] = url
        if not handed:
            announced(read)
        processes.serve(listeners, read.workers, [str(network) for network in read.proxies])


def work(data: Data = None) -> None:
    """Run a worker alone. Any number of workers can share one database."""
    detach()
    read = read_settings(data)
    with database(read) as url:
        built = application.build(read, url)
        processes.work(built.db)
        built.close()


def migrate(data: Data = None) -> None:
    """Migrate the database to this version of billow. There is no way back."""
    with database(read_settings(data), new=True) as url:
        done = migrations.migrate(url)
    for name in done or ["The database is up to date."]:
        say(name)


def archive(data: Data = None) -> None:
    """Copy the database's log into BILLOW_WAL_ARCHIVE as it is written. `billow up` runs this by itself."""
    detach()
    read = read_settings(data)
    if read.wal_archive is None:
        raise BadSetting("BILLOW_WAL_ARCHIVE is empty: there is no folder to archive the log in.")
    with database(read) as url:
        raise typer.Exit(wal.stream(url, read.wal_archive, processes.die_with_parent))


def proxy(
    data: Data = None,
    port: Port = None,
    host: Host = None,
    listen_on: Annotated[str, typer.Option("--listen", help="Address of this machine to listen on.")] = PROXY,
    tls_port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 443,
) -> None:
    """Serve Stripe's names over TLS on this machine, for clients with a fixed address, from billow."""
    detach()
    read = read_settings(data, port, host)
    require_cluster(read)
    listeners = listen(listen_on, tls_port, "--tls-port")
    folder.close(read.data)
    files = certificates.prepare(read.data, utc_now())

    def told() -> None:
        say(f"billow proxy answers at {listen_on}:{tls_port} and forwards to {url_of(read.host, read.port)}")
        say(f"in /etc/hosts of the client: {listen_on} {' '.join(certificates.NAMES)}")
        say(f"for the client to trust: {files.authority}")

    forward = Proxy(reachable(read.host), read.port)
    asyncio.run(forward.serve(listeners, files.server, told))


COMMANDS = (up, serve, work, migrate, archive, proxy)
"""In the order in which the help lists them."""
