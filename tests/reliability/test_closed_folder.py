"""Is the data folder closed to other users, from its making on and also where it was not?"""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from billow.store import folder as folders
from tests.reliability.test_kill import KEY
from tests.test_tidy import ROOT


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's tmp_path: its parents are closed to other users, and as root postgres is another user.
    path = Path(tempfile.mkdtemp(prefix="billow-closed-"))
    yield path
    shutil.rmtree(path)


def billow(data: Path, *words: str) -> None:
    """Run a command under the umask that most systems have."""
    command = [sys.executable, "-m", "billow", *words, "--data", str(data)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BILLOW_TEST_KEY": KEY}
    subprocess.run(command, env=environment, check=True, umask=0o022, stdout=subprocess.DEVNULL)


def open_to_others(data: Path) -> list[str]:
    """What others than the owner may touch; the database's user may pass through the folder itself."""
    found = []
    for path in (data, *data.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        passes = 0o010 if path == data and os.geteuid() == 0 else 0
        if mode & 0o077 & ~passes:
            found.append(f"{path.relative_to(data)} {mode:o}")
    return found


def test_what_is_written_is_closed_and_what_was_open_is_mended(folder: Path) -> None:
    data = folder / "data"
    billow(data, "keys", "--create")
    assert {"pepper", "postgres"} <= {path.name for path in data.iterdir()}
    assert open_to_others(data) == []
    (data / "outbox").mkdir()
    for path in (data / "pepper", data / "outbox" / "a.eml", data / "postgres" / "postgres.log"):
        path.touch()
        path.chmod(0o644)
    for path in (data, data / "outbox", data / "postgres"):
        path.chmod(0o755)
    billow(data, "keys")
    assert open_to_others(data) == []
    if os.geteuid() == 0:  # the database's user passes as its group, not as anybody
        assert stat.S_IMODE(data.stat().st_mode) == 0o710 and data.stat().st_gid != 0
    else:
        assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_a_folder_that_others_use_too_keeps_its_rights(folder: Path) -> None:
    folder.chmod(0o755)
    (folder / "pepper").write_text("x")
    (folder / "pepper").chmod(0o644)
    (folder / "site").mkdir()
    (folder / "site").chmod(0o755)  # whatever the umask
    folders.close(folder)
    modes = [stat.S_IMODE((folder / name).stat().st_mode) for name in (".", "site", "pepper")]
    assert modes == [0o755, 0o755, 0o600]
