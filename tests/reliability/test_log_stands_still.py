"""Where the log goes stands still: does the system go on, and does the log say what is missing from it?"""

import errno
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from billow import streams
from billow.app import App
from tests.conftest import Api, new_caller
from tests.support.installation import new_database, running_installation
from tests.support.raw_client import form, head, send_request
from tests.support.webhook_receivers import eventually

CUSTOMERS = "/v1/customers"
WITHIN = 1.0
"""Seconds within which every request is answered."""
#: Each process of the installation finds this first: whoever begins a transaction writes to the log.
TALKATIVE = """
import itertools, logging
from billow.store.tx import Database

begin, numbers = Database.transaction, itertools.count()

def transaction(self, *args, **more):
    for _ in range(40):
        logging.getLogger("billow.test").error("entry %s %s", next(numbers), 150 * "x")
    return begin(self, *args, **more)

Database.transaction = transaction
"""


class Pipe:
    """What the processes write to; the test reads it, or does not."""

    def __init__(self) -> None:
        self.outlet, self.inlet = os.pipe()
        self.text = b""

    def __enter__(self) -> "Pipe":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.outlet)
        os.close(self.inlet)

    def fill(self) -> None:
        """Leave no room in it. Our own description of it does not block, theirs does."""
        own = os.open(f"/proc/self/fd/{self.inlet}", os.O_WRONLY | os.O_NONBLOCK)
        try:
            while True:
                os.write(own, b"\n")
        except BlockingIOError:
            os.close(own)

    @contextmanager
    def read(self) -> Iterator[None]:
        """Take what comes, for as long as this lasts."""
        enough = threading.Event()

        def take() -> None:
            while not enough.is_set():
                if select.select([self.outlet], [], [], 0.05)[0]:
                    self.text += os.read(self.outlet, 1 << 16)

        reader = threading.Thread(target=take)
        reader.start()
        try:
            yield
        finally:
            enough.set()
            reader.join()


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's tmp_path: its parents are closed to other users, and as root postgres is another user.
    found = Path(tempfile.mkdtemp(prefix="billow-log-"))
    yield found
    shutil.rmtree(found, ignore_errors=True)


def slowest(url: str, api: Api, count: int) -> float:
    """Ask so often; the longest wait for an answer."""
    found = [send_request(url, head("GET", CUSTOMERS, api.key), timeout=5) for _ in range(count)]
    assert [answer[0] for answer in found] == [200] * count
    return max(answer[3] for answer in found)


def said_missing(text: bytes) -> int:
    """How many entries the log says that it lacks."""
    return sum(int(number) for number in re.findall(rb"(\d+) entries of the log were dropped", text))


def worker_goes_on(app: App, url: str, api: Api) -> bool:
    """Whether the worker has numbered the event of a new customer in ten seconds."""
    assert send_request(url, b"".join(form(CUSTOMERS, api.key, {"name": "Ann"})), timeout=5)[0] == 200
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with app.db.transaction(api.tenant) as tx:
            [(told, numbered)] = tx.tuples("select count(*), count(sequence) from events")
        if told == numbered == 1:
            return True
        time.sleep(0.1)
    return False


def test_requests_and_jobs_go_on_while_nobody_reads_the_log(
    server_url: str, folder: Path, tmp_path: Path
) -> None:
    """F39: requests of 40 entries each fill the pipe and the queue; what is missing is told afterwards."""
    (tmp_path / "sitecustomize.py").write_text(TALKATIVE)
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    with Pipe() as pipe, ExitStack() as stack:
        with pipe.read():
            begun = running_installation(new_database(server_url), folder, pipe.inlet, PYTHONPATH=path)
            app, url = stack.enter_context(begun)
        api = new_caller(app)
        pipe.fill()
        longest = slowest(url, api, 100)
        assert longest < WITHIN, longest
        assert worker_goes_on(app, url, api)
        with pipe.read():
            eventually(lambda: said_missing(pipe.text) > 1000)
        print(f"{longest:.2f} s at most, {said_missing(pipe.text)} entries dropped")
        pipe.fill()
        began = time.monotonic()
        stack.close()
        assert time.monotonic() - began < 15, "a pipe that nobody reads does not hold up the end"


