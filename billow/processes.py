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
from billow.listening import BACKLOG, handed_over
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
KEEP_ALIVE = 30
"""Seconds that a connection may wait for its next request."""
REFUSED = 2
"""The status with which a command ends that cannot do what it is asked; it said why."""
REFUSALS = 3
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


def supervise(
    commands: list[str],
    environment: dict[str, str],
    listeners: Sequence[socket.socket] = (),
    ready: threading.Event | None = None,
) -> None:
    """Run `billow COMMAND` for each, start again what dies, and stop all of them on SIGTERM or Ctrl-C.

    The server gets the listening sockets. What is refused `REFUSALS` times before the server is `ready`
    would be refused for ever: everything is stopped, and the error says so.
    """
    stopping, refusals = threading.Event(), 0
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    running = {command: start(command, environment, listeners) for command in commands}
    ended: set[str] = set()
    while refusals < REFUSALS and not stopping.wait(0.2):
        for command, process in running.items():
            if process.poll() is not None and command not in ended:
                log.warning("%s and is started again", ending(command, process.returncode))
                ended.add(command)
        if ended and not stopping.wait(0.5) and answers(environment["BILLOW_DATABASE_URL"]):
            # Without the database each of them would end at once, and say so in the log every time.
            if ready and not ready.is_set():
                refusals += sum(running[command].returncode == REFUSED for command in ended)
            if refusals < REFUSALS:
                running |= {command: start(command, environment, listeners) for command in ended}
            ended.clear()
    for listener in listeners:
        listener.close()  # so that no connection waits here for a server that has stopped
    stop(running)
    if refusals >= REFUSALS:
        raise CannotRun("billow did not start: the same command was refused again and again, as said above.")


def stop(running: dict[str, "subprocess.Popen[bytes]"]) -> None:
    """Stop processes in order; kill what has not ended after `PATIENCE` seconds."""
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


def start(
    command: str, environment: dict[str, str], listeners: Sequence[socket.socket] = ()
) -> "subprocess.Popen[bytes]":
    handed = listeners if command == "serve" else ()
    # In a session of its own: Ctrl-C reaches us, and we stop them in order. With -P a folder `billow` in the
    # current one, such as a clone, is not taken for the package.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "billow", command],
        env={**os.environ, **environment, **handed_over(handed)},
        start_new_session=True,
        pass_fds=[sock.fileno() for sock in handed],
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


def serve(listeners: list[socket.socket], workers: int, proxies: Sequence[str]) -> None:
    """Serve the API at these sockets with uvicorn until SIGTERM; current requests are answered first."""
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from billow.api.connection import Connection

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn stops in order, and then raises the signal again
    config = uvicorn.Config(
        "billow.processes:asgi",
        factory=True,
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
    if workers == 1:
        uvicorn.Server(config).run(listeners)
        return
    for sock in listeners:
        sock.set_inheritable(True)
    Multiprocess(config, listeners).run()


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
