"""The embedded PostgreSQL is killed, or cannot be started again: `billow up` mends it, or ends and says why.

BILLOW_CRASHES makes the run of crashes longer.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.test_kill import KEY, Installation, free_port

QUICK_TO_GIVE_UP = """
from billow.store import restart

restart.GIVE_UP_SECONDS = 2.0
"""


@pytest.fixture
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    yield from started(tmp_path_factory, "")


@pytest.fixture
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    yield from started(tmp_path_factory, QUICK_TO_GIVE_UP)


def started(
    tmp_path_factory: pytest.TempPathFactory, patch: str, folder: Path | None = None, **more: str
) -> Iterator[Installation]:
    """`billow up` in a folder of its own, whose processes find the patch first."""
    # Not pytest's tmp_path: its parents are closed to other users, and as root postgres is another user.
    folder = folder or Path(tempfile.mkdtemp(prefix="billow-dies-"))
    patches = tmp_path_factory.mktemp("patches")
    (patches / "sitecustomize.py").write_text(patch)
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "BILLOW_TEST_KEY": KEY, "BILLOW_LOG_LEVEL": "warning",
                   "PYTHONPATH": os.pathsep.join([str(patches), root]), **more}  # fmt: skip
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