def test_a_full_disk_for_the_log_stops_nothing(server_url: str, folder: Path) -> None:
    """F39: every write of the log fails, from the first on."""
    with open("/dev/full", "wb") as full, ExitStack() as stack:
        app, url = stack.enter_context(running_installation(new_database(server_url), folder, full.fileno()))
        api = new_caller(app)
        assert slowest(url, api, 20) < WITHIN
        assert worker_goes_on(app, url, api)


# ------------------------------------------------------------------------------------- one process

BEGINNING = """
import logging, sys, threading
from billow import streams
from billow.app import App

streams.detach()
logging.basicConfig(format="%(message)s")
log = logging.getLogger("billow.test")
log.error("one")
"""


def run(program: str, output: int = subprocess.PIPE) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", BEGINNING + program]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=output)


@pytest.mark.parametrize(
    ("program", "last"),
    [
        ("log.error('two')\nraise RuntimeError('three')", "RuntimeError: three"),
        ("log.error('two')\nsys.exit('three')", "three"),
        (
            "log.error('two')\nsys.stderr.write('three, and')\nsys.stderr.write(' no end')",
            "three, and no end",
        ),
        ("log.error('two')\nthreading.Thread(target=lambda: log.error('three')).start()", "three"),
    ],
)
def test_the_last_words_of_a_process_are_written_in_order(program: str, last: str) -> None:
    lines = run(program).communicate(timeout=20)[1].decode().splitlines()
    assert lines[:2] == ["one", "two"] and lines[-1] == last


def test_a_process_ends_although_nobody_reads_its_last_words() -> None:
    with Pipe() as pipe:
        pipe.fill()
        began = time.monotonic()
        assert run("raise RuntimeError('two')", pipe.inlet).wait(20) == 1
        assert time.monotonic() - began < streams.PATIENCE + 5


def test_entries_keep_their_order_and_what_is_missing_is_told_in_its_place() -> None:
    """More entries than there is room for: whatever is read is in order, and no gap is untold."""
    count = 12_000
    with Pipe() as pipe:
        writer = streams.Writer(pipe.inlet)
        for number in range(count):
            writer.put(f"{number}\n")
            if number % 5000 == 4999:
                with pipe.read():
                    time.sleep(0.2)
        with pipe.read():
            assert writer.drained(10)
            eventually(lambda: pipe.text.endswith((b"took them\n", f"{count - 1}\n".encode())))
        follows = 0
        for line in pipe.text.decode().splitlines():
            missing = re.search(r"(\d+) entries of the log were dropped", line)
            assert missing or int(line) == follows, (line, follows)
            follows += int(missing[1]) if missing else 1
        assert follows == count and writer.dropped > 0


def test_an_entry_that_cannot_be_written_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fills up within an entry, and has space again two entries later."""
    taken, full = b"", False

    def write(descriptor: int, data: bytes) -> int:
        nonlocal taken
        if full and not taken.endswith(b"tw"):
            taken += b"tw"
            return 2
        if full:
            raise OSError(errno.ENOSPC, "full")
        taken += data
        return len(data)

    with Pipe() as pipe:
        monkeypatch.setattr(os, "write", write)
        writer = streams.Writer(pipe.inlet)
        for text in ("one\n", "two\n", "three\n", "four\n"):
            full = text in ("two\n", "three\n")
            writer.put(text)
            assert writer.drained(5)
    lines = taken.decode().splitlines()
    assert lines[:2] == ["one", "tw"] and lines[3] == "four"
    assert "2 entries of the log were dropped" in lines[2] and writer.dropped == 2
