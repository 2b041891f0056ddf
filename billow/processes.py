"""Start and supervise the processes of an installation: servers and a worker."""

import ctypes
import gc
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

import psycopg

from billow import app as application
from billow.api.front import Front
from billow.flows.platform import missing_timers
from billow.store import backlog
from billow.store.embedded import CannotRun
from billow.store.tx import Database
from billow.store.work import Worker
from billow.streams import detach

log = logging.getLogger("billow.processes")

PATIENCE = 25
"""Seconds that a process may take to finish its current work."""
NICE = 5
"""The nice value of a worker, so that requests have priority where cores are short."""
PR_SET_PDEATHSIG = 1
BACKLOG = 1024
"""Connections that wait until a server process takes them."""
KEEP_ALIVE = 30
"""Seconds that a connection may wait for its next request."""
COMMANDS = 4
"""Database connections that are kept for commands such as `billow report`."""
COLLECT = 10_000
"""Objects that are made and kept between two collections of garbage; Python's own choice is 700."""
FILES = 4096
"""Files and connections that a server process may have open."""


def die_with_parent() -> None:
    """Ask the kernel for SIGTERM when our parent dies in any way, so that none is left behind (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def end_in_order() -> None:
    """Let SIGTERM end a command as Ctrl-C does: it undoes what it has begun and stops what it started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def supervise(commands: list[str], environment: dict[str, str]) -> None:
    """Run `billow COMMAND` for each, start again what dies, and stop all of them on SIGTERM or Ctrl-C."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    running = {command: start(command, environment) for command in commands}
    ended: set[str] = set()
    while not stopping.wait(0.2):
        for command, process in running.items():
            if process.poll() is not None and command not in ended:
                log.warning("%s and is started again", ending(command, process.returncode))
                ended.add(command)
        if ended and not stopping.wait(0.5) and answers(environment["BILLOW_DATABASE_URL"]):
            # Without the database each of them would end at once, and say so in the log every time.
            running |= {command: start(command, environment) for command in ended}
            ended.clear()
    for process in running.values():
        process.terminate()
    deadline = time.monotonic() + PATIENCE
    for command, process in running.items():
        try:
            process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            log.error("%s did not stop in %s s and is killed", NAMES.get(command, command), PATIENCE)
            process.kill()
            process.wait()


NAMES = {"serve": "the server", "work": "the worker", "archive": "the archive of the log"}


def ending(command: str, status: int) -> str:
    """Say how a process ended.

    >>> ending("work", -9), ending("serve", 2)
    ('the worker was killed by signal 9 (SIGKILL)', 'the server ended with status 2')
    """
    name = NAMES.get(command, command)
    if status >= 0:
        return f"{name} ended with status {status}"
    try:
        known = f" ({signal.Signals(-status).name})"
    except ValueError:
        known = ""
    return f"{name} was killed by signal {-status}{known}"


def answers(url: str) -> bool:
    """Return whether the database accepts connections."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def start(command: str, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    # In a session of its own: Ctrl-C reaches us, and we stop them in order.
    return subprocess.Popen(
        [sys.executable, "-m", "billow", command],
        env={**os.environ, **environment},
        start_new_session=True,
        preexec_fn=die_with_parent,
    )


def require_connections(url: str, servers: int, workers: int, each: int) -> None:
    """Refuse to start processes that need more connections than the database has; the error has the sum."""
    names = ("max_connections", "superuser_reserved_connections")
    with psycopg.connect(url) as conn:
        rows = [conn.execute("select current_setting(%s)::int", (name,)).fetchone() for name in names]
    most, reserved = (int(row[0]) if row else 0 for row in rows)
    parts = {
        f"for {servers} server processes of {each}": servers * each,
        f"for {workers} worker": workers * each,
        "reserved by the database": reserved,
        "kept for commands": COMMANDS,
    }
    wanted = sum(parts.values())
    if wanted > most:
        told = " + ".join(f"{count} {what}" for what, count in parts.items() if count)
        raise CannotRun(
            f"{told} = {wanted} connections, and the database allows {most}:"
            " lower BILLOW_WORKERS or BILLOW_THREADS, or raise its max_connections."
        )


def require_port(host: str, port: int) -> None:
    """Refuse to start if another program uses the port; the server would otherwise be restarted forever."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as found:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:  # as the server sets it
                found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            found.bind((host, port))
    except OSError as error:
        said = f"{host}:{port} cannot be listened on: {error.strerror}"
        raise CannotRun(f"BILLOW_PORT={port}: {said}") from None


def serve(host: str, port: int, workers: int, proxies: Sequence[str]) -> None:
    """Serve the API with uvicorn until SIGTERM; current requests are answered first."""
    import uvicorn
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.supervisors import Multiprocess

    from billow.api.connection import Connection

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn stops in order, and then raises the signal again
    config = uvicorn.Config(
        "billow.processes:asgi",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=logging.ERROR,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=list(proxies),
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=PATIENCE - 5,
        timeout_worker_healthcheck=30,
    )
    refused = CannotRun(f"BILLOW_PORT={port}: no server started at {host}:{port}; the log says why.")
    try:
        if workers == 1:
            return uvicorn.Server(config).run()
        several = Multiprocess(config, [config.bind_socket()])
        several.run()
    except SystemExit as ended:
        if ended.code != STARTUP_FAILURE:
            raise
        raise refused from None
    if any(process.exitcode == STARTUP_FAILURE for process in several.processes):
        raise refused


def asgi() -> Front:
    """Return the application to uvicorn in a server process, which ends with the process that started it."""
    detach()
    die_with_parent()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, FILES) if most > 0 else FILES, most))
    front = application.asgi()
    spare_the_collector()
    return front


def spare_the_collector() -> None:
    """Keep the program itself out of garbage collection, and collect less often.

    What is loaded now lives as long as the process; requests leave few cycles behind.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT)


def work(db: Database) -> None:
    """Run due jobs until SIGTERM or Ctrl-C, after servers' requests; the current batch is finished."""
    os.nice(NICE)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with db.connection() as conn:
        missing_timers.plan(conn, db.wall())
    log_parked_jobs(db)
    worker = Worker(db)
    worker.start()
    stopping.wait()
    worker.stop(PATIENCE - 5)


def log_parked_jobs(db: Database) -> None:
    """Log how many jobs were given up, so that the operator who starts the system sees it."""
    with db.connection() as conn:
        found = backlog.parked(conn)
    if found:
        kinds = ", ".join(f"{kind} {count}" for kind, count in found.items())
        log.warning("%s jobs were given up: %s. See `billow jobs --parked`.", found.total(), kinds)
