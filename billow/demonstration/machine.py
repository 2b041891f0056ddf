"""Run `billow up` for the demonstration, in its own folder and on its own port, and stop it afterwards."""

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from billow import processes
from billow.demonstration.client import Client
from billow.store.embedded import CannotRun, Embedded

HOST, PORT = "127.0.0.1", 8420
READY_SECONDS = 60
STOP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Machine:
    """A running billow: its folder, its client, and the environment of its commands."""

    folder: Path
    client: Client
    environment: dict[str, str]
    process: "subprocess.Popen[bytes]"

    def ask(self, *command: str) -> str:
        """Run `billow COMMAND` and return what it prints."""
        words = [sys.executable, "-m", "billow", *command]
        asked = subprocess.run(words, env=self.environment, capture_output=True, text=True, check=False)
        if asked.returncode:
            raise RuntimeError(f"billow {' '.join(command)} failed:\n{asked.stdout}{asked.stderr}")
        return asked.stdout

    def run(self, *command: str) -> None:
        """Run `billow COMMAND` in this terminal, with its own progress bar."""
        subprocess.run([sys.executable, "-m", "billow", *command], env=self.environment, check=True)


@contextmanager
def started(above: Path, settings: dict[str, str]) -> Iterator[Machine]:
    """Start a new billow in a folder below `above`, and leave no process however the block ends."""
    with own_folder(above) as folder:
        port, key = free_port(PORT), f"sk_test_{secrets.token_hex(16)}"
        environment = {
            **os.environ,
            **settings,
            "BILLOW_DATABASE_URL": "",
            "BILLOW_DATA": str(folder.absolute()),
            "BILLOW_HOST": HOST,
            "BILLOW_PORT": str(port),
            "BILLOW_TEST_KEY": key,
            "BILLOW_BASE_URL": "",
            "BILLOW_SMTP_URL": "",
            "BILLOW_PEPPER": "",
            "BILLOW_LOG_LEVEL": "warning",
        }
        log = folder / "billow.log"
        with log.open("ab") as output:
            # Its own session keeps Ctrl-C from it, so that we stop it in order; if we die, it is killed.
            process = subprocess.Popen(
                [sys.executable, "-m", "billow", "up"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=processes.die_with_parent,
            )
        try:
            client = Client(f"http://{HOST}:{port}", key)
            await_ready(client.url, process, log)
            yield Machine(folder, client, environment, process)
        finally:
            stop(process)


def await_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise CannotRun(f"billow did not start; {log} ends with:\n{log.read_text(errors='replace')[-2000:]}")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop the process in order. A second Ctrl-C is ignored, so that it finishes and flushes the disk."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process.terminate()
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def own_folder(above: Path) -> Iterator[Path]:
    """Yield an empty folder: demo-1, or demo-2 if that is in use, and so on."""
    above.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number in count(1):
        folder = above / f"demo-{number}"
        with (above / f"demo-{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if Embedded(folder / "postgres").running:
                continue
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            yield folder
            return


def free_port(first: int) -> int:
    """Return the first free port from `first` on."""
    for port in range(first, first + 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise CannotRun(f"No port from {first} to {first + 199} is free.")
