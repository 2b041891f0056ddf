"""Does the wheel hold all that billow needs, wherever it is installed?"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_tidy import ROOT, tracked

INPUTS = ("pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder outside the checkout; not pytest's, whose parents are closed to the user of the database."""
    path = Path(tempfile.mkdtemp(prefix="billow-wheel-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def run(*words: str | Path, cwd: Path, **more: str) -> str:
    """What a command prints. It sees no setting and no path of this checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BILLOW", "PYTHON"))}
    ran = subprocess.run(
        words, cwd=cwd, env=kept | more, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    said = ran.stdout.decode()
    assert ran.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    source = folder / "source"
    for name in tracked():
        if name in INPUTS or name.startswith("billow/"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    build = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps", "--no-index"]
    run(*build, "--no-build-isolation", "--wheel-dir", folder, source, cwd=folder)
    shutil.rmtree(source)
    [made] = folder.glob("billow-*.whl")
    return made


@pytest.fixture(scope="module")
def installed(folder: Path, wheel: Path) -> Path:
    """The programs of an environment with the wheel, and beside it the libraries that the tests use."""
    home = folder / "venv"
    venv.create(home, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", home / "bin" / "python"]
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    [packages] = home.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == {name for name in tracked() if name.startswith("billow/")}


def test_billow_from_the_wheel_tells_its_version(installed: Path, folder: Path) -> None:
    where = run(installed / "python", "-c", "import billow; print(billow.__file__)", cwd=folder)
    assert Path(where.strip()).is_relative_to(folder)
    [version] = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert run(installed / "billow", "--version", cwd=folder) == f"billow {version}\n"


def test_the_demonstration_runs_in_an_empty_folder(installed: Path, folder: Path) -> None:
    empty = folder / "empty"
    empty.mkdir()
    said = run(installed / "billow", "demo", "--months=1", cwd=empty, DEMO="once")
    assert "trial balance" in said.lower()
