"""How much faster is this checkout than another revision? Each benchmark runs there and here, in turns.

    python bench/against.py f3d384a                       single_requests, renew and ingest
    python bench/against.py f3d384a renew --turns 4       one of them: there, here, there, here, …
    python bench/against.py HEAD~3 single_requests -- --only event,list       with arguments of its own

The other revision is checked out as a git worktree in a temporary folder and gets an environment of its own,
from its own lock (`make install` there). A benchmark that it has is run as it has it, since it may import
what has moved since; one that it lacks is run from here against its code. Compared are the figures that both
print, as ratios: more than 1 means that this checkout is better, in the medians and in the best of the runs.
Folder and worktree are removed in the end.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
ARGUMENTS: dict[str, Sequence[str]] = {
    "single_requests": [],
    "renew": ["2000"],
    "ingest": ["--events", "40000"],
}
"""What each benchmark is run with, unless the command line says something else."""
LESS_IS_BETTER = ("_ms", "seconds", "statements")
LOOKED_AT = ("per_second", "_ms", "statements")
"""What the name of a figure that is compared ends in."""


@dataclass(frozen=True)
class Side:
    """A revision that can be measured: its code and its Python."""

    name: str
    folder: Path
    python: Path

    def script(self, benchmark: str) -> Path:
        """The benchmark as this revision has it, or as the checkout has it that compares."""
        own = self.folder / "bench" / f"{benchmark}.py"
        return own if own.exists() else HERE / "bench" / f"{benchmark}.py"

    def figures(self, benchmark: str, arguments: Sequence[str]) -> dict[str, float]:
        """Run a benchmark once, and return its figures by name."""
        command = [str(self.python), str(self.script(benchmark)), *arguments, "--json"]
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True)
        if done.returncode:
            said = done.stderr.decode(errors="replace")[-4000:]
            raise SystemExit(f"{benchmark} failed in {self.name}:\n{said}")
        return figures_of(json.loads(done.stdout))


def figures_of(printed: Any, prefix: str = "") -> dict[str, float]:
    """All numbers of a benchmark's JSON that are compared; a list's entries are named by their `what`."""
    found: dict[str, float] = {}
    entries = printed.items() if isinstance(printed, dict) else ((one.get("what"), one) for one in printed)
    for name, value in entries:
        named = f"{prefix}{name}"
        if isinstance(value, dict | list):
            found |= figures_of(value, "" if isinstance(value, list) else f"{named}: ")
        elif isinstance(value, int | float) and named.rsplit(": ", 1)[-1].endswith(LOOKED_AT):
            found[named] = float(value)
    return found


@contextmanager
def checked_out(revision: str) -> Iterator[Side]:
    """Another revision in a temporary folder, with its own environment."""
    with tempfile.TemporaryDirectory(prefix="billow-against-") as name:
        folder = Path(name) / "checkout"
        git = ["git", "-C", str(HERE), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(folder), revision], check=True)
        try:
            print(f"installing {revision} ...", file=sys.stderr)
            make = ["make", "--quiet", "install", f"PYTHON={sys.executable}"]
            clean = {
                name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "VIRTUAL_ENV")
            }
            subprocess.run(make, cwd=folder, env=clean, check=True, stdout=sys.stderr)
            yield Side(revision, folder, folder / ".venv" / "bin" / "python")
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], check=True)


@dataclass(frozen=True)
class Compared:
    """One figure of both sides, over all turns."""

    name: str
    there: Sequence[float]
    here: Sequence[float]

    @property
    def less_is_better(self) -> bool:
        return self.name.rsplit(": ", 1)[-1].endswith(LESS_IS_BETTER) and not self.name.endswith("per_second")

    def ratio(self, there: float, here: float) -> float:
        better, worse = (there, here) if self.less_is_better else (here, there)
        return better / worse if worse else float("nan")

    def line(self) -> str:
        best = min if self.less_is_better else max
        medians = statistics.median(self.there), statistics.median(self.here)
        return (
            f"{self.name:66} {medians[0]:10,.2f} {medians[1]:10,.2f}   median {self.ratio(*medians):5.2f} x"
            f"   best {self.ratio(best(self.there), best(self.here)):5.2f} x"
        )


def compare(there: Side, here: Side, benchmark: str, arguments: Sequence[str], turns: int) -> list[Compared]:
    """Run a benchmark in turns on both sides, and match the figures that both print."""
    found: dict[Side, list[dict[str, float]]] = {there: [], here: []}
    for turn in range(turns):
        for side in (there, here):
            load = os.getloadavg()[0]
            print(f"{benchmark}, turn {turn + 1}: {side.name} (load {load:.1f}) ...", file=sys.stderr)
            found[side].append(side.figures(benchmark, arguments))
    common = [name for name in found[here][0] if all(name in one for runs in found.values() for one in runs)]
    return [
        Compared(name, [one[name] for one in found[there]], [one[name] for one in found[here]])
        for name in common
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("revision")
    parser.add_argument("benchmarks", nargs="*", default=[*ARGUMENTS])
    parser.add_argument("--turns", type=int, default=3)
    mine, own = sys.argv[1:], []
    if "--" in mine:
        place = mine.index("--")
        mine, own = mine[:place], mine[place + 1 :]
    wanted = parser.parse_args(mine)
    here = Side("this checkout", HERE, Path(sys.executable))
    with checked_out(wanted.revision) as there:
        for benchmark in wanted.benchmarks:
            arguments = own or ARGUMENTS.get(benchmark, [])
            rows = compare(there, here, benchmark, arguments, wanted.turns)
            print(f"\n{benchmark} {' '.join(arguments)}   {wanted.revision} | here", flush=True)
            for row in rows:
                print(row.line(), flush=True)


if __name__ == "__main__":
    main()
