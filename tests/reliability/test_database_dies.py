"""The embedded PostgreSQL is killed, or cannot be started again: `billow up` mends it, or ends and says why.

BILLOW_CRASHES makes the run of crashes longer.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from billow.app import App
from billow.core.errors import Refused
from billow.store import work
from billow.store.disk import MB, Disk, free_bytes
from billow.store.ids import secret
from tests.reliability.test_kill import KEY, Installation, free_port, wait

DISK_MB = 320

QUICK_TO_GIVE_UP = """
from billow.store import restart

restart.GIVE_UP_SECONDS = 2.0
"""


@pytest.fixture
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with started(tmp_path_factory, "") as made:
        yield made


@pytest.fixture
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with started(tmp_path_factory, QUICK_TO_GIVE_UP) as made:
        yield made


@contextlib.contextmanager
def started(
    tmp_path_factory: pytest.TempPathFactory, patch: str, folder: Path | None = None, **more: str
) -> Iterator[Installation]:
    """`billow up` in a folder of its own, whose processes find the patch first."""
    # Not pytest's tmp_path: its parents are closed to other users, and as root postgres is another user.
    folder = folder or Path(tempfile.mkdtemp(prefix="billow-dies-"))
    patches = tmp_path_factory.mktemp("patches")
    (patches / "sitecustomize.py").write_text(patch)
    root = str(Path(__file__).parents[2])
    environment = {
        **os.environ,
        "BILLOW_TEST_KEY": KEY,
        "BILLOW_LOG_LEVEL": "warning",
        "PYTHONPATH": os.pathsep.join([str(patches), root]),
        **more,
    }
    port = free_port()
    command = [sys.executable, "-m", "billow", "up", "--data", str(folder), "--port", str(port)]
    log = patches / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=environment, stdout=stream, stderr=stream)
    made = Installation(folder, port, process)
    try:
        made.insist("GET", "/v1/customers")
        yield made
    finally:
        made.stop()
        print(log.read_text(errors="replace")[-4000:])
        shutil.rmtree(folder, ignore_errors=True)


def postmaster(made: Installation) -> int:
    return int((made.data / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0])


def seconds_until_answered(made: Installation, number: int) -> float:
    began = time.monotonic()
    made.post("/v1/customers", f"after {number}", name=f"after {number}")
    made.insist("GET", "/v1/customers")
    return time.monotonic() - began


def test_a_killed_postmaster_is_started_again_and_again(up: Installation) -> None:
    up.post("/v1/customers", "before", name="before")
    taken = []
    for number in range(2):
        os.kill(postmaster(up), signal.SIGKILL)
        taken.append(seconds_until_answered(up, number))
    print(f"answered after {[f'{seconds:.1f} s' for seconds in taken]}")
    assert max(taken) < 15
    page = up.insist("GET", "/v1/customers", limit=100)
    assert page is not None
    assert sorted(customer["name"] for customer in page["data"]) == ["after 0", "after 1", "before"]
    assert up.process.poll() is None


def test_up_ends_with_a_reason_when_postgresql_cannot_be_started_again(impatient: Installation) -> None:
    control = impatient.data / "postgres" / "cluster" / "global" / "pg_control"
    control.rename(control.with_suffix(".away"))
    os.kill(postmaster(impatient), signal.SIGKILL)
    assert impatient.process.wait(40) == 2


# ------------------------------------------------------------------------------------- a full disk


@pytest.fixture
def small_disk() -> Iterator[Path | None]:
    """A file system of its own, small enough to be filled; None where we may not mount one."""
    folder = Path(tempfile.mkdtemp(prefix="billow-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0755", "billow", str(folder)]
    mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    yield folder if mounted else None
    if mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.rmdir()


def fill(folder: Path, leave_mb: int) -> Path:
    """Occupy what is free, but for some megabytes; to the last page where none are left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while not leave_mb or free_bytes(folder) > leave_mb * MB:
            stream.write(b"x" * (MB if leave_mb or free_bytes(folder) > MB else 4096))
    return ballast


def test_a_disk_that_runs_full_stops_writing_before_postgresql_and_nothing_for_good(
    small_disk: Path | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if small_disk is None:
        print("simulated: no file system may be mounted here")
        return the_reserve_is_kept(tmp_path_factory.mktemp("disk"))
    print("a real tmpfs is filled")
    with started(tmp_path_factory, "", small_disk / "data", BILLOW_DISK_RESERVE_MB="40") as up:
        up.post("/v1/customers", "before", name="before")
        ballast = fill(small_disk, 30)
        wait(lambda: up.ask("POST", "/v1/customers", {"name": "refused"})[0] == 503, "writes are refused", 5)
        status, refused = up.ask("POST", "/v1/customers", {"name": "refused"})
        assert status == 503 and "less than the reserve of 40 MB" in refused["error"]["message"]
        assert up.ask("GET", "/v1/customers", {})[0] == 200
        status, ready = up.ask("GET", "/readyz", {})
        assert (status, ready["status"]) == (200, "ready") and "reserve" in ready["writes"]
        ballast.unlink()
        wait(lambda: up.ask("POST", "/v1/customers", {"name": "after"})[0] == 200, "writes go on", 5)
        assert "writes" not in up.ask("GET", "/readyz", {})[1]


def test_postgresql_stopped_by_a_full_disk_comes_back_with_the_space(
    small_disk: Path | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if small_disk is None:
        print("simulated: tests/api/test_unavailable.py raises 53100")
        return
    with started(tmp_path_factory, "", small_disk / "data", BILLOW_DISK_RESERVE_MB="0") as up:
        up.post("/v1/customers", "before", name="before")
        ballast = fill(small_disk, 0)
        told = set()
        for number in range(30):  # until its log needs another file, or a table a page
            noise = {f"k{key}": secret("", 400) for key in range(40)}
            told.add(up.ask("POST", "/v1/customers", {"name": f"full {number}", "metadata": noise})[0])
        os.kill(postmaster(up), signal.SIGKILL)  # as it would end itself at its next checkpoint
        time.sleep(2)
        assert told <= {200, 503} and 503 in told, told
        ballast.unlink()
        print(f"written again {seconds_until_answered(up, 0):.1f} s after the space came back")
        page = up.insist("GET", "/v1/customers", limit=100)
        assert page and "before" in {customer["name"] for customer in page["data"]}
        assert up.process.poll() is None


def the_reserve_is_kept(folder: Path) -> None:
    """Where no file system can be filled: what the file system answers is told instead."""
    left = [50 * MB]
    disk = Disk(folder, 40, free=lambda _: left[0])
    assert disk.low() is None
    left[0] = 30 * MB
    wait(lambda: disk.low() is not None, "it is low", 3)
    with pytest.raises(Refused, match="reserve of 40 MB"):
        disk.require_space()
    left[0] = 50 * MB
    wait(lambda: disk.low() is None, "it is well again", 3)


def test_the_reserve_is_kept(tmp_path: Path) -> None:
    the_reserve_is_kept(tmp_path)
    assert Disk(tmp_path, 0, free=lambda _: 0).low() is None


def test_a_worker_writes_nothing_while_the_disk_is_low(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr(work, "run_due", lambda *_, lane, **__: ran.append(lane) or 0)
    full = Disk(Path("/"), 1, free=lambda _: 0)
    worker = work.Worker(replace(app.db, disk=full))
    worker.start()
    time.sleep(0.5)
    assert ran == []
    worker.db.disk = Disk()
    wait(lambda: bool(ran), "the worker goes on", 5)
    worker.stop()
    worker.db.close()
