"""Does every command of the pages run as it is written, in a fresh shell?

One installation is started for all of them, as the README says. Nothing is in the environment but PATH and
HOME, the folder holds a `.venv` and the examples as a checkout does, and each page has a shell of its own.
Only the port is another, since 8420 may be taken, and the folders that only root may write.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.test_tidy import ROOT

BLOCK = re.compile(r"(?:<!-- ([^>]*) -->\n)?```(sh|bash|shell|console|python)\n(.*?)```", re.DOTALL)
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")),
    *sorted(ROOT.glob("docs/guide/*.md")),
]
REPLACED = {"8420": "PORT", "/var/lib/billow": "data", "/var/backups": "backups"}
STARTS, TYPES = 240, 240
"""Seconds: for the installation until it answers, and for all commands of a page."""


@dataclass(frozen=True)
class Block:
    mark: str
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    return [Block(*found) for found in BLOCK.findall(page)]


def typed(page: str) -> str:
    """The commands of a page as one shell takes them, one after the other."""
    shell = [block for block in blocks(page) if block.language != "python"]
    return "\n".join(block.text for block in shell if not block.mark.startswith(("not run: ", "begin")))


@dataclass(frozen=True)
class Checkout:
    """A folder as the quick start leaves it, with billow running on its `data`."""

    folder: Path
    port: int

    def reads(self, text: str) -> str:
        for written, meant in REPLACED.items():
            text = text.replace(written, str(self.port) if meant == "PORT" else str(self.folder / meant))
        return text

    def environment(self) -> dict[str, str]:
        """PATH, with the link that the page on operating makes. `.curlrc` of HOME makes an error an error."""
        return {"PATH": f"{self.folder / 'bin'}:{os.defpath}", "HOME": str(self.folder), "PIP_NO_INDEX": "1"}

    def types(self, text: str, *program: str) -> str | None:
        """What went wrong with a text that a program is given, if anything did."""
        with tempfile.TemporaryFile("w+") as said:
            try:
                ended = subprocess.run(
                    program or ("bash", "-euo", "pipefail", "-c", self.reads(text)),
                    input=self.reads(text) if program else "",
                    cwd=self.folder,
                    env=self.environment(),
                    stdout=said,
                    stderr=said,
                    text=True,
                    timeout=TYPES,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                ended = -1
            said.seek(0)
            return None if ended == 0 else f"status {ended}: {said.read()[-2000:]}"


@contextmanager
def checkout() -> Iterator[Checkout]:
    """Installed and started as the README says. Not pytest's tmp_path: its parents are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="billow-pages-"))
    folder.chmod(0o755)
    for name in ("bin", "backups"):
        (folder / name).mkdir()
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / "bin/billow").symlink_to(Path(sys.prefix) / "bin/billow")
    (folder / ".curlrc").write_text("fail\nshow-error\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Checkout(folder, port)
    [begin] = [block for block in blocks((ROOT / "README.md").read_text()) if block.mark == "begin"]
    install, up = begin.text.splitlines()
    assert install == "make install", "the `.venv` of this test is what that makes"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", made.reads(up)],
            cwd=folder,
            env=made.environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until_ready(made, process)
        yield made
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(made: Checkout, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + STARTS
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{made.port}/readyz", timeout=5).close()
            return
        time.sleep(0.1)
    raise AssertionError((made.folder / "log").read_text()[-2000:])


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_every_command_runs_as_it_is_written_in_a_fresh_shell() -> None:
    wrong: dict[str, str] = {}
    with checkout() as made:
        for path in PAGES:
            page, name = path.read_text(), str(path.relative_to(ROOT))
            if path.name == "backup.md":
                continue  # tests/reliability/test_rewind.py types it, with a moment to go back to
            fault = made.types(typed(page)) if typed(page) else None
            if not fault and path.name in ("README.md", "client.md"):
                program = "\n".join(block.text for block in blocks(page) if block.language == "python")
                fault = made.types(program, ".venv/bin/python", "-")
            wrong |= {name: fault} if fault else {}
        assert made.types("false") and made.types("curl http://127.0.0.1:8420/v1/nothing -u $KEY:")
        assert made.types("curl -s http://127.0.0.1:8420/v1/nothing"), "a refusal is an error too"
    assert wrong == {}


def test_what_is_not_run_says_why() -> None:
    """A block of commands has no other mark than these; so none is passed over by a slip."""
    marks = {block.mark for path in PAGES for block in blocks(path.read_text()) if block.language != "python"}
    assert {mark for mark in marks if not re.fullmatch(r"|run|begin|not run: \w.+", mark)} == set()
    assert sum(bool(typed(path.read_text())) for path in PAGES) >= 9


def test_nobody_has_to_guess_a_name() -> None:
    """A command holds no "…" that a reader would have to replace, and no name that the page does not set."""
    for path in PAGES:
        text = typed(path.read_text())
        used, given = (
            set(re.findall(r"\$(\w+)", text)),
            set(re.findall(r"\b([A-Z_]+)=|for ([A-Z]+) in", text)),
        )
        assert "…" not in text and used <= {name for pair in given for name in pair}, path
